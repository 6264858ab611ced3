import { isWithin, type JsonPath } from '../lib/json-path.ts';

/**
 * Keys of Patroni and settings of PostgreSQL that the spec must not set, because the operator depends on them or because they would be ignored or do harm. One table for the
 * validator and for the page `docs/reference/patroni-configuration.md`.
 */
export interface ProtectedKey {
  readonly path: JsonPath;
  /** Completes "cannot be set: it …". */
  readonly why: string;
  /** What to do instead, as a request. */
  readonly remedy: string;
}

const key = (path: string, why: string, remedy = 'remove it'): ProtectedKey => ({ path: path.split('.'), why, remedy });

const LISTENER = 'is where the other members, HAProxy and the operator look for this member';
const CERTIFICATE = 'belongs to the certificates that the operator issues and renews';
const IDENTITY = 'is what the members and their keys in etcd are known by';
const ACCESS = 'decides who may give orders to Patroni, and the operator must be among them';
const OTHER_DCS = 'names another configuration store, and Patroni takes one only: this operator runs it with etcd';

/** In the local file (`spec.patroni.config`). */
export const PROTECTED_LOCAL: readonly ProtectedKey[] = [
  key('scope', IDENTITY, 'it is metadata.name'),
  key('name', IDENTITY, 'it is the name of the pod'),
  key('namespace', IDENTITY, 'use spec.patroni.dcsNamespace'),
  key('etcd3', 'is the etcd cluster that the operator runs for this cluster', 'use spec.etcd'),
  ...['etcd', 'consul', 'zookeeper', 'exhibitor', 'kubernetes', 'raft'].map((store) => key(store, OTHER_DCS)),
  key('citus', 'turns the cluster into a part of Citus, which is not supported'),
  key('restapi.listen', LISTENER, 'use spec.patroni.listenPort'),
  key('restapi.connect_address', LISTENER),
  ...['certfile', 'keyfile', 'keyfile_password', 'cafile'].map((file) => key(`restapi.${file}`, CERTIFICATE)),
  ...['verify_client', 'authentication', 'allowlist', 'allowlist_include_members'].map((door) => key(`restapi.${door}`, ACCESS)),
  ...['cacert', 'certfile', 'keyfile', 'keyfile_password'].map((file) => key(`ctl.${file}`, CERTIFICATE)),
  key('ctl.insecure', 'would give passwords to whoever answers'),
  key('ctl.authentication', ACCESS),
  key('postgresql.listen', LISTENER),
  key('postgresql.connect_address', LISTENER),
  key('postgresql.proxy_address', LISTENER),
  ...['data_dir', 'config_dir', 'bin_dir', 'bin_name', 'pgpass'].map((path) => key(`postgresql.${path}`, 'is a path that the pod template fixes')),
  key('postgresql.authentication', 'holds the users whose passwords and certificates the operator looks after', 'use spec.patroni.users'),
  key('postgresql.use_unix_socket', 'is how Patroni reaches PostgreSQL without a password'),
  key('postgresql.use_unix_socket_repl', 'is how Patroni reaches PostgreSQL without a password'),
  key('postgresql.custom_conf', 'replaces postgresql.conf by a file of its own, so that no setting of the spec would count (like postgres_conf_template of TPA)', 'write the settings into spec.postgres.parameters'),
  key('postgresql.pg_hba', 'holds the lines by which the members reach each other', 'use spec.postgres.hba'),
  key('postgresql.pg_ident', 'holds the map by which Patroni reaches PostgreSQL', 'use spec.postgres.ident'),
  key('bootstrap.initdb', 'has fields of its own', 'use spec.bootstrap.initdb'),
  key('bootstrap.users', 'is ignored by Patroni since 4.0', 'use spec.application'),
  key('bootstrap.pg_hba', 'is ignored where postgresql.pg_hba exists', 'use spec.postgres.hba'),
  key('bootstrap.method', 'starts the cluster in another way than the operator expects'),
  key('log.dir', 'would write the log where nobody can read it: the file system is read-only', 'read it with kubectl logs'),
  key('tags.config-hash', 'proves which file a member runs'),
  ...['nofailover', 'failover_priority', 'noloadbalance', 'nosync', 'sync_priority', 'nostream', 'clonefrom', 'replicatefrom'].map((tag) =>
    key(`tags.${tag}`, 'would hold for every member', 'use spec.patroni.members'),
  ),
];

const LOCAL_ONLY = 'is ignored by Patroni in the dynamic configuration';

/** In the dynamic configuration (`spec.patroni.dynamicConfig` and `spec.patroni.config.bootstrap.dcs`). */
export const PROTECTED_DYNAMIC: readonly ProtectedKey[] = [
  key('pause', 'is a state and no setting', 'use `patronictl pause` and `patronictl resume`'),
  key('standby_cluster', 'makes a standby of the cluster, which is not supported yet'),
  ...['scope', 'name', 'namespace', 'log', 'restapi', 'ctl', 'etcd3', 'etcd', 'consul', 'zookeeper', 'kubernetes', 'raft', 'watchdog', 'tags', 'bootstrap'].map((section) =>
    key(section, 'is a section of the local file', 'put it under spec.patroni.config'),
  ),
  ...['listen', 'connect_address', 'proxy_address', 'data_dir', 'config_dir', 'bin_dir', 'pgpass', 'authentication', 'custom_conf', 'use_unix_socket', 'use_unix_socket_repl'].map((path) =>
    key(`postgresql.${path}`, LOCAL_ONLY),
  ),
  key('postgresql.pg_hba', 'has no effect beside the one of the local file', 'use spec.postgres.hba'),
  key('postgresql.pg_ident', 'has no effect beside the one of the local file', 'use spec.postgres.ident'),
];

const OWN_FILES = 'is a path that the pod template fixes';
const RECOVERY = 'is written by Patroni, which decides whom a replica follows';
const FILES = 'reads settings from files that nobody watches (like postgres_conf_dir of TPA)';
const TO_PARAMETERS = 'write the settings into spec.postgres.parameters';
const TO_RECOVERY = 'use spec.patroni.dynamicConfig.postgresql.recovery_conf';

/** Settings of PostgreSQL, wherever they stand. */
export const PROTECTED_PARAMETERS: readonly ProtectedKey[] = [
  key('listen_addresses', LISTENER),
  key('port', LISTENER),
  key('cluster_name', 'is set by Patroni to the scope'),
  key('hot_standby', 'is always on under Patroni'),
  ...['data_directory', 'config_file', 'hba_file', 'ident_file', 'external_pid_file', 'unix_socket_directories'].map((name) => key(name, OWN_FILES)),
  key('ssl', 'is always on: connections over the network need TLS'),
  ...['ssl_cert_file', 'ssl_key_file', 'ssl_ca_file', 'ssl_passphrase_command'].map((name) => key(name, CERTIFICATE)),
  key('logging_collector', 'would take the log away from the output of the pod'),
  key('log_destination', 'would take the log away from the output of the pod'),
  ...['primary_conninfo', 'primary_slot_name', 'recovery_target', 'recovery_target_lsn', 'recovery_target_name', 'recovery_target_time', 'recovery_target_xid', 'recovery_target_timeline', 'recovery_target_inclusive', 'recovery_target_action'].map((name) => key(name, RECOVERY)),
  ...['restore_command', 'archive_cleanup_command', 'recovery_end_command', 'recovery_min_apply_delay', 'promote_trigger_file'].map((name) => key(name, RECOVERY, TO_RECOVERY)),
  key('synchronous_standby_names', 'is written by Patroni', 'use spec.patroni.synchronous'),
  ...['include', 'include_dir', 'include_if_exists'].map((name) => key(name, FILES, TO_PARAMETERS)),
];

/** The row that forbids `path`, if one does: `path` itself, or something above it. */
export function protectedBy(rows: readonly ProtectedKey[], path: JsonPath): ProtectedKey | undefined {
  return rows.find((row) => isWithin(path, row.path));
}

/** Rows that `path` would take away: those at, below or above it. */
export function protectedBelow(rows: readonly ProtectedKey[], path: JsonPath): readonly ProtectedKey[] {
  return rows.filter((row) => isWithin(row.path, path) || isWithin(path, row.path));
}

/** Sections of Patroni's local file that may be set. A section that is misspelt would be ignored without a word. Patroni 4.1 `validator.py`. */
export const LOCAL_SECTIONS: readonly string[] = [
  'bootstrap', 'citus', 'consul', 'ctl', 'etcd', 'etcd3', 'exhibitor', 'kubernetes', 'log', 'name', 'namespace', 'postgresql', 'raft', 'restapi', 'scope', 'tags',
  'thread_pool_size', 'thread_stack_size', 'watchdog', 'zookeeper',
];
