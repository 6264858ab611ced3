import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';

import { VERDICTS } from '../../src/config/verdicts.ts';
import { OUTCOMES } from '../../src/config/explain.ts';
import { cli } from '../support/cli.ts';
import { blocks, read } from './files.ts';

const PAGE = read('docs/howto/explain-configuration.md');

const [MANIFEST = ''] = blocks(PAGE, 'yaml');
const CHANGED = MANIFEST.replace('max_connections: 300', 'max_connections: 100').replace(
  'cert"]',
  'cert", "hostssl app app 192.168.0.0/16 cert"]',
);

const key = (path: string, rest: object) => ({ key: `spec.${path}`, target: 'dynamic', ...rest });
const STATUS = {
  observedGeneration: 1,
  conditions: [
    { type: 'ConfigApplied', status: 'False', reason: 'RestartPending', message: 'Waiting for a restart on orders-postgres-0.' },
    { type: 'PendingRestart', status: 'True', reason: 'Restarting', message: 'max_connections 100 → 300 on orders-postgres-0.' },
  ],
  members: [{ name: 'orders-postgres-0', pendingRestart: true, pendingSettings: [{ name: 'max_connections', old: '100', new: '300' }] }],
  config: {
    keys: [
      key('postgres.parameters.work_mem', { path: 'postgresql.parameters.work_mem', verdict: 'Applied', effective: '32MB' }),
      key('postgres.parameters.max_connections', {
        path: 'postgresql.parameters.max_connections',
        verdict: 'Overridden',
        by: 'spec.patroni.dynamicConfig.postgresql.parameters.max_connections',
      }),
      key('postgres.parameters.log_lock_waits', { path: 'postgresql.parameters.log_lock_waits', verdict: 'Applied', effective: 'off' }),
      key('patroni.loopWait', { path: 'loop_wait', verdict: 'Applied' }),
      key('patroni.dynamicConfig.postgresql.parameters.max_connections', {
        path: 'postgresql.parameters.max_connections',
        verdict: 'PendingRestart',
        members: ['orders-postgres-0'],
        effectiveByMember: { 'orders-postgres-0': '100', 'orders-postgres-1': '300', 'orders-postgres-2': '300' },
      }),
      { ...key('postgres.hba', { path: 'postgresql.pg_hba', verdict: 'Applied' }), target: 'local' },
    ],
  },
};

const WORLD = {
  files: { 'orders.yaml': MANIFEST, 'orders-new.yaml': CHANGED },
  stored: { 'shop/orders': withStatus(load(MANIFEST) as Readonly<Record<string, unknown>>) },
};

function withStatus(cluster: Readonly<Record<string, unknown>>) {
  return { ...cluster, metadata: { name: 'orders', namespace: 'shop', generation: 1 }, status: STATUS };
}

describe('docs/howto/explain-configuration.md', () => {
  const examples = blocks(PAGE, 'text').map((block) => [block.split('\n')[0] ?? '', block] as const);

  test('has an example of each command', () => {
    expect(examples).toHaveLength(3);
  });

  test.each(examples)('%s prints what the page shows', async (command, block) => {
    const { out } = await cli(command.replace('$ patroni-operator ', '').split(' '), WORLD);
    expect(block).toBe(`${command}\n${out}`);
  });

  test('tells what every verdict means', () => {
    const inTables = [...PAGE.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map((row) => row[1]);
    expect(inTables).toEqual([...Object.keys(OUTCOMES), ...Object.keys(VERDICTS)]);
  });
});
