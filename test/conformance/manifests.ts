import { API_VERSION } from '../../src/api/meta.ts';

/** Manifests that every judge must agree about: the code, CEL in JavaScript, the API server double and a real API server. */

export interface Case {
  readonly name: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** The object before the update; absent on creation. */
  readonly old?: Readonly<Record<string, unknown>>;
  /** What the code says: code and path, in any order. Empty: accepted. */
  readonly problems: readonly string[];
  /** Part of the text that the API server answers with. Absent beside problems: only the operator judges this (a condition tells). */
  readonly refusal?: string;
}

export const clusterManifest = (spec: unknown, name = 'orders'): Readonly<Record<string, unknown>> => ({
  apiVersion: API_VERSION,
  kind: 'PatroniCluster',
  metadata: { name, namespace: 'default' },
  spec,
});

const good = (name: string, spec: unknown): Case => ({ name, manifest: clusterManifest(spec), problems: [] });
const bad = (name: string, spec: unknown, problems: readonly string[], refusal?: string): Case => ({
  name,
  manifest: clusterManifest(spec),
  problems,
  ...(refusal === undefined ? {} : { refusal }),
});
const update = (name: string, old: unknown, spec: unknown, problems: readonly string[], refusal?: string): Case => ({
  ...bad(name, spec, problems, refusal),
  old: clusterManifest(old),
});

export const GOOD: readonly Case[] = [
  good('an empty spec', {}),
  good('nulls where a default is meant', { postgres: { storage: null, replicas: null }, haproxy: null }),
  good('amounts of resources as numbers', { postgres: { resources: { requests: { cpu: 2, memory: '1Gi' }, limits: { cpu: 4 } } } }),
  good('requests equal to limits in other units', {
    etcd: { resources: { requests: { memory: '1024Mi', cpu: '0.5' }, limits: { memory: '1Gi', cpu: '500m' } } },
  }),
  good('hugepages and devices', { postgres: { resources: { limits: { 'hugepages-2Mi': '64Mi', 'example.com/disk': 1 } } } }),
  good('a single member with a single etcd member', { postgres: { replicas: 1 }, etcd: { replicas: 1 } }),
  good('a limit on lag', { haproxy: { readOnly: { maxLag: '16Mi' } } }),
  good('no read-only connections and no limit', { haproxy: { readOnly: { enabled: false } } }),
  good('an owner like a system user, while the application is off', { application: { enabled: false, owner: 'postgres' } }),
  good('the REST user sharing the name of the superuser', { patroni: { users: { restapi: 'postgres' } } }),
  good('scheduling as in a Pod', {
    postgres: {
      pod: {
        labels: { team: 'blue', 'example.com/tier': '' },
        tolerations: [{ key: 'db', operator: 'Exists', tolerationSeconds: 30 }],
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } } },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
      },
    },
  }),
  good('images with digest and pull secrets', {
    images: { postgres: 'r.example.com:5000/a/b_c:17@sha256:0123abcd', pullSecrets: ['pull.secret'] },
  }),
];

export const BAD: readonly Case[] = [
  bad(
    'an even number of etcd members',
    { etcd: { replicas: 2 } },
    ['ERR_SPEC_ETCD_EVEN spec.etcd.replicas'],
    'spec.etcd.replicas: Invalid value: "integer": must be odd',
  ),
  bad('a line of pg_hba with a line break', { postgres: { hba: { append: ['a\nb'] } } }, ['ERR_SPEC_VALUE spec.postgres.hba.append[0]'], 'must be one line'),
  bad(
    'lines of pg_hba instead of and beside others',
    { postgres: { hba: { append: ['x'], replace: ['y'] } } },
    ['ERR_SPEC_VALUE spec.postgres.hba.replace'],
    'cannot stand beside prepend or append',
  ),
  bad(
    'a logical slot without a plugin',
    { patroni: { slots: { feed: { type: 'logical', database: 'app' } } } },
    ['ERR_SPEC_VALUE spec.patroni.slots.feed'],
    'needs database and plugin',
  ),
  bad(
    'a plugin that is no name',
    { patroni: { slots: { feed: { type: 'logical', database: 'app', plugin: 'pg output' } } } },
    ['ERR_SPEC_VALUE spec.patroni.slots.feed.plugin'],
    'must be the name of an output plugin',
  ),
  bad('a lag without a unit of Kubernetes', { patroni: { maximumLagOnFailover: '1MB' } }, ['ERR_SPEC_QUANTITY spec.patroni.maximumLagOnFailover'], 'must be a number of bytes'),
  bad('a slot with a name that PostgreSQL refuses', { patroni: { slots: { 'My-Slot': { type: 'physical' } } } }, ['ERR_SPEC_VALUE spec.patroni.slots']),
  bad('an ignored slot that could be any', { patroni: { ignoreSlots: [{}] } }, ['ERR_SPEC_VALUE spec.patroni.ignoreSlots[0]'], 'must say which slots'),
  bad(
    'the same said twice of a member',
    { patroni: { members: [{ ordinal: 1, nofailover: true, failoverPriority: 0 }] } },
    ['ERR_SPEC_VALUE spec.patroni.members[0]'],
    'must not say the same twice',
  ),
  bad('a path to leave out that is none', { patroni: { omit: ['a..b'] } }, ['ERR_SPEC_VALUE spec.patroni.omit[0]']),
  bad('type Schedule without a schedule', { updateStrategy: { type: 'Schedule' } }, ['ERR_SPEC_VALUE spec.updateStrategy.schedule'], 'belongs to type Schedule'),
  bad(
    'a window that never opens',
    { updateStrategy: { type: 'Schedule', schedule: { cron: '61 2 * * 6', timeZone: 'Nowhere/X' } } },
    ['ERR_SPEC_VALUE spec.updateStrategy.schedule.cron', 'ERR_SPEC_VALUE spec.updateStrategy.schedule.timeZone'],
  ),
  bad('a misspelt field', { etcd: { replicsa: 3 } }, ['ERR_SPEC_UNKNOWN_FIELD spec.etcd.replicsa'], 'unknown field "spec.etcd.replicsa"'),
  bad('an unknown section', { pgbouncer: { enabled: true } }, ['ERR_SPEC_UNKNOWN_FIELD spec.pgbouncer'], 'unknown field "spec.pgbouncer"'),
  bad(
    'a text for a number',
    { postgres: { replicas: 'three' } },
    ['ERR_SPEC_TYPE spec.postgres.replicas'],
    'spec.postgres.replicas: Invalid value: "string"',
  ),
  bad(
    'a number for a text',
    { versions: { postgres: 17 } },
    ['ERR_SPEC_VALUE spec.versions.postgres'],
    'spec.versions.postgres: Invalid value: "integer"',
  ),
  bad(
    'a version that does not exist',
    { versions: { postgres: '9.6' } },
    ['ERR_SPEC_VALUE spec.versions.postgres'],
    'spec.versions.postgres: Unsupported value: "9.6"',
  ),
  bad(
    'too many members',
    { postgres: { replicas: 99 } },
    ['ERR_SPEC_VALUE spec.postgres.replicas'],
    'spec.postgres.replicas: Invalid value: 99',
  ),
  bad('no members', { postgres: { replicas: 0 } }, ['ERR_SPEC_VALUE spec.postgres.replicas'], 'spec.postgres.replicas: Invalid value: 0'),
  bad('a list for an object', { postgres: [] }, ['ERR_SPEC_TYPE spec.postgres'], 'spec.postgres: Invalid value: "array"'),
  bad(
    'a size in decimal letters',
    { postgres: { storage: { size: '10GB' } } },
    ['ERR_SPEC_QUANTITY spec.postgres.storage.size'],
    'spec.postgres.storage.size: Invalid value: "string": must be a number of bytes',
  ),
  bad(
    'a size of etcd that is no quantity',
    { etcd: { storage: { size: 'large' } } },
    ['ERR_SPEC_QUANTITY spec.etcd.storage.size'],
    'must be a number of bytes',
  ),
  bad(
    'a lag in decimal letters',
    { haproxy: { readOnly: { maxLag: '16MB' } } },
    ['ERR_SPEC_QUANTITY spec.haproxy.readOnly.maxLag'],
    'such as 16Mi (units Ki, Mi, Gi, Ti; not KB, MB, GB)',
  ),
  bad(
    'a size without a unit',
    { etcd: { storage: { size: '10' } } },
    ['ERR_SPEC_QUANTITY spec.etcd.storage.size'],
    'must be at least 128Mi',
  ),
  bad(
    'a limit on lag without readers',
    { haproxy: { readOnly: { enabled: false, maxLag: '1Mi' } } },
    ['ERR_SPEC_MAXLAG_NEEDS_READONLY spec.haproxy.readOnly.maxLag'],
    'spec.haproxy.readOnly.maxLag: Invalid value',
  ),
  bad(
    'a limit on lag of zero',
    { haproxy: { readOnly: { maxLag: '0Mi' } } },
    ['ERR_SPEC_QUANTITY spec.haproxy.readOnly.maxLag'],
    'must be at least one byte',
  ),
  bad(
    'two users of one name',
    { patroni: { users: { rewind: 'replicator' } } },
    ['ERR_SPEC_USERS_NOT_DISTINCT spec.patroni.users'],
    'spec.patroni.users: Invalid value: "object": superuser, replication and rewind must be three different roles',
  ),
  bad(
    'a role that PostgreSQL reserves',
    { patroni: { users: { rewind: 'pg_rewind' } } },
    ['ERR_SPEC_RESERVED_NAME spec.patroni.users.rewind'],
    'must not start with pg_',
  ),
  bad(
    'a role with capitals',
    { application: { owner: 'Orders' } },
    ['ERR_SPEC_VALUE spec.application.owner'],
    'must hold only lower-case letters',
  ),
  bad(
    'the superuser as owner',
    { application: { owner: 'postgres' } },
    ['ERR_SPEC_RESERVED_NAME spec.application.owner'],
    'spec.application.owner: Invalid value',
  ),
  bad(
    'a database that is there already',
    { application: { database: 'template1' } },
    ['ERR_SPEC_RESERVED_NAME spec.application.database'],
    'which have a meaning in PostgreSQL already',
  ),
  bad(
    'requests above limits',
    { postgres: { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } } },
    ['ERR_SPEC_REQUEST_ABOVE_LIMIT spec.postgres.resources.requests'],
    'spec.postgres.resources.requests: Invalid value: "object": must not be above the limit of memory',
  ),
  bad(
    'requests above limits, as numbers',
    { haproxy: { resources: { requests: { cpu: 2 }, limits: { cpu: '1500m' } } } },
    ['ERR_SPEC_REQUEST_ABOVE_LIMIT spec.haproxy.resources.requests'],
    'must not be above the limit of cpu',
  ),
  bad('requests of a device above limits', { haproxy: { resources: { requests: { 'a.b/c': '2' }, limits: { 'a.b/c': '1' } } } }, [
    'ERR_SPEC_REQUEST_ABOVE_LIMIT spec.haproxy.resources.requests',
  ]),
  bad(
    'a resource nobody knows',
    { postgres: { resources: { requests: { mem: '1Gi' } } } },
    ['ERR_SPEC_RESOURCE_UNKNOWN spec.postgres.resources.requests'],
    'knows cpu, memory',
  ),
  bad(
    'an amount that is none',
    { postgres: { resources: { limits: { memory: '1GB' } } } },
    ['ERR_SPEC_VALUE spec.postgres.resources.limits.memory'],
    'spec.postgres.resources.limits.memory: Invalid value: "1GB"',
  ),
  bad(
    'a storage class that cannot exist',
    { etcd: { storage: { storageClassName: 'Fast_SSD' } } },
    ['ERR_SPEC_VALUE spec.etcd.storage.storageClassName'],
    'must be the name of a Kubernetes object',
  ),
  bad(
    'an encoding that is none',
    { bootstrap: { initdb: { encoding: 'UTF 8' } } },
    ['ERR_SPEC_VALUE spec.bootstrap.initdb.encoding'],
    'must be the name of an encoding',
  ),
  bad(
    'a priority class and a pull secret that cannot exist',
    { etcd: { pod: { priorityClassName: 'High!' } }, images: { pullSecrets: ['A b'] } },
    ['ERR_SPEC_VALUE spec.etcd.pod.priorityClassName', 'ERR_SPEC_VALUE spec.images.pullSecrets[0]'],
    'spec.images.pullSecrets[0]: Invalid value',
  ),
  bad(
    "Patroni on PostgreSQL's port",
    { patroni: { listenPort: 5432 } },
    ['ERR_SPEC_PORT_TAKEN spec.patroni.listenPort'],
    'must not be 5432',
  ),
  bad(
    'a privileged port',
    { patroni: { listenPort: 80 } },
    ['ERR_SPEC_VALUE spec.patroni.listenPort'],
    'spec.patroni.listenPort: Invalid value: 80',
  ),
  bad(
    'a DCS namespace without a slash',
    { patroni: { dcsNamespace: 'tpa' } },
    ['ERR_SPEC_VALUE spec.patroni.dcsNamespace'],
    'must be a slash and one word',
  ),
  bad('an image with a blank', { images: { etcd: 'etcd: 3.6' } }, ['ERR_SPEC_VALUE spec.images.etcd'], 'must be an image reference'),
  bad(
    'a label value that Kubernetes refuses',
    { postgres: { pod: { labels: { team: 'dark blue' } } } },
    ['ERR_SPEC_LABEL spec.postgres.pod.labels.team'],
    'must be a label value',
  ),
  bad('a label key that Kubernetes refuses', { postgres: { pod: { nodeSelector: { 'a/b/c': 'x' } } } }, [
    'ERR_SPEC_LABEL spec.postgres.pod.nodeSelector',
  ]),
  bad(
    'too many labels',
    { etcd: { pod: { labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ''])) } } },
    ['ERR_SPEC_VALUE spec.etcd.pod.labels'],
    'spec.etcd.pod.labels: Too many: 33: must have at most 32 items',
  ),
  {
    ...bad('no spec', undefined, ['ERR_SPEC_REQUIRED spec'], 'spec: Required value'),
    manifest: { ...clusterManifest({}), spec: undefined },
  },
  {
    ...bad('a name in capitals and underscores', {}, ['ERR_SPEC_NAME metadata.name'], 'orders_1'),
    manifest: clusterManifest({}, 'orders_1'),
  },
  {
    ...bad('a name that starts with a digit', {}, ['ERR_SPEC_NAME metadata.name'], 'metadata.name must start with a lower-case letter'),
    manifest: clusterManifest({}, '1orders'),
  },
  {
    ...bad('a name that is too long', {}, ['ERR_SPEC_NAME metadata.name'], 'be at most 40 characters'),
    manifest: clusterManifest({}, 'o'.repeat(41)),
  },
];

const IMMUTABLE = 'Forbidden: cannot change after creation';

export const UPDATES: readonly Case[] = [
  update(
    'larger volumes, more members, other limits',
    { postgres: { storage: { size: '1Gi' } } },
    { postgres: { replicas: 5, storage: { size: '1.5Gi' }, resources: {} }, haproxy: { enabled: false } },
    [],
  ),
  update('the same size in another unit', { postgres: { storage: { size: '1Gi' } } }, { postgres: { storage: { size: '1024Mi' } } }, []),
  update(
    'the default written out',
    {},
    { etcd: { replicas: 3 }, bootstrap: { initdb: { dataChecksums: true } }, patroni: { listenPort: 8008 } },
    [],
  ),
  update(
    'smaller volumes',
    { postgres: { storage: { size: '10Gi' } } },
    { postgres: { storage: { size: '9Gi' } } },
    ['ERR_SPEC_STORAGE_SHRINKS spec.postgres.storage.size'],
    'set it back to 10Gi or make it larger',
  ),
  update(
    'another major version',
    { versions: { postgres: '16' } },
    { versions: { postgres: '17' } },
    ['ERR_SPEC_IMMUTABLE spec.versions.postgres'],
    `spec.versions.postgres: ${IMMUTABLE} (major upgrades are not supported yet): set it back to 16`,
  ),
  update(
    'another DCS namespace',
    {},
    { patroni: { dcsNamespace: '/other' } },
    ['ERR_SPEC_IMMUTABLE spec.patroni.dcsNamespace'],
    `spec.patroni.dcsNamespace: ${IMMUTABLE}`,
  ),
  update(
    'another port',
    {},
    { patroni: { listenPort: 8009 } },
    ['ERR_SPEC_IMMUTABLE spec.patroni.listenPort'],
    `spec.patroni.listenPort: ${IMMUTABLE}`,
  ),
  update(
    'another superuser',
    {},
    { patroni: { users: { superuser: 'admin' } } },
    ['ERR_SPEC_IMMUTABLE spec.patroni.users.superuser'],
    `spec.patroni.users.superuser: ${IMMUTABLE}: set it back to postgres`,
  ),
  update('more etcd members', {}, { etcd: { replicas: 5 } }, ['ERR_SPEC_IMMUTABLE spec.etcd.replicas'], `spec.etcd.replicas: ${IMMUTABLE}`),
  update(
    'another storage class',
    {},
    { postgres: { storage: { storageClassName: 'fast' } } },
    ['ERR_SPEC_IMMUTABLE spec.postgres.storage.storageClassName'],
    'spec.postgres.storage.storageClassName: Forbidden',
  ),
  update(
    'no storage class any more',
    { etcd: { storage: { storageClassName: 'fast' } } },
    {},
    ['ERR_SPEC_IMMUTABLE spec.etcd.storage.storageClassName'],
    'spec.etcd.storage.storageClassName: Forbidden',
  ),
  update(
    'another way of bootstrapping',
    {},
    { bootstrap: { initdb: { locale: 'C' } } },
    ['ERR_SPEC_IMMUTABLE spec.bootstrap'],
    'spec.bootstrap: Forbidden',
  ),
  update(
    'another database and owner',
    {},
    { application: { database: 'shop', owner: 'shop' } },
    ['ERR_SPEC_IMMUTABLE spec.application.database', 'ERR_SPEC_IMMUTABLE spec.application.owner'],
    `spec.application.database: ${IMMUTABLE}: set it back to app`,
  ),
];

export const ALL: readonly Case[] = [...GOOD, ...BAD, ...UPDATES];
