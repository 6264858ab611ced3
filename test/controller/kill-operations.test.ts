import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';
import type { PatroniOperationObject } from '../../src/api/objects.ts';

import { killAfterEveryWrite, killAroundWrite, killAroundWrites } from './support/kill.ts';
import { NAMESPACE, startSettledWorld, type World } from './support/world.ts';

jest.setTimeout(120_000);

let world: World;

beforeAll(async () => {
  world = await startSettledWorld();
});

afterEach(() => {
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const replica = (): string => world.model().members().find(({ name }) => name !== world.model().leader)?.name ?? '';
const isAnswered = (): boolean => world.cluster().metadata.annotations?.[ANNOTATIONS.switchover] === undefined && world.operations().every(({ status }) => ['Succeeded', 'Failed', 'Rejected'].includes(status?.phase ?? ''));

/** Asks for a switchover, lets `kill` do its worst, and checks that it happened exactly once. */
async function switchOver<T>(kill: (done: () => boolean) => Promise<T>): Promise<T> {
  await world.pass(1_000);
  const known = new Set(world.operations().map(({ metadata }) => metadata.name));
  const [leader, target, timeline] = [world.model().leader, replica(), world.model().timeline];
  const made = (): readonly PatroniOperationObject[] => world.operations().filter(({ metadata }) => !known.has(metadata.name));
  await world.annotate(target);
  const result = await kill(() => made().length > 0 && isAnswered() && world.isSettled());
  expect(made()).toHaveLength(1);
  expect(made()[0]).toMatchObject({ spec: { requestedBy: 'Annotation', switchover: { target } }, status: { phase: 'Succeeded', leaderBefore: leader, leaderAfter: target, timelineBefore: timeline, timelineAfter: timeline + 1 } });
  expect([world.model().leader, world.model().timeline]).toEqual([target, timeline + 1]);
  // Nothing comes after it either.
  await world.pass(5_000);
  expect([made().length, world.model().timeline]).toEqual([1, timeline + 1]);
  return result;
}

describe('a switchover happens exactly once', () => {
  test('whichever write the operator dies before and after', async () => {
    let writes = 0;
    for (let wasKilled = true; wasKilled; writes++) wasKilled = await switchOver((done) => killAroundWrite(world, writes + 1, 'switched over', done));
    expect(writes).toBeGreaterThan(5);
  });

  test('with an operator that dies after every single write', async () => {
    expect(await switchOver((done) => killAfterEveryWrite(world, 'switched over', done))).toBeGreaterThan(4);
  });

  test.each(['before', 'after'] as const)('when the operator dies right %s Patroni was asked', async (when) => {
    let deaths = 0;
    world.onPatroniWrite((request) => {
      if (request.path !== '/switchover' || request.when !== when || deaths > 0) return undefined;
      deaths++;
      world.killOperators();
      return undefined;
    });
    await switchOver((done) =>
      world.until('switched over', () => {
        world.revive();
        return done();
      }),
    );
    world.onPatroniWrite(undefined);
    expect(deaths).toBe(1);
  });

  test('when the operator dies at any moment while Patroni hands over', async () => {
    const [first] = world.patroni.requests.filter(({ path }) => path === '/switchover').slice(-1);
    expect(first).toBeDefined();
    for (const afterMs of [0, 900, 2_200, 4_000]) {
      await switchOver(async (done) => {
        const before = world.patroni.requests.filter(({ path }) => path === '/switchover').length;
        await world.until('asked', () => world.patroni.requests.filter(({ path }) => path === '/switchover').length > before);
        await world.pass(afterMs);
        world.killOperators();
        await world.pass(300);
        world.start();
        await world.until('switched over', done);
      });
    }
  });

  test('while two operators act at once', async () => {
    const second = world.start();
    await switchOver((done) => world.until('switched over', done));
    expect(second.passes()).toBeGreaterThan(3);
    second.kill();
  });
});

describe('a rollout comes to the same end, one pod at a time and with one handover', () => {
  let mebibytes = 600;
  const templates = (): readonly string[] =>
    world.api.objects.list<{ spec: { containers: readonly { resources: { limits?: { memory?: string } } }[] } }>('pods', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=postgres' }).map(({ spec }) => spec.containers[0]?.resources.limits?.memory ?? '');

  async function rollOut<T>(kill: (done: () => boolean) => Promise<T>): Promise<T> {
    await world.pass(1_000);
    const known = new Set(world.operations().map(({ metadata }) => metadata.name));
    const [leader, timeline] = [world.model().leader ?? '', world.model().timeline];
    const memory = `${++mebibytes}Mi`;
    world.invariants.watchPods();
    await world.patch({ spec: { postgres: { resources: { limits: { memory } } } } });
    const result = await kill(() => world.isSettled() && isAnswered() && templates().length === 3 && templates().every((each) => each === memory));
    const made = world.operations().filter(({ metadata }) => !known.has(metadata.name));
    expect(made).toMatchObject([{ spec: { requestedBy: 'Rollout' }, status: { phase: 'Succeeded', leaderBefore: leader } }]);
    expect(world.model().timeline).toBe(timeline + 1);
    expect(world.invariants.deleted()).toHaveLength(3);
    expect(world.invariants.deleted().at(-1)).toBe(leader);
    expect(world.invariants.mostOut()).toBe(1);
    return result;
  }

  test.each([1, 2, 3])('when the operator dies before and after write %i and every third from there', async (first) => {
    expect(await rollOut((done) => killAroundWrites(world, { first, stride: 3 }, 'rolled out', done))).toBeGreaterThan(6);
  });

  test('with an operator that dies after every single write', async () => {
    expect(await rollOut((done) => killAfterEveryWrite(world, 'rolled out', done))).toBeGreaterThan(8);
  });
});

test('a scale-down of the leader hands over once, although the operator dies after every single write', async () => {
  const top = 'pg-postgres-2';
  if (world.model().leader !== top) {
    await world.annotate(top);
    await world.until('led by the highest', () => world.model().leader === top && isAnswered() && world.isSettled());
  }
  await world.pass(1_000);
  const [known, timeline] = [world.operations().length, world.model().timeline];
  await world.patch({ spec: { postgres: { replicas: 1 } } });
  const lives = await killAfterEveryWrite(world, 'one member', () => world.isSettled() && world.cluster().status?.replicas === 1 && Object.keys(world.model().config?.['slots'] as object).length === 1);
  expect(lives).toBeGreaterThan(4);
  expect(world.operations().length - Math.min(known, 10)).toBeLessThanOrEqual(1);
  expect([world.model().leader, world.model().timeline]).toEqual(['pg-postgres-0', timeline + 1]);
});
