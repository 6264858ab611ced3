import { isDeepStrictEqual } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';

import { writesAtRest } from './support/rest.ts';
import { NAMESPACE, startSettledWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startSettledWorld();
});

let marked = 0;
beforeEach(() => {
  marked = world.model().hazards.restarted.length;
});

/** Among what must not have happened: a restart while another member is away, a leader with more of a setting than a replica can follow. */
afterEach(async () => {
  await patch({ postgres: { parameters: null, pod: null }, updateStrategy: null });
  await world.until('settled again', () => isApplied() && isInForce(), 600_000);
  expect(await writesAtRest(world)).toEqual([]);
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const isApplied = (): boolean => world.isSettled() && world.condition('ConfigApplied')?.status === 'True' && world.condition('PendingRestart')?.reason === 'None';
/** What Patroni and PostgreSQL themselves know, whatever the status says. */
const isInForce = (): boolean => world.model().members().every(({ loaded, pending, pendingInKey }) => isDeepStrictEqual(loaded, world.model().config) && isDeepStrictEqual([pending, pendingInKey], [{}, {}]));
const patch = (spec: object): Promise<void> => world.patch({ spec });
const set = (parameters: object, more: object = {}): Promise<void> => patch({ postgres: { parameters }, ...more });
/** Restarts that were carried out since the test began, L for the leader of that moment and R for a replica. */
const restarts = (): string => world.model().hazards.restarted.slice(marked).map(({ wasLeader }) => (wasLeader ? 'L' : 'R')).join('');
const running = (name: string): readonly (string | undefined)[] => world.model().members().map((member) => member.running[name]);
const reason = () => world.condition('PendingRestart')?.reason;
const request = (value: string): Promise<void> => world.patch({ metadata: { annotations: { [ANNOTATIONS.restart]: value } } });
const requested = () => world.cluster().metadata.annotations?.[ANNOTATIONS.restart];

const events = (reason: string) => world.api.objects.list<{ reason?: string; note?: string; message?: string }>('events', { namespace: NAMESPACE }).filter((event) => event.reason === reason).map(({ note, message }) => note ?? message ?? '');
const everyoneHas = (name: string, value: string): boolean => running(name).every((each) => each === value);

describe('settings that need a restart', () => {
  test('that grow go to the replicas first and to the leader last', async () => {
    await set({ max_connections: 200 });
    await world.until('applied', () => isApplied() && everyoneHas('max_connections', '200'));
    expect(restarts()).toBe('RRL');
    const leader = world.model().leader ?? '';
    expect(events('RestartingPostgres')).toContain(`Restarting PostgreSQL of ${leader}, the leader, for max_connections.`);
  });

  // The key of the leader tells of it first (see DcsConfig).
  test('that have no bearing on standbys go to the leader last as well', async () => {
    await set({ max_files_per_process: 2000 });
    await world.until('applied', () => isApplied() && everyoneHas('max_files_per_process', '2000'));
    expect(restarts()).toBe('RRL');
  });

  test('that shrink go to the leader first', async () => {
    await set({ max_worker_processes: 8 });
    await world.until('applied', () => isApplied() && everyoneHas('max_worker_processes', '8'));
    expect(restarts()).toBe('LRR');
  });

  test('that grow and shrink take two rounds on the replicas and one on the leader', async () => {
    await set({ max_connections: 200, max_worker_processes: 8 });
    await world.until('applied', () => isApplied() && everyoneHas('max_worker_processes', '8'));
    expect(restarts()).toBe('RRLRR');
    expect(running('max_connections')).toEqual(['200', '200', '200']);
  });

  test('hand the lead over first where the spec says so', async () => {
    const before = world.model().leader;
    await set({ max_connections: 200 }, { updateStrategy: { leader: 'Switchover' } });
    await world.until('applied', () => isApplied() && everyoneHas('max_connections', '200'));
    expect(world.model().leader).not.toBe(before);
    expect(world.operations().at(-1)).toMatchObject({ spec: { requestedBy: 'Rollout' }, status: { phase: 'Succeeded', leaderBefore: before } });
  });

  test('come with the pods when their template changes too, and nobody is restarted twice for it', async () => {
    world.invariants.watchPods();
    await set({ max_connections: 200 }, { postgres: { parameters: { max_connections: 200 }, pod: { annotations: { rolled: 'with settings' } } } });
    await world.until('applied', () => isApplied() && everyoneHas('max_connections', '200') && world.invariants.deleted().length === 3, 600_000);
    expect(world.invariants.mostOut()).toBe(1);
    expect(restarts()).toBe('');
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

describe('a setting that is taken out of the spec and needs a restart for it', () => {
  test('does not count as applied before it has restarted', async () => {
    await set({ max_files_per_process: 2000 });
    await world.until('applied', () => isApplied() && isInForce() && everyoneHas('max_files_per_process', '2000'));
    await patch({ postgres: { parameters: null } });
    let isEarly = false;
    await world.until('gone', () => {
      isEarly ||= isApplied() && !isInForce();
      return isApplied() && isInForce();
    });
    expect(isEarly).toBe(false);
  });

  test('restarts on a request that came right with the change', async () => {
    await set({ max_files_per_process: 2000 });
    await world.until('applied', () => isApplied() && isInForce() && everyoneHas('max_files_per_process', '2000'));
    await world.patch({ metadata: { annotations: { [ANNOTATIONS.restart]: 'pending' } }, spec: { postgres: { parameters: null }, updateStrategy: { type: 'OnRequest' } } });
    await world.until('request gone', () => requested() === undefined);
    await world.pass(60_000);
    expect(reason()).toBe('None');
    expect(restarts()).toBe('RRLRRL');
  });

  test('is nothing of ours any more once somebody else sets it while the restart is held back', async () => {
    await set({ max_files_per_process: 2000 });
    await world.until('applied', () => isApplied() && isInForce() && everyoneHas('max_files_per_process', '2000'));
    await patch({ postgres: { parameters: null }, updateStrategy: { type: 'OnRequest' } });
    await world.until('pending', () => reason() === 'WaitingForRequest' && world.isSettled());
    world.model().patchConfig({ postgresql: { parameters: { max_files_per_process: '3000' } } });
    await world.until('told', () => world.cluster().status?.config?.drift?.join() === 'postgresql.parameters.max_files_per_process', 120_000);
    await request('pending');
    await world.until('theirs is in force', () => isApplied() && requested() === undefined && everyoneHas('max_files_per_process', '3000'));
    world.model().patchConfig({ postgresql: { parameters: { max_files_per_process: null } } });
    await world.until('seen that it went', () => world.cluster().status?.config?.drift === undefined, 120_000);
  });
});

describe('updateStrategy', () => {
  test('OnRequest leaves them pending with old and new value, the cluster counts as settled, and a request finishes them', async () => {
    await set({ max_connections: 200 }, { updateStrategy: { type: 'OnRequest' } });
    await world.until('pending on all', () => reason() === 'WaitingForRequest' && /max_connections 100 → 200 on pg-postgres-0, pg-postgres-1, pg-postgres-2/.test(world.condition('PendingRestart')?.message ?? ''));
    expect(world.condition('ConfigApplied')).toMatchObject({ status: 'False', reason: 'RestartPending' });
    await world.until('told', () => events('PendingRestart').some((text) => text.includes('max_connections 100 → 200')));
    expect(world.cluster().status?.members?.[0]).toMatchObject({ pendingRestart: true, pendingSettings: [{ name: 'max_connections', old: '100', new: '200' }] });
    await world.until('settled', () => world.isSettled());
    expect(await writesAtRest(world)).toEqual([]);
    expect(restarts()).toBe('');
    await request('pending');
    await world.until('applied', () => isApplied() && requested() === undefined);
    expect(restarts()).toBe('RRL');
    await world.until('told', () => events('RestartsDone').length > 0);
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
    await world.until('applied in the window', () => isApplied() && everyoneHas('max_connections', '200'));
    expect(restarts()).toBe('RRL');
  });

  test('Schedule lets them go at once inside of its window', async () => {
    await set({ max_connections: 200 }, { updateStrategy: { type: 'Schedule', schedule: { cron: '* * * * *', durationMinutes: 5 } } });
    await world.until('applied', () => isApplied() && everyoneHas('max_connections', '200'));
    expect(restarts()).toBe('RRL');
  });

  test('Schedule gives way to a request outside of its window', async () => {
    const never = { cron: '0 0 29 2 *', durationMinutes: 5 };
    await set({ max_connections: 200 }, { updateStrategy: { type: 'Schedule', schedule: never } });
    await world.until('pending', () => reason() === 'WaitingForWindow');
    await request('pending');
    await world.until('applied', () => isApplied() && requested() === undefined);
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
    await world.until('told', () => events('RestartRejected').some((text) => text.includes('everything')));
    expect(restarts()).toBe('');
  });
});
