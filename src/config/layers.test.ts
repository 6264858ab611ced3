import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { deepMerge, isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { leavesOf, valueAtPath } from '../lib/json-path.ts';
import { computedParameters } from './computed-parameters.ts';
import { initialDynamicConfig, wantedDynamicConfig } from './dynamic-config.ts';
import { mergeLayers } from './layers.ts';
import { localBase, wantedLocalConfig } from './local-config.ts';
import { PROTECTED_LOCAL } from './protected.ts';

const dynamic = (spec: Record<string, unknown>) => wantedDynamicConfig(cluster(spec));
const local = (spec: Record<string, unknown>) => wantedLocalConfig(cluster(spec));
const parameterOf = (config: JsonObject, name: string) => valueAtPath(config, ['postgresql', 'parameters', name]);

describe('the layers of the dynamic configuration, weakest first', () => {
  const spec = {
    computed: {},
    parameters: { postgres: { parameters: { work_mem: '1MB' } } },
    bootstrapDcs: { patroni: { config: { bootstrap: { dcs: { postgresql: { parameters: { work_mem: '2MB' } } } } } } },
    dynamicConfig: { patroni: { dynamicConfig: { postgresql: { parameters: { work_mem: '3MB' } } } } },
    placed: { patroni: { config: { postgresql: { parameters: { work_mem: '4MB' } } } } },
  };
  const merged = (...specs: JsonObject[]): JsonObject => specs.reduce<JsonObject>((a, b) => deepMerge(a, b), {});

  test.each([
    ['nobody', merged(), undefined],
    ['spec.postgres.parameters', merged(spec.parameters), '1MB'],
    ['config.bootstrap.dcs over it', merged(spec.parameters, spec.bootstrapDcs), '2MB'],
    ['dynamicConfig over both', merged(spec.parameters, spec.bootstrapDcs, spec.dynamicConfig), '3MB'],
    ['config.postgresql.parameters over all', merged(spec.parameters, spec.bootstrapDcs, spec.dynamicConfig, spec.placed), '4MB'],
  ])('%s decides', (_, given, expected) => {
    expect(parameterOf(dynamic(given), 'work_mem')).toBe(expected);
  });

  test('settings meet whatever their case, and never reach the local file', () => {
    const given = { postgres: { parameters: { TimeZone: 'UTC' } }, patroni: { dynamicConfig: { postgresql: { parameters: { timezone: 'CET' } } }, config: { postgresql: { parameters: { Work_Mem: '4MB' } } } } };
    expect(valueAtPath(dynamic(given), ['postgresql', 'parameters'])).toMatchObject({ timezone: 'CET', work_mem: '4MB' });
    expect(parameterOf(dynamic(given), 'TimeZone')).toBeUndefined();
    expect(valueAtPath(local(given), ['postgresql', 'parameters'])).toEqual(valueAtPath(local({}), ['postgresql', 'parameters']));
  });

  test('dedicated fields are stronger than presets and weaker than dynamicConfig', () => {
    expect(dynamic({ patroni: { failover: 'tolerant', ttl: 45 } })).toMatchObject({ ttl: 45, loop_wait: 10 });
    expect(dynamic({ patroni: { ttl: 45, dynamicConfig: { ttl: 50 } } })).toMatchObject({ ttl: 50 });
    expect(dynamic({ patroni: { failover: 'fast' } })).toMatchObject({ ttl: 20, loop_wait: 3, retry_timeout: 3 });
    expect(dynamic({ patroni: { synchronous: { mode: 'quorumStrict', nodeCount: 2 } } })).toMatchObject({ synchronous_mode: 'quorum', synchronous_mode_strict: true, synchronous_node_count: 2 });
    expect(dynamic({ patroni: { failsafeMode: false, maximumLagOnFailover: '1Mi' } })).toMatchObject({ failsafe_mode: false, maximum_lag_on_failover: 1048576 });
  });
});

describe("TPA's documented examples give what TPA users expect", () => {
  test('a single value under bootstrap.dcs reaches the dynamic configuration and leaves the rest', () => {
    const with1 = dynamic({ patroni: { config: { bootstrap: { dcs: { maximum_lag_on_failover: 1048576 } } } } });
    expect(with1).toEqual({ ...dynamic({}), maximum_lag_on_failover: 1048576 });
  });

  test('http_extra_headers joins the section restapi of the file', () => {
    const headers = { 'X-Frame-Options': 'SAMEORIGIN', 'X-XSS-Protection': '1; mode=block' };
    const { restapi } = local({ patroni: { config: { restapi: { http_extra_headers: headers } } } });
    expect(restapi).toEqual({ ...(local({})['restapi'] as JsonObject), http_extra_headers: headers });
  });

  test('log: null takes the section away', () => {
    expect(local({ patroni: { config: { log: null } } })).not.toHaveProperty('log');
  });

  test('a list replaces, in the file and in etcd', () => {
    expect(valueAtPath(local({ patroni: { config: { postgresql: { create_replica_methods: ['wal_g'] } } } }), ['postgresql', 'create_replica_methods'])).toEqual(['wal_g']);
    expect(dynamic({ patroni: { config: { bootstrap: { dcs: { ignore_slots: [{ name: 'a' }] } } }, dynamicConfig: { ignore_slots: [{ name: 'b' }] } } })).toMatchObject({ ignore_slots: [{ name: 'b' }] });
  });
});

describe('leaving out', () => {
  test.each([
    ['null in dynamicConfig', { dynamicConfig: { failsafe_mode: null } }],
    ['a path', { omit: ['failsafe_mode'] }],
    ["TPA's path", { omit: ['bootstrap.dcs.failsafe_mode'] }],
  ])('%s takes a value of the operator away', (_, patroni) => {
    const { failsafe_mode: _gone, ...rest } = dynamic({});
    expect(dynamic({ patroni })).toEqual(rest);
  });

  test('a section that is left out is replaced by what the spec says below it', () => {
    expect(local({ patroni: { omit: ['log'], config: { log: { level: 'DEBUG' } } } })['log']).toEqual({ level: 'DEBUG' });
    expect(local({ patroni: { config: { log: { level: 'DEBUG' } } } })['log']).toEqual({ type: 'plain', level: 'DEBUG' });
  });

  test('a computed setting can be left out', () => {
    expect(parameterOf(dynamic({ patroni: { omit: ['postgresql.parameters.huge_pages'] } }), 'huge_pages')).toBeUndefined();
    expect(computedParameters(cluster())).toHaveProperty('huge_pages');
  });
});

const key = fc.constantFrom('a', 'b', 'c');
const tree: fc.Arbitrary<JsonObject> = fc.letrec<{ map: JsonObject }>((tie) => ({
  map: fc.dictionary(key, fc.oneof({ depthSize: 'small' }, fc.integer(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 }), tie('map')), { maxKeys: 3 }),
})).map;
/** Keys in capitals are maps, the others values, null among them. */
const typed: fc.Arbitrary<JsonObject> = fc.letrec<{ map: JsonObject }>((tie) => ({
  map: fc
    .tuple(fc.dictionary(key, fc.oneof(fc.integer(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 })), { maxKeys: 3 }), fc.dictionary(fc.constantFrom('A', 'B'), fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('map')), { maxKeys: 2 }))
    .map(([values, maps]): JsonObject => ({ ...values, ...maps })),
})).map;
const withoutNulls: fc.Arbitrary<JsonObject> = tree.map((value) => mergeLayers({}, [{ values: value }]));

/** The same object with its keys the other way round, all the way down. */
function reversed(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).reverse().map(([name, below]) => [name, isJsonObject(below) ? reversed(below) : below]));
}

describe('merging', () => {
  test('is deterministic: the order in which keys were written gives the same bytes', () => {
    fc.assert(
      fc.property(withoutNulls, tree, tree, (base, first, second) => {
        const bytes = (a: JsonObject, b: JsonObject) => JSON.stringify(mergeLayers(base, [{ values: a }, { values: b }]));
        expect(bytes(reversed(first), reversed(second))).toBe(bytes(first, second));
      }),
    );
  });

  test('is associative where the layers agree which keys are maps, as Patroni’s do: they may be merged in pairs', () => {
    fc.assert(
      fc.property(typed, typed, typed, (a, b, c) => {
        expect(deepMerge(deepMerge(a, b), c)).toEqual(deepMerge(a, deepMerge(b, c)));
      }),
    );
  });

  test('is idempotent, and the strongest layer wins everywhere', () => {
    fc.assert(
      fc.property(withoutNulls, tree, (base, layer) => {
        const once = mergeLayers(base, [{ values: layer }]);
        expect(mergeLayers(once, [{ values: layer }])).toEqual(once);
        for (const { path, value } of leavesOf(layer)) if (value !== null && !isJsonObject(value)) expect(valueAtPath(once, path)).toEqual(value);
      }),
    );
  });

  test('leaves no null behind', () => {
    fc.assert(
      fc.property(withoutNulls, tree, tree, (base, a, b) => {
        for (const { value } of leavesOf(mergeLayers(base, [{ values: a }, { values: b }]))) expect(value).not.toBeNull();
      }),
    );
  });
});

test('no valid spec loses a protected key of the local file', () => {
  const config = fc.record({ log: fc.constantFrom(null, { level: 'DEBUG' }), postgresql: fc.constantFrom({}, { basebackup: [] }), restapi: fc.constantFrom({}, { request_queue_size: 10 }) }, { requiredKeys: [] });
  const omit = fc.subarray(['log', 'watchdog', 'postgresql.basebackup', 'postgresql.create_replica_methods', 'ttl']);
  fc.assert(
    fc.property(config, omit, (given, omitted) => {
      const c = cluster({ patroni: { config: given, omit: omitted } });
      const base = localBase(c);
      const result = wantedLocalConfig(c);
      for (const { path } of PROTECTED_LOCAL) expect(valueAtPath(result, path)).toEqual(valueAtPath(base, path));
    }),
  );
});

test('a new cluster starts with what it would have later, and the slots of its members', () => {
  const c = cluster({ patroni: { slots: { feed: { type: 'physical' } } } });
  expect(Object.keys(initialDynamicConfig(c)['slots'] as JsonObject)).toEqual(['feed', 'orders_postgres_0', 'orders_postgres_1', 'orders_postgres_2']);
  expect(wantedDynamicConfig(c)['slots']).toEqual({ feed: { type: 'physical' } });
});
