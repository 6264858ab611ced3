/**
 * Configurations that must be refused, each with its own message: judged by the validator in the unit tests, and put into a living cluster by the e2e tests. All of them pass the
 * schema of the CRD, so that only the validator stands between them and the cluster. `field` is where the finding must point, `says` what it must say.
 */
export interface BadConfiguration {
  readonly title: string;
  readonly spec: { readonly postgres?: Readonly<Record<string, unknown>>; readonly patroni?: Readonly<Record<string, unknown>> };
  readonly field: string;
  readonly says: RegExp;
}

const parameter = (title: string, name: string, value: unknown, says: RegExp): BadConfiguration => ({
  title,
  spec: { postgres: { parameters: { [name]: value } } },
  field: `spec.postgres.parameters.${name}`,
  says,
});
const config = (title: string, values: Readonly<Record<string, unknown>>, field: string, says: RegExp): BadConfiguration => ({
  title,
  spec: { patroni: { config: values } },
  field: `spec.patroni.config.${field}`,
  says,
});
const dynamic = (title: string, values: Readonly<Record<string, unknown>>, field: string, says: RegExp): BadConfiguration => ({
  title,
  spec: { patroni: { dynamicConfig: values } },
  field: `spec.patroni.dynamicConfig.${field}`,
  says,
});
const hba = (title: string, line: string, says: RegExp): BadConfiguration => ({ title, spec: { postgres: { hba: { append: [line] } } }, field: 'spec.postgres.hba.append[0]', says });

export const BAD_CONFIGURATIONS: readonly BadConfiguration[] = [
  parameter('a number that is none', 'max_connections', 'many', /whole number/),
  parameter('a unit of Kubernetes', 'shared_buffers', '256Mi', /256MB/),
  parameter('a unit where none belongs', 'max_wal_senders', '10MB', /unit/),
  parameter('more than PostgreSQL allows', 'max_connections', 1000000, /262143/),
  parameter('fewer connections than Patroni takes', 'max_connections', 10, /at least 25/),
  parameter('a word that is no choice', 'wal_compression', 'zipped', /one of|pglz/),
  parameter('neither on nor off', 'autovacuum', 'sometimes', /on or off|true or false/),
  parameter('a list', 'work_mem', ['4MB'], /list|text or a number/),
  parameter('a name with a blank', 'work mem', '4MB', /name/),
  parameter('a setting that cannot be set', 'block_size', 8192, /cannot be set|fixed|read/i),
  parameter('the port', 'port', 5433, /where the other members/),
  parameter('the addresses', 'listen_addresses', 'localhost', /where the other members/),
  parameter('TLS turned off', 'ssl', 'off', /always on/),
  parameter('the file of pg_hba', 'hba_file', '/tmp/pg_hba.conf', /pod template/),
  parameter('the log taken away', 'logging_collector', 'on', /output of the pod/),
  parameter('the upstream', 'primary_conninfo', 'host=other', /written by Patroni, which decides/),
  parameter('a restore command in the wrong place', 'restore_command', 'cp %f %p', /recovery_conf/),
  parameter('synchronous standbys by hand', 'synchronous_standby_names', '*', /spec\.patroni\.synchronous/),
  parameter('a folder of settings', 'include_dir', 'conf.d', /postgres_conf_dir/),
  parameter('too little WAL for replicas', 'wal_level', 'minimal', /replica or logical/),
  parameter('weak password hashes', 'password_encryption', 'md5', /scram-sha-256/),
  parameter('an old TLS', 'ssl_min_protocol_version', 'TLSv1.1', /TLSv1\.2/),
  config('another scope', { scope: 'other' }, 'scope', /metadata\.name/),
  config('another store', { kubernetes: { labels: {} } }, 'kubernetes', /runs it with etcd/),
  config('another etcd', { etcd3: { hosts: ['other:2379'] } }, 'etcd3', /spec\.etcd/),
  config('another data directory', { postgresql: { data_dir: '/tmp/data' } }, 'postgresql.data_dir', /pod template/),
  config('other users', { postgresql: { authentication: { superuser: { username: 'x' } } } }, 'postgresql.authentication', /spec\.patroni\.users/),
  config('a configuration file of its own', { postgresql: { custom_conf: '/tmp/postgresql.conf' } }, 'postgresql.custom_conf', /postgres_conf_template/),
  config('pg_hba in the wrong place', { postgresql: { pg_hba: ['host all all all trust'] } }, 'postgresql.pg_hba', /spec\.postgres\.hba/),
  config('a door left open', { restapi: { verify_client: 'none' } }, 'restapi.verify_client', /who may give orders/),
  config('a section that is taken away whole', { restapi: null }, 'restapi', /as a whole/),
  config('a section that is misspelt', { postgresq: { use_pg_rewind: true } }, 'postgresq', /did you mean postgresql/),
  config('a dynamic key in the local file', { ttl: 30 }, 'ttl', /dynamicConfig/),
  config('a level that is none', { log: { level: 'LOUD' } }, 'log.level', /one of DEBUG/),
  config('a watchdog that no pod has', { watchdog: { mode: 'required' } }, 'watchdog.mode', /off, automatic/),
  dynamic('a lock that is too short', { ttl: 5 }, 'ttl', /at least 20/),
  dynamic('timings that do not fit', { ttl: 20, loop_wait: 10, retry_timeout: 10 }, 'ttl', /loop_wait \+ 2 × retry_timeout ≤ ttl/),
  dynamic('a pause', { pause: true }, 'pause', /patronictl pause/),
  dynamic('a standby cluster', { standby_cluster: { host: 'other' } }, 'standby_cluster', /not supported yet/),
  dynamic('a name of long ago', { master_start_timeout: 60 }, 'master_start_timeout', /primary_start_timeout/),
  dynamic('a misspelt key', { failsafe_mod: true }, 'failsafe_mod', /did you mean failsafe_mode/),
  dynamic('a map where a list belongs', { ignore_slots: { name: 'x' } }, 'ignore_slots', /must be a list/),
  dynamic('a text where true or false belongs', { postgresql: { use_slots: 'yes please' } }, 'postgresql.use_slots', /true or false/),
  dynamic('a local section', { log: { level: 'DEBUG' } }, 'log', /spec\.patroni\.config/),
  dynamic('a logical slot without its plugin', { slots: { feed: { type: 'logical', database: 'app' } } }, 'slots.feed', /plugin/),
  hba('a line without a method', 'hostssl all all 10.0.0.0/8', /no method/),
  hba('trust', 'hostssl all all all trust', /no proof/),
  hba('an address that is none', 'hostssl all all 10.0.0.300/8 scram-sha-256', /10\.0\.0\.300/),
  hba('a type that is none', 'hostsl all all all scram-sha-256', /must begin with one of/),
  { title: 'a map line with two words', spec: { postgres: { ident: ['map user'] } }, field: 'spec.postgres.ident[0]', says: /three words/ },
  { title: 'leaving out what the operator needs', spec: { patroni: { omit: ['postgresql.authentication'] } }, field: 'spec.patroni.omit[0]', says: /cannot be left out/ },
  { title: 'leaving out everything in etcd', spec: { patroni: { omit: ['bootstrap.dcs'] } }, field: 'spec.patroni.omit[0]', says: /whole dynamic configuration/ },
  { title: 'handles that do not fit', spec: { patroni: { loopWait: 12, retryTimeout: 10 } }, field: 'spec.patroni.loopWait', says: /12 \+ 2 × 10 is more than 20/ },
];
