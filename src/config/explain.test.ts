import { describe, expect, test } from '@jest/globals';

import { cluster } from '../../test/golden/cluster.ts';
import { checkConfig } from './check.ts';
import { explainKeys, sourcedKeys } from './explain.ts';
import { dynamicEffect } from './explain-effect.ts';
import { wantedDynamicConfig } from './dynamic-config.ts';

type Spec = Readonly<Record<string, unknown>>;

function explain(spec: Spec) {
  const c = cluster(spec);
  return explainKeys(c, checkConfig(c).errors);
}

describe('a key that the spec sets', () => {
  test.each<[string, Spec, Spec]>([
    [
      'is set',
      { postgres: { parameters: { work_mem: '8MB' } } },
      {
        key: 'spec.postgres.parameters.work_mem',
        target: 'dynamic',
        path: 'postgresql.parameters.work_mem',
        value: '8MB',
        takesEffect: 'Reload',
        verdict: 'Set',
      },
    ],
    ['is found in the case in which it was written', { postgres: { parameters: { TimeZone: 'UTC' } } }, { value: 'UTC', verdict: 'Set' }],
    ['takes a value away', { postgres: { parameters: { huge_pages: null } } }, { value: null, takesEffect: 'Restart', verdict: 'Removed' }],
    ['leaves a value out', { patroni: { omit: ['log'] } }, { key: 'spec.patroni.omit[0]', value: 'log', verdict: 'Removed' }],
    [
      'counts at creation only',
      { patroni: { config: { bootstrap: { post_init: '/x' } } } },
      { target: 'local', takesEffect: 'CreationOnly', verdict: 'CreationOnly' },
    ],
    ['is rejected', { postgres: { parameters: { port: 1 } } }, { verdict: 'Rejected', message: expect.stringContaining('cannot be set') }],
    [
      'is rejected with what is above it',
      { patroni: { config: { etcd3: { host: 'a' } } } },
      { key: 'spec.patroni.config.etcd3.host', verdict: 'Rejected' },
    ],
    [
      'is rejected for an item of its list',
      { postgres: { hba: { append: ['nonsense'] } } },
      { key: 'spec.postgres.hba', target: 'local', verdict: 'Rejected' },
    ],
    [
      'belongs to one member',
      { patroni: { members: [{ ordinal: 1, nosync: true }] } },
      { key: 'spec.patroni.members[0]', value: { ordinal: 1, nosync: true }, verdict: 'Set' },
    ],
  ])('%s', (_, spec, expected) => {
    expect(explain(spec)).toEqual([expect.objectContaining(expected)]);
  });

  test('is overridden by a stronger layer, which is named', () => {
    const keys = explain({
      postgres: { parameters: { work_mem: '8MB' } },
      patroni: { dynamicConfig: { postgresql: { parameters: { Work_Mem: '9MB' } } } },
    });
    expect(keys).toMatchObject([
      { verdict: 'Overridden', by: 'spec.patroni.dynamicConfig.postgresql.parameters.Work_Mem' },
      { key: 'spec.patroni.dynamicConfig.postgresql.parameters.Work_Mem', value: '9MB', verdict: 'Set' },
    ]);
  });

  test('stands beside other fields that are refused', () => {
    const c = cluster({ postgres: { parameters: { work_mem: '8MB' } } });
    expect(explainKeys(c, [{ code: 'ERR_SPEC_VALUE', path: 'spec.etcd.replicas', message: 'must be odd' }])).toMatchObject([
      { verdict: 'Set' },
      { key: 'spec.etcd.replicas', value: 3, verdict: 'Rejected', message: 'must be odd' },
    ]);
  });
});

describe('the whole configuration', () => {
  test('tells the source of every key', () => {
    const spec = {
      patroni: { failover: 'fast', ttl: 40, config: { log: { type: 'json' } } },
      postgres: { ident: ['a b c'], parameters: { work_mem: '8MB' } },
    };
    const sources = Object.fromEntries(sourcedKeys(cluster(spec)).map(({ path, source }) => [path, source]));
    expect(sources).toMatchObject({
      'postgresql.parameters.work_mem': 'spec.postgres.parameters.work_mem',
      'postgresql.parameters.shared_buffers': 'computed',
      ttl: 'spec.patroni.ttl',
      loop_wait: 'spec.patroni.failover',
      failsafe_mode: 'default',
      'log.type': 'spec.patroni.config.log.type',
      'log.level': 'operator',
      'postgresql.pg_hba': 'operator',
      'postgresql.pg_ident': 'operator, spec.postgres.ident',
      'bootstrap.initdb': 'spec.bootstrap.initdb',
    });
  });

  test('has nothing that is left out, and all that is wanted', () => {
    const c = cluster({ patroni: { omit: ['postgresql.parameters.huge_pages', 'log'] } });
    const paths = sourcedKeys(c).map(({ path }) => path);
    expect(paths.filter((path) => /huge_pages|^log/.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(Object.keys(wantedDynamicConfig(c)).filter((key) => key !== 'postgresql')));
  });
});

test.each([
  ['postgresql.parameters.shared_buffers', 'Restart'],
  ['postgresql.parameters.work_mem', 'Reload'],
  ['postgresql.parameters.log_connections', 'NewSessions'],
  ['postgresql.parameters.block_size', 'Never'],
  ['postgresql.parameters.nonsense', 'Never'],
  ['postgresql.recovery_conf.restore_command', 'Reload'],
  ['postgresql.use_slots', 'Reload'],
  ['ttl', 'Reload'],
])('%s takes effect: %s', (path, effect) => {
  expect(dynamicEffect('17', path.split('.'))).toBe(effect);
});
