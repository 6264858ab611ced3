import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { names } from '../../src/api/names.ts';
import { wantedSettings } from '../support/patroni/settings.ts';

import { killAfterEveryWrite, killAroundWrite } from './support/kill.ts';
import { CLUSTER, NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(120_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create({ etcd: { replicas: 1 }, haproxy: { enabled: false }, networkPolicy: { enabled: false } });
  await world.until('settled', () => world.isSettled());
});

afterEach(() => {
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const patch = (parameters: object | null): Promise<void> => world.patch({ spec: { postgres: { parameters } } });
const owned = (): readonly string[] => (world.api.objects.mustGet<{ data: Record<string, string> }>('configmaps', names.ownedKeysConfigMap(CLUSTER), NAMESPACE).data['dynamic-keys'] ?? '').split('\n');

/** Whether etcd, every member, the list of owned keys and the conditions all say what the spec says. */
function isThere(wanted: Readonly<Record<string, string>>, gone: readonly string[]): boolean {
  const settings = wantedSettings(world.model().config);
  const isSet = Object.entries(wanted).every(([name, value]) => settings[name] === value && owned().includes(`postgresql.parameters.${name}`) && world.model().members().every((member) => member.running[name] === value));
  const isGone = gone.every((name) => settings[name] === undefined && !owned().includes(`postgresql.parameters.${name}`));
  return isSet && isGone && world.isSettled() && world.condition('ConfigApplied')?.status === 'True';
}

describe('a change of the configuration comes to the same end', () => {
  // Keys that are set, changed and removed, and one that needs restarts, back and forth.
  const A = { work_mem: '8MB', random_page_cost: '2', max_connections: '120' } as const;
  const B = { work_mem: '9MB', geqo: 'off', max_connections: '110' } as const;
  const turn = async <T>(round: number, kill: (done: () => boolean) => Promise<T>): Promise<T> => {
    const [to, gone] = round % 2 === 0 ? [A, ['geqo']] : [B, ['random_page_cost']];
    await patch({ ...Object.fromEntries(gone.map((name) => [name, null])), ...to });
    return kill(() => isThere(to, gone));
  };

  test('whichever write the operator dies before and after', async () => {
    let round = 0;
    for (let wasKilled = true; wasKilled; round += 1) wasKilled = await turn(round, (done) => killAroundWrite(world, round + 1, 'changed', done));
    expect(round).toBeGreaterThan(3);
  });

  test('with an operator that dies after every single write', async () => {
    expect(await turn(0, (done) => killAfterEveryWrite(world, 'changed', done))).toBeGreaterThan(3);
    expect(await turn(1, (done) => killAfterEveryWrite(world, 'changed back', done))).toBeGreaterThan(3);
  });

  test.each([
    ['/config', 'before'],
    ['/config', 'after'],
    ['/restart', 'before'],
    ['/restart', 'after'],
  ] as const)('when the operator dies right at every %s, %s Patroni has answered', async (path, when) => {
    for (const round of [0, 1]) {
      let deaths = 0;
      world.onPatroniWrite((request) => {
        if (request.path !== path || request.when !== when || deaths >= 4) return;
        deaths += 1;
        for (const each of world.operators) each.kill();
      });
      await turn(round, (done) =>
        world.until('changed', () => {
          if (!world.operators.some((each) => each.isAlive())) world.start();
          return done();
        }),
      );
      world.onPatroniWrite(undefined);
      expect(deaths).toBeGreaterThan(0);
    }
  });
});
