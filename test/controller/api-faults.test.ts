import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { KINDS } from '../../src/kube/types.ts';
import type { FaultAction } from '../support/apiserver/faults.ts';

import { SMALL } from './support/kill.ts';
import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

afterEach(async () => {
  expect(world.invariants.violations).toEqual([]);
  await world.stop();
});

/** As small as a cluster can be. */
const ONE = { ...SMALL, postgres: { replicas: 1 } };

async function begin(spec: Record<string, unknown> = ONE): Promise<void> {
  world = await startWorld();
  world.start();
  await world.create(spec);
}

function expectWhole(readyText = '1/1'): void {
  expect(world.cluster().status).toMatchObject({ phase: 'Running', leader: 'pg-postgres-0', timeline: 1, ready: readyText });
  expect(world.model().timeline).toBe(1);
  expect(world.databases.calls.filter(({ result }) => result === 'created')).toHaveLength(1);
}

describe('a creation comes to its end although', () => {
  const actions: readonly { readonly what: string; readonly action: FaultAction }[] = [
    { what: 'answers 500', action: { kind: 'status', code: 500 } },
    { what: 'answers 409', action: { kind: 'status', code: 409 } },
    { what: 'answers 429 with a time to wait', action: { kind: 'status', code: 429, retryAfterSeconds: 1 } },
    { what: 'does it and loses the answer', action: { kind: 'lost-reply' } },
    { what: 'breaks the connection before it does anything', action: { kind: 'reset' } },
  ];

  test.each(actions)('the API server $what, at every third write', async ({ action }) => {
    world = await startWorld();
    const faults = Array.from({ length: 25 }, (_, i) => world.api.faults.add({ method: 'write', userAgent: /v1/, nth: 3 * (i + 1), action }));
    world.start();
    await world.create(ONE);
    await world.until('settled', () => world.isSettled(), 1_200_000);
    expect(faults.filter(({ hits }) => hits > 0).length).toBeGreaterThan(8);
    expectWhole();
  });

  test('every watch is broken again and again', async () => {
    await begin();
    let drops = 0;
    const stop = world.api.objects.onChange(() => {
      if (++drops % 10 === 0) world.api.watches.drop(drops % 20 === 0 ? 'end' : 'reset');
    });
    await world.until('settled', () => world.isSettled(), 1_200_000);
    stop();
    expect(drops).toBeGreaterThan(40);
    expectWhole();
  });

  test('watches expire and history is compacted again and again', async () => {
    await begin();
    let changes = 0;
    const stop = world.api.objects.onChange(() => {
      if (++changes % 15 !== 0) return;
      world.api.compact();
      world.api.watches.expire();
    });
    await world.until('settled', () => world.isSettled(), 1_200_000);
    stop();
    expectWhole();
  });

  test('lists and watches are refused at first, and the server has no streaming lists', async () => {
    world = await startWorld({ watchList: false });
    world.api.faults.add({ method: 'read', userAgent: /v1/, times: 12, action: { kind: 'status', code: 500 } });
    world.api.faults.add({ method: 'watch', userAgent: /v1/, times: 12, action: { kind: 'status', code: 503 } });
    world.start();
    await world.create(ONE);
    await world.until('settled', () => world.isSettled(), 1_200_000);
    expectWhole();
  });

  test('the API server is away for two minutes in the middle', async () => {
    await begin();
    await world.until('half done', () => world.api.objects.get('sts', 'pg-postgres', NAMESPACE) !== undefined);
    await world.api.pause();
    await world.pass(120_000);
    await world.api.resume();
    await world.until('settled', () => world.isSettled(), 1_200_000);
    expectWhole();
  });
});

test('what the API server refuses for good is told in a condition, and healed by a change', async () => {
  world = await startWorld();
  const refusal = world.api.faults.add({ method: 'PATCH', path: /services\/pg-r\?/, userAgent: /v1/, times: 1_000, action: { kind: 'status', code: 422, reason: 'Invalid', message: 'spec.ports: Invalid value' } });
  world.start();
  await world.create(SMALL);
  await world.until('stalled', () => world.condition('Stalled')?.status === 'True');
  expect(world.condition('Stalled')).toMatchObject({ reason: 'ApplyRefused', message: expect.stringContaining('ERR_KUBE_INVALID') });
  expect(world.isReady()).toBe(false);
  refusal.remove();
  await world.patch({ spec: { haproxy: { maxConnectionsPerServer: 70 } } });
  await world.until('settled', () => world.isSettled());
  expect(world.condition('Stalled')).toMatchObject({ status: 'False' });
  expectWhole('2/2');
});

test('a switchover happens once although the API server fails every other write of its records', async () => {
  await begin(SMALL);
  await world.until('settled', () => world.isSettled());
  for (let i = 0; i < 12; i++) {
    world.api.faults.add({ method: 'write', userAgent: /v1/, path: /patronioperations|patroniclusters/, nth: 2 * i + 1, action: i % 3 === 0 ? { kind: 'lost-reply' } : i % 3 === 1 ? { kind: 'status', code: 500 } : { kind: 'status', code: 409 } });
  }
  await world.annotate('pg-postgres-1');
  await world.until('switched over', () => world.operations().length > 0 && world.operations().every(({ status }) => status?.phase === 'Succeeded') && world.isSettled(), 1_200_000);
  expect(world.operations()).toHaveLength(1);
  expect([world.model().leader, world.model().timeline]).toEqual(['pg-postgres-1', 2]);
});

test('a pass that fails does not stop the cluster’s status from being told', async () => {
  await begin(SMALL);
  await world.until('settled', () => world.isSettled());
  world.api.faults.add({ method: 'PATCH', path: /configmaps/, userAgent: /v1/, times: 1_000, action: { kind: 'status', code: 500 } });
  await world.patch({ spec: { postgres: { replicas: 3 } } });
  await world.kube.delete(KINDS.Pod, { namespace: NAMESPACE, name: 'pg-postgres-0' });
  await world.until('failover is told', () => world.cluster().status?.leader === 'pg-postgres-1');
  world.api.faults.clear();
  await world.until('settled', () => world.isSettled());
});
