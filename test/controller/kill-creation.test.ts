import { afterEach, expect, jest, test } from '@jest/globals';

import { SMALL, killAfterEveryWrite, killAroundWrites } from './support/kill.ts';
import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(120_000);

let world: World;

afterEach(async () => {
  await world.stop();
});

/** The one end that every creation must come to. */
function expectWhole(members: number): void {
  expect(world.invariants.violations).toEqual([]);
  expect(world.cluster().status).toMatchObject({ phase: 'Running', leader: 'pg-postgres-0', timeline: 1, ready: `${members}/${members}`, application: { database: 'app' } });
  expect(world.operations()).toEqual([]);
  expect([...world.databases.existing]).toEqual([['app', 'app']]);
  expect(world.databases.calls.filter(({ result }) => result === 'refused')).toEqual([]);
  expect(world.api.requests.committed().filter(({ method, resource }) => method === 'DELETE' && resource === '/pods')).toEqual([]);
  expect(world.api.objects.mustGet('configmaps', 'pg-etcd', NAMESPACE)).toMatchObject({ data: { 'initial-cluster-state': 'existing' } });
}

test.each([1, 2, 3])('a creation comes to the same end when the operator dies before and after write %i and every third from there', async (first) => {
  world = await startWorld();
  world.start();
  await world.create(SMALL);
  const deaths = await killAroundWrites(world, { first, stride: 3 }, 'settled', () => world.isSettled());
  expect(deaths).toBeGreaterThan(12);
  expectWhole(2);
});

test('a creation of a full cluster succeeds with an operator that dies after every single write', async () => {
  world = await startWorld();
  world.start();
  await world.create();
  const lives = await killAfterEveryWrite(world, 'settled', () => world.isSettled());
  expect(lives).toBeGreaterThan(35);
  expectWhole(3);
});
