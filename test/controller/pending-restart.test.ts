import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';

import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create({ etcd: { replicas: 1 }, haproxy: { enabled: false }, networkPolicy: { enabled: false } });
  await world.until('settled', () => world.isSettled());
});

let marked = 0;
beforeEach(() => {
  marked = world.patroni.requests.length;
});

afterEach(async () => {
  await patch({ postgres: { parameters: null }, updateStrategy: null });
  await world.until('settled again', isApplied);
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const isApplied = (): boolean => world.isSettled() && world.condition('ConfigApplied')?.status === 'True' && world.condition('PendingRestart')?.reason === 'None';
const patch = (spec: object): Promise<void> => world.patch({ spec });
const set = (parameters: object, more: object = {}): Promise<void> => patch({ postgres: { parameters }, ...more });
/** Members that were told to restart since the test began, L for the leader of that moment and R for a replica; a second request for one that had restarted already counts once. */
const restarts = (): string => {
  const seen = world.patroni.requests.slice(marked).filter(({ path }) => path === '/restart').map(({ member }) => member);
  return seen.filter((member, i) => seen[i - 1] !== member).map((member) => (member === world.model().leader ? 'L' : 'R')).join('');
};
const running = (name: string): readonly (string | undefined)[] => world.model().members().map((member) => member.running[name]);
const reason = () => world.condition('PendingRestart')?.reason;
const request = (value: string): Promise<void> => world.patch({ metadata: { annotations: { [ANNOTATIONS.restart]: value } } });
const requested = () => world.cluster().metadata.annotations?.[ANNOTATIONS.restart];

/** The most members whose PostgreSQL was away at one moment while `body` ran. */
async function mostAway(body: () => Promise<void>): Promise<number> {
  let most = 0;
  let isOver = false;
  const look = (): void => {
    most = Math.max(most, world.model().members().filter(({ state }) => state !== 'running').length);
    if (!isOver) world.clock.setTimeout(look, 100);
  };
  look();
  await body();
  isOver = true;
  return most;
}

describe('settings that need a restart', () => {
  test('that grow go to the replicas first and to the leader last, one at a time', async () => {
    const most = await mostAway(async () => {
      await set({ max_connections: 200 });
      await world.until('applied', () => isApplied() && running('max_connections').every((value) => value === '200'));
    });
    expect(restarts()).toBe('RRL');
    expect(most).toBe(1);
  });

  test('that shrink go to the leader first', async () => {
    await set({ max_worker_processes: 8 });
    await world.until('applied', () => isApplied() && running('max_worker_processes').every((value) => value === '8'));
    expect(restarts()).toBe('LRR');
  });

  test('that grow and shrink take two rounds on the replicas and one on the leader', async () => {
    await set({ max_connections: 200, max_worker_processes: 8 });
    await world.until('applied', () => isApplied() && running('max_worker_processes').every((value) => value === '8'));
    expect(restarts()).toBe('RRLRR');
    expect(running('max_connections')).toEqual(['200', '200', '200']);
  });

  test('hand the lead over first where the spec says so', async () => {
    const before = world.model().leader;
    await set({ max_connections: 200 }, { updateStrategy: { leader: 'Switchover' } });
    await world.until('applied', () => isApplied() && running('max_connections').every((value) => value === '200'));
    expect(world.model().leader).not.toBe(before);
    expect(world.operations().at(-1)).toMatchObject({ spec: { requestedBy: 'Rollout' }, status: { phase: 'Succeeded', leaderBefore: before } });
  });

  test('wait while a member is not healthy', async () => {
    const replica = world.model().members().find(({ name }) => name !== world.model().leader)?.name ?? '';
    world.model().setMember(replica, { replicationState: undefined });
    await set({ max_connections: 200 });
    await world.until('it says why', () => world.condition('Progressing')?.message.includes(replica) === true);
    await world.pass(30_000);
    expect(restarts()).toBe('');
    world.model().setMember(replica, { replicationState: 'streaming' });
    await world.until('applied', isApplied);
  });
});

describe('updateStrategy', () => {
  test('OnRequest leaves them pending with old and new value, the cluster counts as settled, and a request finishes them', async () => {
    await set({ max_connections: 200 }, { updateStrategy: { type: 'OnRequest' } });
    await world.until('pending', () => reason() === 'WaitingForRequest');
    expect(world.condition('PendingRestart')?.message).toMatch(/max_connections 100 → 200 on pg-postgres-0, pg-postgres-1, pg-postgres-2/);
    expect(world.cluster().status?.members?.[0]).toMatchObject({ pendingRestart: true, pendingSettings: [{ name: 'max_connections', old: '100', new: '200' }] });
    await world.until('settled', () => world.isSettled());
    await world.pass(60_000);
    expect(restarts()).toBe('');
    await request('pending');
    await world.until('applied', () => isApplied() && requested() === undefined);
    expect(restarts()).toBe('RRL');
  });

  test('OnRequest holds back changed pod templates as well', async () => {
    world.invariants.watchPods();
    await patch({ updateStrategy: { type: 'OnRequest' }, postgres: { pod: { annotations: { rolled: 'yes' } } } });
    await world.until('pending', () => reason() === 'WaitingForRequest');
    expect(world.condition('PendingRestart')?.message).toMatch(/a changed pod template on pg-postgres-0/);
    await world.pass(60_000);
    expect(world.invariants.deleted()).toEqual([]);
    await request('pending');
    await world.until('rolled', () => world.invariants.deleted().length === 3 && isApplied() && requested() === undefined, 600_000);
  });

  test('Never does nothing, whatever is asked for', async () => {
    await set({ max_connections: 200 }, { updateStrategy: { type: 'Never' } });
    await world.until('pending', () => reason() === 'UpdateStrategyNever');
    await request('pending');
    await world.pass(60_000);
    expect(restarts()).toBe('');
    await world.patch({ metadata: { annotations: { [ANNOTATIONS.restart]: null } } });
  });

  test('Schedule waits for its window, and tells when that is', async () => {
    // The clock of the tests stands in November 2026.
    const opens = new Date(Math.ceil((world.clock.nowMs() + 600_000) / 60_000) * 60_000);
    const schedule = { cron: `${String(opens.getUTCMinutes())} ${String(opens.getUTCHours())} * * *`, durationMinutes: 30 };
    await set({ max_connections: 200 }, { updateStrategy: { type: 'Schedule', schedule } });
    await world.until('pending', () => reason() === 'WaitingForWindow');
    expect(world.condition('PendingRestart')?.message).toContain(opens.toISOString().replace('.000', ''));
    await world.pass(opens.getTime() - world.clock.nowMs() - 30_000);
    expect(restarts()).toBe('');
    await world.until('applied in the window', () => isApplied() && running('max_connections').every((value) => value === '200'));
    expect(restarts()).toBe('RRL');
  });

  test('a pause of Patroni blocks them', async () => {
    world.model().patchConfig({ pause: true });
    await set({ max_connections: 200 });
    await world.until('told', () => reason() === 'PatroniPaused');
    await world.pass(60_000);
    expect(restarts()).toBe('');
    world.model().patchConfig({ pause: null });
    await world.until('applied', isApplied);
    expect(restarts()).toBe('RRL');
  });

  test('a request that is not understood is refused and removed', async () => {
    await request('everything');
    await world.until('removed', () => requested() === undefined);
    const events = () => world.api.objects.list<{ reason?: string; message?: string }>('events', { namespace: NAMESPACE });
    await world.until('told', () => events().some(({ reason: why, message = '' }) => why === 'RestartRejected' && message.includes('everything')));
    expect(restarts()).toBe('');
  });
});
