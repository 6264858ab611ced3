import fc from 'fast-check';

/** Specs of a PatroniCluster that are valid and touch everything about the configuration: for properties of what is rendered from them. */

const some = <T>(record: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(record, { requiredKeys: [] });
const level = fc.constantFrom('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL');
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
const nothing = fc.constant(null);

const parameters = some({
  work_mem: fc.oneof(fc.constantFrom('4MB', '64kB', '1GB'), fc.integer({ min: 64, max: 100000 })),
  max_connections: fc.integer({ min: 25, max: 5000 }),
  max_locks_per_transaction: fc.integer({ min: 32, max: 1000 }),
  max_worker_processes: fc.oneof(fc.integer({ min: 2, max: 100 }), nothing),
  autovacuum: fc.oneof(fc.boolean(), fc.constantFrom('on', 'off')),
  random_page_cost: fc.constantFrom(1, 1.1, '4.0'),
  log_min_duration_statement: fc.constantFrom('1s', '250ms', -1),
  TimeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
  'pg_stat_statements.max': fc.integer({ min: 100, max: 10000 }),
  shared_buffers: fc.constantFrom('64MB', '128MB', '16384'),
  huge_pages: fc.oneof(fc.constantFrom('try', 'off'), nothing),
});

const timing = fc
  .record({ loop_wait: fc.integer({ min: 1, max: 20 }), retry_timeout: fc.integer({ min: 3, max: 20 }), more: fc.integer({ min: 0, max: 60 }) })
  .map(({ loop_wait, retry_timeout, more }) => ({ ttl: Math.max(20, loop_wait + 2 * retry_timeout) + more, loop_wait, retry_timeout }));

const dynamicKeys = some({
  maximum_lag_on_failover: fc.oneof(fc.nat(), nothing),
  maximum_lag_on_syncnode: fc.integer({ min: -1, max: 1e9 }),
  check_timeline: fc.boolean(),
  failsafe_mode: fc.oneof(fc.boolean(), nothing),
  primary_start_timeout: fc.nat({ max: 1000 }),
  synchronous_mode: fc.constantFrom<unknown>(true, false, 'quorum'),
  synchronous_node_count: fc.integer({ min: 1, max: 5 }),
  ignore_slots: fc.array(some({ name, type: fc.constantFrom('physical', 'logical') }).filter((slot) => Object.keys(slot).length > 0), { maxLength: 2 }),
  postgresql: some({ parameters, use_slots: fc.boolean(), use_pg_rewind: fc.boolean(), recovery_conf: some({ restore_command: fc.constant('cp %f %p') }) }),
});

const dynamicConfig = fc.tuple(dynamicKeys, fc.option(timing, { nil: {} })).map(([keys, times]) => ({ ...keys, ...times }));

const localConfig = some({
  log: fc.oneof(nothing, some({ level, type: fc.constantFrom('plain', 'json'), loggers: fc.dictionary(name, level, { maxKeys: 2 }), max_queue_size: fc.nat({ max: 5000 }), static_fields: fc.dictionary(name, name, { maxKeys: 2 }) })),
  restapi: some({ http_extra_headers: fc.dictionary(name, name, { maxKeys: 2 }), request_queue_size: fc.nat({ max: 4096 }), server_tokens: fc.constantFrom('Minimal', 'ProductOnly', 'Original') }),
  postgresql: some({ parameters, callbacks: fc.dictionary(fc.constantFrom('on_start', 'on_stop'), fc.constant('/bin/true')), basebackup: fc.constantFrom(['no-password'], ['no-password', { checkpoint: 'fast' }]), pg_ctl_timeout: fc.nat({ max: 600 }) }),
  watchdog: fc.oneof(nothing, fc.record({ mode: fc.constantFrom('off', 'automatic') })),
  tags: fc.dictionary(fc.constantFrom('datacenter', 'rack'), name, { maxKeys: 2 }),
  bootstrap: some({ dcs: dynamicKeys, post_bootstrap: fc.constant('/bin/true') }),
});

const members = fc.uniqueArray(
  fc.tuple(some({ nofailover: fc.boolean(), noloadbalance: fc.boolean(), nosync: fc.boolean(), clonefrom: fc.boolean() }), fc.nat({ max: 15 })).map(([tags, ordinal]) => ({ ...tags, ordinal })),
  { maxLength: 3, selector: ({ ordinal }) => ordinal },
);

const patroni = some({
  failover: fc.constantFrom('standard', 'fast', 'tolerant'),
  maximumLagOnFailover: fc.constantFrom('0', '1Mi', '16Mi'),
  failsafeMode: fc.boolean(),
  synchronous: some({ mode: fc.constantFrom('off', 'on', 'strict', 'quorum', 'quorumStrict'), nodeCount: fc.integer({ min: 1, max: 5 }) }),
  slots: fc.dictionary(name, fc.constantFrom({ type: 'physical' }, { type: 'logical', database: 'app', plugin: 'pgoutput' }), { maxKeys: 2 }),
  members,
  log: some({ level, tracebackLevel: fc.constantFrom('DEBUG', 'ERROR'), loggers: fc.dictionary(name, level, { maxKeys: 2 }) }),
  config: localConfig,
  dynamicConfig,
  omit: fc.subarray(['log', 'watchdog', 'postgresql.parameters.huge_pages', 'bootstrap.dcs.failsafe_mode', 'postgresql.basebackup']),
});

const postgres = some({
  parameters,
  hba: fc.oneof(some({ prepend: fc.constant(['hostssl app app 10.0.0.0/8 cert']), append: fc.constant(['hostssl all all samenet scram-sha-256']) }), fc.record({ replace: fc.constant(['hostssl all all all cert']) })),
  ident: fc.constantFrom(['map os db'], []),
  resources: fc.record({ limits: fc.record({ memory: fc.constantFrom('256Mi', '1Gi', '64Gi'), cpu: fc.constantFrom('1', '500m', '8') }) }),
  storage: fc.record({ size: fc.constantFrom('1Gi', '10Gi', '2Ti') }),
});

/** A spec; timings of the layers fit together, since a dynamicConfig brings all three of them or none. */
export const randomSpec: fc.Arbitrary<Record<string, unknown>> = fc.record({ postgres, patroni, versions: fc.record({ postgres: fc.constantFrom('14', '15', '16', '17', '18') }) });
