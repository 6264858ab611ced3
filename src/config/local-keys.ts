import type { KeyType } from './key-type.ts';

/** What Patroni 4.1 knows in the sections of its local file that users may set, and what it takes there (`validator.py`). Keys that are protected are in `protected.ts`. */

const LEVELS: KeyType = { type: 'choice', values: ['DEBUG', 'INFO', 'WARN', 'WARNING', 'ERROR', 'FATAL', 'CRITICAL'] };

export const LOCAL_KEYS: Readonly<Record<string, Readonly<Record<string, KeyType>>>> = {
  log: {
    type: { type: 'choice', values: ['plain', 'json'] },
    level: LEVELS,
    traceback_level: { type: 'choice', values: ['DEBUG', 'ERROR'] },
    format: { type: 'textOrList' },
    dateformat: { type: 'text' },
    static_fields: { type: 'map' },
    max_queue_size: { type: 'integer', min: 0 },
    loggers: { type: 'map' },
    deduplicate_heartbeat_logs: { type: 'boolean' },
  },
  restapi: {
    http_extra_headers: { type: 'map' },
    https_extra_headers: { type: 'map' },
    request_queue_size: { type: 'integer', min: 0, max: 4096 },
    server_tokens: { type: 'choice', values: ['minimal', 'productonly', 'original', 'Minimal', 'ProductOnly', 'Original'] },
    ciphers: { type: 'text' },
    thread_pool_size: { type: 'integer', min: 5 },
  },
  postgresql: {
    callbacks: { type: 'map' },
    create_replica_methods: { type: 'textList' },
    basebackup: { type: 'list' },
    database: { type: 'text' },
    before_stop: { type: 'text' },
    pre_promote: { type: 'text' },
    pg_ctl_timeout: { type: 'integer', min: 0, unit: 's' },
    use_pg_rewind: { type: 'boolean' },
    remove_data_directory_on_rewind_failure: { type: 'boolean' },
    remove_data_directory_on_diverged_timelines: { type: 'boolean' },
    parameters: { type: 'map' },
    rewind: { type: 'list' },
  },
  bootstrap: { dcs: { type: 'map' }, post_bootstrap: { type: 'text' }, post_init: { type: 'text' } },
  watchdog: { mode: { type: 'choice', values: ['off', 'automatic'] }, device: { type: 'text' }, safety_margin: { type: 'integer', min: -1 } },
};
