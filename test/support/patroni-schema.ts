import { isJsonObject, type JsonObject } from '../../src/lib/deep-merge.ts';

/**
 * What `patroni --validate-config` (4.1.5, `validator.py`) demands of a configuration, without what it tries out on the machine (connections, ports, binaries, data directory). The
 * e2e tests put a sample of the same configurations before the original.
 */

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const bool: Check = (value) => typeof value === 'boolean';
const map: Check = isJsonObject;
const list = (item: Check): Check => (value) => Array.isArray(value) && value.every(item);
const oneOf = (...words: readonly string[]): Check => (value) => typeof value === 'string' && words.includes(value);
/** `IntValidator`: text is read as a number unless a type is demanded. */
const int = (min: number, max = Number.MAX_SAFE_INTEGER): Check => (value) => {
  const number = typeof value === 'string' && /^-?[0-9]+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max;
};
const strictInt = (min: number, max?: number): Check => (value) => typeof value === 'number' && int(min, max)(value);
const address: Check = (value) => typeof value === 'string' && /^[^:\s]+:[0-9]{1,5}$/.test(value) && !/^(localhost|127\.)/.test(value);

interface Section {
  readonly [key: string]: Check | Section;
}

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'WARNING', 'ERROR', 'FATAL', 'CRITICAL'];
const user: Section = { 'username!': text };

/** A key with `!` at its end must be there; keys that are not named are not judged. */
const SCHEMA: Section = {
  'name!': text,
  'scope!': text,
  log: {
    type: oneOf('plain', 'json'),
    level: oneOf(...LEVELS),
    traceback_level: oneOf('DEBUG', 'ERROR'),
    format: (value) => text(value) || (Array.isArray(value) && value.length > 0),
    dateformat: text,
    static_fields: map,
    max_queue_size: strictInt(0),
    loggers: map,
  },
  ctl: { cacert: text, certfile: text, keyfile: text, insecure: bool },
  'restapi!': {
    'listen!': (value) => typeof value === 'string' && /^[^:\s]+:[0-9]{1,5}$/.test(value),
    'connect_address!': address,
    certfile: text,
    keyfile: text,
    cafile: text,
    verify_client: oneOf('none', 'optional', 'required'),
    http_extra_headers: map,
    https_extra_headers: map,
    request_queue_size: strictInt(0, 4096),
    server_tokens: (value) => typeof value === 'string' && ['minimal', 'productonly', 'original'].includes(value.toLowerCase()),
  },
  bootstrap: {
    'dcs!': {
      ttl: int(20),
      loop_wait: int(1),
      retry_timeout: int(3),
      maximum_lag_on_failover: int(0),
      maximum_lag_on_syncnode: int(-1),
      primary_start_timeout: int(0),
      primary_stop_timeout: int(0),
      synchronous_mode: (value) => typeof value === 'boolean' || value === 'quorum',
      synchronous_mode_strict: bool,
      synchronous_node_count: int(1),
      postgresql: {
        parameters: {
          max_connections: int(1, 262143),
          max_locks_per_transaction: int(10, 2147483647),
          max_prepared_transactions: int(0, 262143),
          max_replication_slots: int(0, 262143),
          max_wal_senders: int(0, 262143),
          max_worker_processes: int(0, 262143),
        },
        use_pg_rewind: bool,
        use_slots: bool,
        pg_ctl_timeout: int(0),
      },
    },
    initdb: list((item) => text(item) || isJsonObject(item)),
    method: text,
  },
  'etcd3!': { 'hosts!': list(address), protocol: oneOf('http', 'https'), cacert: text, cert: text, key: text },
  'postgresql!': {
    'listen!': (value) => typeof value === 'string' && /:[0-9]{1,5}$/.test(value),
    'connect_address!': address,
    'authentication!': { 'replication!': user, 'superuser!': user, rewind: user },
    'data_dir!': text,
    bin_dir: text,
    parameters: { unix_socket_directories: text },
    pg_hba: list(text),
    pg_ident: list(text),
    pg_ctl_timeout: int(0),
    use_pg_rewind: bool,
  },
  watchdog: { mode: oneOf('off', 'automatic', 'required'), device: text, safety_margin: strictInt(-1) },
  tags: { nofailover: bool, failover_priority: strictInt(0), clonefrom: bool, noloadbalance: bool, nosync: bool, sync_priority: strictInt(0), nostream: bool, replicatefrom: text },
};

/** Paths that break the schema; none when Patroni would accept the configuration. */
export function patroniSchemaErrors(config: JsonObject): readonly string[] {
  const tags = isJsonObject(config['tags']) ? config['tags'] : {};
  const twice = [['nofailover', 'failover_priority'], ['nosync', 'sync_priority']].filter((pair) => pair.every((tag) => tag in tags)).map((pair) => `tags: ${pair.join(' and ')}`);
  return [...errorsIn(SCHEMA, config, ''), ...twice];
}

function errorsIn(section: Section, value: unknown, path: string): readonly string[] {
  if (!isJsonObject(value)) return [`${path} is no map`];
  return Object.entries(section).flatMap(([word, check]) => {
    const key = word.replace(/!$/, '');
    const at = `${path}${path === '' ? '' : '.'}${key}`;
    if (value[key] === undefined) return word.endsWith('!') ? [`${at} is missing`] : [];
    if (typeof check === 'function') return check(value[key]) ? [] : [`${at} is ${JSON.stringify(value[key])}`];
    return errorsIn(check, value[key], at);
  });
}
