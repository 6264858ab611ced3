import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { names } from '../../src/api/names.ts';
import { wantedSettings } from '../support/patroni/settings.ts';

import { killAfterEveryWrite, killAroundRequest } from './support/kill.ts';
import { writesAtRest } from './support/rest.ts';
import { CLUSTER, NAMESPACE, startSettledWorld, type World } from './support/world.ts';

jest.setTimeout(120_000);

let world: World;

beforeAll(async () => {
  world = await startSettledWorld();
});

/** Among them: two members of PostgreSQL out at once, and a leader that outgrew a replica. */
afterEach(async () => {
  expect(await writesAtRest(world)).toEqual([]);
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

type Settings = Readonly<Record<string, string>>;
/** What an edit of the spec sets, and what it takes away. */
interface Turn {
  readonly set: Settings;
  readonly gone?: readonly string[];
}
type Kill<T> = (done: () => boolean) => Promise<T>;

const onRecord = (): Readonly<Record<string, string>> => world.api.objects.mustGet<{ data: Record<string, string> }>('configmaps', names.ownedKeysConfigMap(CLUSTER), NAMESPACE).data;
const owned = (): readonly string[] => (onRecord()['dynamic-keys'] ?? '').split('\n');

/** Whether etcd, every member, the list of owned keys and the conditions all say what the spec says. */
function isThere(wanted: Settings, gone: readonly string[]): boolean {
  const settings = wantedSettings(world.model().config);
  const isSet = Object.entries(wanted).every(([name, value]) => settings[name] === value && owned().includes(`postgresql.parameters.${name}`) && world.model().members().every((member) => member.running[name] === value));
  const isGone = gone.every((name) => settings[name] === undefined && !owned().includes(`postgresql.parameters.${name}`) && world.model().members().every((member) => member.running[name] === undefined)) && onRecord()['released-settings'] === undefined;
  return isSet && isGone && world.isSettled() && world.condition('ConfigApplied')?.status === 'True' && world.condition('PendingRestart')?.reason === 'None';
}

/** Lets `kill` do its worst while the spec changes from what it was. @returns who restarted, L for a leader, R for a replica */
async function change<T>({ set, gone = [] }: Turn, kill: Kill<T>): Promise<{ readonly result: T; readonly restarts: string }> {
  const before = world.model().hazards.restarted.length;
  await world.patch({ spec: { postgres: { parameters: { ...Object.fromEntries(gone.map((name) => [name, null])), ...set } } } });
  const result = await kill(() => isThere(set, gone));
  return { result, restarts: world.model().hazards.restarted.slice(before).map(({ wasLeader }) => (wasLeader ? 'L' : 'R')).join('') };
}

/** `body` with an operator that dies around request 1, then 2, and so on, until there is no such request. @returns how many requests there were */
async function aroundEveryRequest(body: (kill: Kill<boolean>) => Promise<boolean>): Promise<number> {
  for (let n = 1; ; n += 1) if (!(await body((done) => killAroundRequest(world, n, 'changed', done)))) return n - 1;
}

describe.each<[string, { readonly there: Turn; readonly back: Turn; readonly restarts: string; readonly requests: number }]>([
  [
    'keys that are set, changed and removed end as the spec says, and nothing restarts',
    { there: { set: { work_mem: '8MB', random_page_cost: '2' }, gone: ['geqo'] }, back: { set: { work_mem: '9MB', geqo: 'off' }, gone: ['random_page_cost'] }, restarts: '', requests: 3 },
  ],
  [
    'a setting that leaves the spec and needs a restart for it is gone from every member in the end, the leader last',
    { there: { set: { max_files_per_process: '2000' } }, back: { set: {}, gone: ['max_files_per_process'] }, restarts: 'RRL', requests: 6 },
  ],
])('%s', (_, { there, back, restarts: expected, requests }) => {
  let isThereNow = false;
  const turn = async <T>(kill: Kill<T>): Promise<T> => {
    isThereNow = !isThereNow;
    const { result, restarts } = await change(isThereNow ? there : back, kill);
    expect(restarts).toBe(expected);
    return result;
  };

  test('whichever request the operator dies before and after', async () => {
    expect(await aroundEveryRequest(turn)).toBeGreaterThan(requests);
  });

  test('with an operator that dies after every single write', async () => {
    for (const _way of ['there', 'and back']) expect(await turn((done) => killAfterEveryWrite(world, 'changed', done))).toBeGreaterThan(3);
  });
});

test('a key that the operator set right before it died is taken away, though the spec has forgotten it before anybody looked again', async () => {
  let isSet = false;
  world.onPatroniWrite(({ path, when }) => {
    if (path !== '/config' || when !== 'after' || isSet) return undefined;
    isSet = true;
    world.killOperators();
    return 'lost';
  });
  await world.patch({ spec: { postgres: { parameters: { deadlock_timeout: '3s' } } } });
  await world.until('set', () => isSet);
  world.onPatroniWrite(undefined);
  expect(wantedSettings(world.model().config)['deadlock_timeout']).toBe('3s');
  await world.patch({ spec: { postgres: { parameters: { deadlock_timeout: null } } } });
  world.start();
  await world.until('gone', () => isThere({}, ['deadlock_timeout']));
  expect(world.cluster().status?.config?.drift).toBeUndefined();
});

describe('settings that need restarts are applied in the order PostgreSQL needs, each member once', () => {
  let connections = 200;

  /** By one step up or down. */
  const move = async <T>(step: 10 | -10, kill: Kill<T>): Promise<T> => {
    connections += step;
    const { result, restarts } = await change({ set: { max_connections: String(connections) } }, kill);
    expect(restarts).toBe(step > 0 ? 'RRL' : 'LRR');
    return result;
  };

  test('when they grow, whichever request the operator dies before and after', async () => {
    expect(await aroundEveryRequest((kill) => move(10, kill))).toBeGreaterThan(6);
  });

  test('when they shrink, whichever request the operator dies before and after', async () => {
    expect(await aroundEveryRequest((kill) => move(-10, kill))).toBeGreaterThan(6);
  });

  test('with an operator that dies after every single write', async () => {
    expect(await move(10, (done) => killAfterEveryWrite(world, 'grown', done))).toBeGreaterThan(3);
    expect(await move(-10, (done) => killAfterEveryWrite(world, 'shrunk', done))).toBeGreaterThan(3);
  });

  test.each([0, 400, 1_500, 4_000])('when the operator dies %i ms after each of its restarts was asked for', async (afterMs) => {
    let deaths = 0;
    world.onPatroniWrite(({ path, when }) => {
      if (path !== '/restart' || when !== 'before') return undefined;
      deaths += 1;
      world.clock.setTimeout(() => {
        world.killOperators();
      }, afterMs);
      return undefined;
    });
    await move(10, (done) =>
      world.until('grown', () => {
        world.revive();
        return done();
      }),
    );
    world.onPatroniWrite(undefined);
    expect(deaths).toBeGreaterThanOrEqual(3);
  });

  test('while two operators act at once', async () => {
    const second = world.start();
    await move(10, (done) => world.until('grown', done));
    await move(-10, (done) => world.until('shrunk', done));
    second.kill();
  });
});
