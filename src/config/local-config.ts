import { type EffectiveCluster, ETCD_CLIENT_PORT } from '../api/effective.ts';
import { podFqdns } from '../api/names.ts';
import type { JsonObject } from '../lib/deep-merge.ts';
import { isJsonObject } from '../lib/deep-merge.ts';
import { formatPath, withoutPath } from '../lib/json-path.ts';
import { hostBasedAuthentication, identMap } from './client-authentication.ts';
import { LISTEN } from './computed-parameters.ts';
import { initialDynamicConfig } from './dynamic-config.ts';
import { type Layer, mergeLayers, userLayers, withOmissions } from './layers.ts';
import { leafFiles, PATHS } from './pod-paths.ts';

/** Patroni's local file as the spec asks for it: the operator's values, then the dedicated fields, then `spec.patroni.config`. The same for every member. */
export function wantedLocalConfig(c: EffectiveCluster): JsonObject {
  const merged = mergeLayers(withOmissions(localBase(c), 'local', c.spec.patroni.omit), localLayers(c));
  return withoutPath(merged, ['bootstrap']);
}

/** What the spec sets in the local file, weakest first. */
export function localLayers(c: Pick<EffectiveCluster, 'spec'>): readonly Layer[] {
  const { level, tracebackLevel, format, dateFormat, loggers } = c.spec.patroni.log;
  const log = {
    ...(level === 'INFO' ? {} : { level }),
    ...(tracebackLevel === undefined ? {} : { traceback_level: tracebackLevel }),
    ...(format === undefined ? {} : { format }),
    ...(dateFormat === undefined ? {} : { dateformat: dateFormat }),
    ...(loggers === undefined ? {} : { loggers }),
  };
  const fields: Readonly<Record<string, string>> = { level: 'level', traceback_level: 'tracebackLevel', format: 'format', dateformat: 'dateFormat' };
  const handles: Layer = {
    field: 'spec.patroni.log',
    values: Object.keys(log).length === 0 ? {} : { log },
    sourceOf: ([, key = '', ...rest]) => formatPath(['spec', 'patroni', 'log', fields[key] ?? key, ...rest]),
  };
  return [handles, ...userLayers(c.spec, 'local')];
}

/**
 * What Patroni reads only while there is no cluster yet: initdb, and the first dynamic configuration. A file of its own and outside of the hash, since a
 * change means nothing to members that run.
 */
export function bootstrapSection(c: EffectiveCluster): JsonObject {
  const own = { bootstrap: { dcs: initialDynamicConfig(c), initdb: initdb(c) } };
  const user = userLayers(c.spec, 'local').map(({ values }) => ({ values: isJsonObject(values['bootstrap']) ? { bootstrap: values['bootstrap'] } : {} }));
  return mergeLayers(own, user);
}

/** What the operator itself puts into the local file. */
export function localBase(c: EffectiveCluster): JsonObject {
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

function etcd(c: EffectiveCluster): JsonObject {
  // The certificate has an empty common name: with any other, etcd answers HTTP 400 on its gateway as soon as its authentication is on (Patroni #2036).
  const client = leafFiles('etcd-client');
  const hosts = podFqdns(c.name, c.namespace, 'etcd', c.spec.etcd.replicas, c.clusterDomain).map((host) => `${host}:${ETCD_CLIENT_PORT}`);
  return { hosts, protocol: 'https', cacert: client.ca, cert: client.cert, key: client.key };
}

function postgresql(c: EffectiveCluster): JsonObject {
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
