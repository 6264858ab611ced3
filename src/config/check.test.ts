import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { BAD_CONFIGURATIONS } from '../../test/support/bad-configurations.ts';
import { parsePath } from '../lib/json-path.ts';
import { checkConfig } from './check.ts';

const check = (spec: Record<string, unknown>) => checkConfig(cluster(spec));

describe('a bad configuration', () => {
  test.each(BAD_CONFIGURATIONS.map((row) => [row.title, row] as const))('%s is refused at its field, with a remedy', (_, { spec, field, says }) => {
    const { errors } = check(spec);
    const pathOf = (text: string) => (parsePath(text.replace(/\[[0-9]+\]$/, '')) ?? []).join(' ');
    expect(errors.map(({ path }) => pathOf(path))).toEqual([pathOf(field)]);
    expect(errors[0]?.message).toMatch(says);
    expect(errors[0]?.message).toMatch(/: |\?$/);
  });

  test('has a message of its own for every one of at least forty', () => {
    const messages = BAD_CONFIGURATIONS.map(({ spec }) => check(spec).errors.map(({ path, message }) => `${path} ${message}`).join());
    expect(new Set(messages).size).toBe(BAD_CONFIGURATIONS.length);
    expect(messages.length).toBeGreaterThanOrEqual(40);
  });
});

describe('a good configuration', () => {
  test.each([
    ['nothing', {}],
    ['settings in every spelling', { postgres: { parameters: { work_mem: '16MB', max_connections: 200, autovacuum: true, jit: 'off', checkpoint_completion_target: 0.8, TimeZone: 'UTC', 'pg_stat_statements.max': 5000 } } }],
    ["TPA's headers", { patroni: { config: { restapi: { http_extra_headers: { 'X-Frame-Options': 'SAMEORIGIN' } } } } }],
    ["TPA's single value under bootstrap.dcs", { patroni: { config: { bootstrap: { dcs: { maximum_lag_on_failover: 1048576 } } } } }],
    ["TPA's log: null", { patroni: { config: { log: null } } }],
    ['a setting under config that Patroni takes from etcd only', { patroni: { config: { postgresql: { parameters: { max_locks_per_transaction: 128 } } } } }],
    ['a value taken away', { patroni: { dynamicConfig: { failsafe_mode: null } } }],
    ['timings that fit', { patroni: { dynamicConfig: { ttl: 40, loop_wait: 10, retry_timeout: 15 } } }],
    ['a setting taken away', { postgres: { parameters: { huge_pages: null } } }],
    ['omissions', { patroni: { omit: ['log', 'postgresql.parameters.huge_pages', 'bootstrap.dcs.failsafe_mode'] } }],
    ['lines of pg_hba', { postgres: { hba: { prepend: ['hostssl app app 10.0.0.0/8 cert', 'local app app peer map=x', 'hostssl all all ::1/128 scram-sha-256 clientcert=verify-ca'] }, ident: ['x os db'] } }],
    ['slots', { patroni: { slots: { feed: { type: 'logical', database: 'app', plugin: 'pgoutput' }, archiver: { type: 'physical' } } } }],
  ])('%s passes without a word', (_, spec) => {
    expect(check(spec)).toEqual({ errors: [], warnings: [] });
  });

  test.each([
    ['a setting nobody knows', { postgres: { parameters: { something_new: 1 } } }, 'spec.postgres.parameters.something_new'],
    ['a key of a later Patroni', { patroni: { dynamicConfig: { primary_race_backoff: 1 } } }, 'spec.patroni.dynamicConfig.primary_race_backoff'],
    ['fsync off', { postgres: { parameters: { fsync: 'off' } } }, 'spec.postgres.parameters.fsync'],
    ['an omission of nothing', { patroni: { omit: ['citus'] } }, 'spec.patroni.omit[0]'],
  ])('%s is a warning', (_, spec, path) => {
    const { errors, warnings } = check(spec);
    expect(errors).toEqual([]);
    expect(warnings.map((warning) => warning.path)).toEqual([path]);
  });
});

test('never throws, whatever stands in the free maps', () => {
  const key = fc.constantFrom('postgresql', 'parameters', 'work_mem', 'slots', 'log', 'bootstrap', 'dcs', 'ttl', 'restapi', 'x');
  const tree = fc.letrec((tie) => ({ value: fc.oneof({ depthSize: 'small' }, fc.anything({ maxDepth: 1 }), fc.dictionary(key, tie('value'), { maxKeys: 3 })) })).value;
  const map = fc.dictionary(key, tree, { maxKeys: 4 });
  fc.assert(
    fc.property(map, map, map, (config, dynamicConfig, parameters) => {
      const json = (value: unknown) => JSON.parse(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))) as Record<string, unknown>;
      check({ patroni: { config: json(config), dynamicConfig: json(dynamicConfig) }, postgres: { parameters: json(parameters) } });
    }),
    { numRuns: 300 },
  );
});
