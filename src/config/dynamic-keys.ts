import type { KeyType } from './key-type.ts';

/** What Patroni 4.1 knows in its dynamic configuration, and what it takes there (docs/dynamic_configuration.rst, `validator.py`, `global_config.py`). */

const seconds = (min: number): KeyType => ({ type: 'integer', min, unit: 's' });

export const DYNAMIC_KEYS: Readonly<Record<string, KeyType>> = {
  ttl: seconds(20),
  loop_wait: seconds(1),
  retry_timeout: seconds(3),
  maximum_lag_on_failover: { type: 'integer', min: 0, unit: 'bytes' },
  // -1 turns it off.
  maximum_lag_on_syncnode: { type: 'integer', min: -1, unit: 'bytes' },
  max_timelines_history: { type: 'integer', min: 0 },
  check_timeline: { type: 'boolean' },
  primary_start_timeout: seconds(0),
  primary_stop_timeout: seconds(0),
  synchronous_mode: { type: 'booleanOrQuorum' },
  synchronous_mode_strict: { type: 'boolean' },
  synchronous_node_count: { type: 'integer', min: 1 },
  failsafe_mode: { type: 'boolean' },
  member_slots_ttl: { type: 'duration' },
  slots: { type: 'map' },
  ignore_slots: { type: 'list' },
  postgresql: { type: 'map' },
};

/** Keys of `postgresql` in the dynamic configuration whose type is known; Patroni takes others of its local file as well. */
export const DYNAMIC_POSTGRESQL_KEYS: Readonly<Record<string, KeyType>> = {
  parameters: { type: 'map' },
  recovery_conf: { type: 'map' },
  use_pg_rewind: { type: 'boolean' },
  use_slots: { type: 'boolean' },
  callbacks: { type: 'map' },
  create_replica_methods: { type: 'list' },
  remove_data_directory_on_rewind_failure: { type: 'boolean' },
  remove_data_directory_on_diverged_timelines: { type: 'boolean' },
  pg_ctl_timeout: { type: 'integer', min: 0, unit: 's' },
};

/** Names before Patroni 4.0, which later versions ignore. */
export const RENAMED_DYNAMIC_KEYS: Readonly<Record<string, string>> = {
  master_start_timeout: 'primary_start_timeout',
  master_stop_timeout: 'primary_stop_timeout',
};

/**
 * Least values Patroni takes for settings it passes on the command line. It puts its own default in the place of others and only logs it (4.1 `CMDLINE_OPTIONS`).
 * `wal_keep_size` in MB.
 */
export const PATRONI_MINIMUM: Readonly<Record<string, number>> = {
  max_connections: 25,
  max_wal_senders: 3,
  max_replication_slots: 4,
  max_worker_processes: 2,
  max_locks_per_transaction: 32,
};

/** What Patroni 4.1 passes on the command line where the dynamic configuration says nothing (`CMDLINE_OPTIONS`, `Config.__DEFAULT_CONFIG`). */
export const PATRONI_PARAMETERS: Readonly<Record<string, string>> = {
  max_connections: '100',
  max_wal_senders: '10',
  max_prepared_transactions: '0',
  max_locks_per_transaction: '64',
  track_commit_timestamp: 'off',
  max_replication_slots: '10',
  max_worker_processes: '8',
  wal_log_hints: 'on',
};

/** Defaults of Patroni 4.1 that stand in the place of PostgreSQL's (`CMDLINE_OPTIONS`); `wal_keep_size` goes into the file. */
export const PATRONI_DEFAULTS: Readonly<Record<string, string>> = { ...PATRONI_PARAMETERS, wal_keep_size: '128MB' };

/**
 * Settings that a standby must have at least as high as its leader; PostgreSQL pauses or ends replay otherwise (docs, "Hot Standby": Administrator's Overview). They are raised
 * on the replicas first and lowered on the leader first.
 */
export const STANDBY_SETTINGS: readonly string[] = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];
