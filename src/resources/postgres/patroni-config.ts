import { type EffectiveCluster, ETCD_CLIENT_PORT } from '../../api/effective.ts';
import { podFqdns } from '../../api/names.ts';
import { shortHash } from '../../lib/canonical-json.ts';
import { quotedYaml } from '../common/yaml.ts';
import { hostBasedAuthentication, identMap } from './client-authentication.ts';
import { computedParameters, LISTEN } from './parameters.ts';
import { leafFiles, PATHS } from './paths.ts';
import { memberSlots } from './slots.ts';

/**
 * Timing in seconds. A lost leader is replaced after `ttl` at the latest, and a leader that lost etcd stops taking writes before that
 * (loop_wait + 2 * retry_timeout <= ttl). Patroni's and TPA's defaults are 30/10/10; these are Patroni's lowest ttl, measured to hold.
 */
const TIMING = { ttl: 20, loop_wait: 5, retry_timeout: 5 } as const;
/**
 * Bytes of WAL a replica may lack and still be promoted by itself, compared with what the leader last wrote to etcd: at each loop, and exactly at a clean shutdown. With
 * Patroni's default of 1 MiB, deleting all pods at once lost acknowledged rows (seen): the leader releases its lock once it is down, and a replica that had stopped before it came
 * back first. A replica receives WAL within milliseconds, long before the position is in etcd, so zero costs availability only where replication lags anyway.
 */
const MAXIMUM_LAG_ON_FAILOVER = 0;

type Json = Readonly<Record<string, unknown>>;

/**
 * Patroni's local configuration, the same for every member: what belongs to one pod comes from its environment, passwords from the Secrets' own fragments
 * (`60-*.yml` and up). The tag `config-hash` shows in `GET /cluster` which member runs which file; it is the hash of the text without the tag.
 */
export function patroniConfig(c: EffectiveCluster): string {
  return quotedYaml({ ...localConfig(c), tags: { 'config-hash': patroniConfigHash(c) } });
}

/** What the tag `config-hash` of a member says once it has loaded the current file. */
export function patroniConfigHash(c: EffectiveCluster): string {
  const of = [c.namespace, c.name, c.clusterDomain].join('/');
  const known = hashes.get(c.spec);
  if (known?.of === of) return known.hash;
  const hash = shortHash(quotedYaml(localConfig(c)));
  hashes.set(c.spec, { of, hash });
  return hash;
}

/** Every look at an idle cluster compares it with what the members say, and writing YAML is the dear part of such a look. By spec, which lives from one version of the cluster to the next. */
const hashes = new WeakMap<EffectiveCluster['spec'], { readonly of: string; readonly hash: string }>();

function localConfig(c: EffectiveCluster): Json {
  const { spec } = c;
  const rest = leafFiles('patroni-rest');
  const restClient = leafFiles('rest-client');
  return {
    scope: c.name,
    namespace: spec.patroni.dcsNamespace,
    log: { type: 'plain', level: 'INFO' },
    restapi: {
      listen: `0.0.0.0:${spec.patroni.listenPort}`,
      certfile: rest.cert,
      keyfile: rest.key,
      cafile: rest.ca,
      // `required` would refuse the kubelet's probes and HAProxy's checks. With `optional` reads need no certificate and writes are refused without one.
      verify_client: 'optional',
    },
    ctl: { cacert: restClient.ca, certfile: restClient.cert, keyfile: restClient.key },
    etcd3: etcd(c),
    postgresql: postgresql(c),
    watchdog: { mode: 'off' },
  };
}

function etcd(c: EffectiveCluster): Json {
  // The certificate has an empty common name: with any other, etcd answers HTTP 400 on its gateway as soon as its authentication is on (Patroni #2036).
  const client = leafFiles('etcd-client');
  const hosts = podFqdns(c.name, c.namespace, 'etcd', c.spec.etcd.replicas, c.clusterDomain).map((host) => `${host}:${ETCD_CLIENT_PORT}`);
  return { hosts, protocol: 'https', cacert: client.ca, cert: client.cert, key: client.key };
}

function postgresql(c: EffectiveCluster): Json {
  const { users } = c.spec.patroni;
  const server = leafFiles('postgres-server');
  const replication = leafFiles('replication');
  const verified = { sslmode: 'verify-full', sslrootcert: server.ca };
  return {
    listen: LISTEN,
    data_dir: PATHS.data,
    bin_dir: `/usr/lib/postgresql/${c.spec.versions.postgres}/bin`,
    pgpass: PATHS.pgpass,
    use_unix_socket: true,
    use_unix_socket_repl: true,
    authentication: {
      superuser: { username: users.superuser, ...verified },
      rewind: { username: users.rewind, ...verified },
      // No password on purpose: see client-authentication.ts.
      replication: {
        username: users.replication,
        ...verified,
        sslrootcert: replication.ca,
        sslcert: replication.cert,
        sslkey: replication.key,
      },
    },
    // What describes the pod is local, where it wins over the DCS: members that already run a newer pod template may need other paths than those that wait.
    parameters: {
      unix_socket_directories: PATHS.run,
      ssl: 'on',
      ssl_cert_file: server.cert,
      ssl_key_file: server.key,
      ssl_ca_file: server.ca,
      logging_collector: 'off',
      log_destination: 'stderr',
    },
    pg_hba: hostBasedAuthentication(c),
    pg_ident: identMap(c),
    create_replica_methods: ['basebackup'],
    // Without `no-password` a refused pg_basebackup asks for a password on its terminal, for ever.
    basebackup: ['no-password', { checkpoint: 'fast' }],
    // Data first: if pg_rewind fails, the old leader's data stays for a person to look at, rather than being replaced by a copy of the new leader.
    remove_data_directory_on_rewind_failure: false,
    remove_data_directory_on_diverged_timelines: false,
  };
}

/**
 * What Patroni reads only while there is no cluster yet: initdb, and the first dynamic configuration. A file of its own and outside of the hash, since a
 * change means nothing to members that run.
 */
export function bootstrapConfig(c: EffectiveCluster): string {
  return quotedYaml({ bootstrap: { dcs: dynamicConfig(c), initdb: initdb(c) } });
}

/** The dynamic configuration (in the DCS) that a new cluster starts with. */
export function dynamicConfig(c: EffectiveCluster): Json {
  return {
    ...TIMING,
    maximum_lag_on_failover: MAXIMUM_LAG_ON_FAILOVER,
    failsafe_mode: true,
    member_slots_ttl: 0,
    slots: memberSlots(c, c.spec.postgres.replicas),
    postgresql: { use_pg_rewind: true, use_slots: true, parameters: computedParameters(c) },
  };
}

function initdb(c: EffectiveCluster): readonly unknown[] {
  const { dataChecksums, encoding, locale } = c.spec.bootstrap.initdb;
  // PostgreSQL 18 turns checksums on by default and has an option against it; before, they are off unless asked for.
  const withoutChecksums = c.spec.versions.postgres === '18' ? ['no-data-checksums'] : [];
  return [
    { encoding },
    { locale },
    { 'auth-host': 'scram-sha-256' },
    { 'auth-local': 'peer' },
    ...(dataChecksums ? ['data-checksums'] : withoutChecksums),
  ];
}

/** Section of pg_service.conf that every libpq in the pod takes its defaults from (PGSERVICE). */
export const PG_SERVICE = 'patroni-operator';

/**
 * libpq's defaults for all connections out of the pod, read by walreceivers at each connection. After a leader's pod came back under a new address,
 * walreceivers hang in connect() to the old one for over a minute; the walreceiver's asynchronous connect ignores connect_timeout but not tcp_user_timeout.
 * Milliseconds for tcp_user_timeout, seconds for the others. Measured: all replicas stream again after 15-21 s instead of 49-83 s.
 */
export function pgServiceFile(): string {
  return [
    `[${PG_SERVICE}]`,
    'connect_timeout=3',
    'keepalives=1',
    'keepalives_idle=3',
    'keepalives_interval=1',
    'keepalives_count=3',
    'tcp_user_timeout=3000',
    '',
  ].join('\n');
}
