import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';
import { names } from '../../src/api/names.ts';
import { KINDS } from '../../src/kube/types.ts';
import { parametersOf } from '../support/patroni/settings.ts';

import { SMALL } from './support/kill.ts';
import { writesAtRest } from './support/rest.ts';
import { CLUSTER, NAMESPACE, startSettledWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startSettledWorld(SMALL);
});

/** Back to nothing that the spec or somebody else has set. */
afterEach(async () => {
  await patch({ postgres: { parameters: null }, patroni: { config: null, dynamicConfig: null, omit: null } });
  world.model().patchConfig({ pause: null, check_timeline: null });
  await world.until('as before', () => isApplied() && config()?.drift === undefined && !owned().some((path) => /work_mem$|deadlock_timeout$/.test(path) && !path.includes('maintenance')), 120_000);
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const parameters = (): Record<string, unknown> => parametersOf(world.model().config);
const isApplied = (): boolean => world.isSettled() && world.condition('ConfigApplied')?.status === 'True' && world.condition('PendingRestart')?.reason === 'None';
const ownedMap = () => world.api.objects.get<{ data: Record<string, string> }>('configmaps', names.ownedKeysConfigMap(CLUSTER), NAMESPACE);
const owned = (): readonly string[] => ownedMap()?.data['dynamic-keys']?.split('\n') ?? [];
const patch = (spec: object): Promise<void> => world.patch({ spec });
const set = (settings: object): Promise<void> => patch({ postgres: { parameters: settings } });
const config = () => world.cluster().status?.config;
const replica = (): string => world.model().members().find(({ name }) => name !== world.model().leader)?.name ?? '';

interface StoredEvent {
  readonly metadata: { readonly name: string };
  readonly reason?: string;
  readonly note?: string;
  readonly message?: string;
}
const events = (): readonly StoredEvent[] => world.api.objects.list<StoredEvent>('events', { namespace: NAMESPACE });
const told = (reason: string): readonly string[] => events().filter((event) => event.reason === reason).map(({ note, message }) => note ?? message ?? '');

describe('a setting of the spec', () => {
  test('reaches etcd and every member, is owned, changes with the spec, and goes with it', async () => {
    await set({ work_mem: '8MB' });
    await world.until('set', () => isApplied() && parameters()['work_mem'] === '8MB');
    expect(owned()).toContain('postgresql.parameters.work_mem');
    expect(config()?.keys).toMatchObject([{ key: 'spec.postgres.parameters.work_mem', verdict: 'Applied', effective: '8MB' }]);
    expect(world.model().members().map(({ loaded }) => parametersOf(loaded)['work_mem'])).toEqual(['8MB', '8MB']);
    await set({ work_mem: '9MB' });
    await world.until('changed', () => isApplied() && parameters()['work_mem'] === '9MB');
    await patch({ postgres: { parameters: null } });
    await world.until('removed', () => isApplied() && !('work_mem' in parameters()) && !owned().includes('postgresql.parameters.work_mem'));
    expect(config()).toEqual({});
    expect(told('ConfigurationChanged')).toContain('Set: postgresql.parameters.work_mem.');
    expect(told('ConfigurationChanged')).toContain('Removed: postgresql.parameters.work_mem.');
  });

  test('that the operator would set itself goes back to the operator’s value with the spec', async () => {
    const before = parameters()['wal_keep_size'];
    await set({ wal_keep_size: '99MB' });
    await world.until('set', () => isApplied() && parameters()['wal_keep_size'] === '99MB');
    await patch({ postgres: { parameters: null } });
    await world.until('back', () => isApplied() && parameters()['wal_keep_size'] === before);
    expect(owned()).toContain('postgresql.parameters.wal_keep_size');
  });

  test('that is omitted is taken out of etcd, and comes back', async () => {
    const before = parameters()['log_lock_waits'];
    await patch({ patroni: { omit: ['postgresql.parameters.log_lock_waits'] } });
    await world.until('gone', () => isApplied() && !('log_lock_waits' in parameters()) && !owned().includes('postgresql.parameters.log_lock_waits'));
    await patch({ patroni: { omit: null } });
    await world.until('there again', () => isApplied() && parameters()['log_lock_waits'] === before);
  });

  test('counts as applied also where PostgreSQL shows it otherwise, or a connection has its own, and a restart request is done', async () => {
    await world.patch({ metadata: { annotations: { [ANNOTATIONS.restart]: 'pending' } }, spec: { postgres: { parameters: { archive_command: 'cp %p /archive/%f', timezone: 'utc', search_path: 'app, public', statement_timeout: '1h' } } } });
    await world.until('applied', () => isApplied() && config()?.keys?.length === 4);
    expect(config()?.keys?.map(({ verdict }) => verdict)).toEqual(['Applied', 'Applied', 'Applied', 'Applied']);
    await world.until('request gone', () => world.cluster().metadata.annotations?.[ANNOTATIONS.restart] === undefined, 120_000);
  });

  test('that PostgreSQL does not know is told as ignored', async () => {
    await set({ work_mem: '6MB', wrk_mem: '6MB' });
    await world.until('set', isApplied);
    expect(config()?.keys).toMatchObject([
      { key: 'spec.postgres.parameters.work_mem', verdict: 'Applied', effective: '6MB' },
      { key: 'spec.postgres.parameters.wrk_mem', verdict: 'Ignored' },
    ]);
    expect(config()?.warnings?.join()).toContain('did you mean work_mem?');
  });

  test('that ALTER SYSTEM overrides is told, with an event, until it is reset', async () => {
    await set({ work_mem: '8MB' });
    await world.until('set', isApplied);
    world.model().setMember(replica(), { altered: { work_mem: '77MB' } });
    await world.until('told', () => world.condition('ConfigApplied')?.reason === 'Overridden', 120_000);
    expect(world.condition('ConfigApplied')?.message).toContain(replica());
    expect(config()?.keys).toMatchObject([{ verdict: 'Overridden', by: 'ALTER SYSTEM', members: [replica()] }]);
    await world.until('told in an event', () => told('ConfigOverridden').length > 0);
    world.model().setMember(replica(), { altered: {} });
    await world.until('applied', isApplied, 120_000);
  });

  test('that ALTER SYSTEM has overridden before the spec set it is told with an event as well', async () => {
    const leader = world.model().leader ?? '';
    world.model().setMember(leader, { altered: { work_mem: '66MB' } });
    await set({ work_mem: '8MB' });
    await world.until('told', () => world.condition('ConfigApplied')?.reason === 'Overridden', 120_000);
    await world.until('told in an event', () => told('ConfigOverridden').some((text) => text.includes(leader)));
    world.model().setMember(leader, { altered: {} });
    await world.until('applied', isApplied, 120_000);
  });
});

describe('what somebody else sets', () => {
  test('stays and shows as drift, and is the spec’s once the spec names it', async () => {
    world.model().patchConfig({ check_timeline: true, postgresql: { parameters: { deadlock_timeout: '3s' } } });
    await world.until('told', () => config()?.drift?.length === 2, 120_000);
    expect(config()?.drift).toEqual(['check_timeline', 'postgresql.parameters.deadlock_timeout']);
    expect(owned()).not.toContain('check_timeline');
    await set({ deadlock_timeout: '4s' });
    await world.until('taken over', () => isApplied() && parameters()['deadlock_timeout'] === '4s' && config()?.drift?.length === 1);
    expect(owned()).toContain('postgresql.parameters.deadlock_timeout');
    await patch({ postgres: { parameters: null } });
    await world.until('gone', () => isApplied() && !('deadlock_timeout' in parameters()));
    expect(world.model().config).toMatchObject({ check_timeline: true });
  });

  test('in a key of ours is set back, and an event says so', async () => {
    const before = told('ConfigurationChanged').length;
    world.model().patchConfig({ loop_wait: 9 });
    await world.until('set back', () => isApplied() && world.model().config?.['loop_wait'] === 5, 120_000);
    await world.until('told', () => told('ConfigurationChanged').length > before);
    expect(told('ConfigurationChanged')).toContain('Set back to what the spec says: loop_wait.');
  });

  test('is left alone when it is a pause, through a change of the spec', async () => {
    world.model().patchConfig({ pause: true });
    await set({ work_mem: '8MB' });
    await world.until('set', () => parameters()['work_mem'] === '8MB');
    await world.pass(120_000);
    expect(world.model().isPaused).toBe(true);
    expect(config()?.drift).toBeUndefined();
  });

  test('at the very moment of our change keeps both, since a conflict is tried again', async () => {
    world.model().dcs.conflicts = 2;
    world.model().dcs.conflicting = { check_timeline: true };
    await set({ work_mem: '8MB' });
    await world.until('set', () => isApplied() && parameters()['work_mem'] === '8MB');
    expect(world.model().dcs.conflicts).toBe(0);
    expect(world.model().config).toMatchObject({ check_timeline: true });
    expect(told('ERR_PATRONI_CONFIG_CONFLICT')).toEqual([]);
  });

  test('again and again is outlasted, and told', async () => {
    world.model().dcs.conflicts = 7;
    await set({ work_mem: '8MB' });
    await world.until('set', () => isApplied() && parameters()['work_mem'] === '8MB');
    expect(world.model().dcs.conflicts).toBe(0);
    await world.until('told', () => told('ERR_PATRONI_CONFIG_CONFLICT').length > 0);
  });
});

test('a leader that is slow to read what it was told is told again, to the same end', async () => {
  world.model().dcs.wakeMs = 3_000;
  await set({ work_mem: '8MB' });
  await world.until('set', () => isApplied() && parameters()['work_mem'] === '8MB');
  await patch({ postgres: { parameters: null } });
  await world.until('gone', () => isApplied() && !('work_mem' in parameters()));
  world.model().dcs.wakeMs = 0;
});

describe('a configuration that was lost from etcd', () => {
  test('is written again by Patroni’s leader from memory, with what others had set, and nothing restarts', async () => {
    world.model().patchConfig({ check_timeline: true });
    await world.until('told', () => config()?.drift?.length === 1, 120_000);
    const before = structuredClone(world.model().config);
    const restarts = world.model().hazards.restarted.length;
    world.model().config = undefined;
    await world.pass(20_000);
    expect(world.model().config).toEqual(before);
    await world.until('applied', isApplied);
    expect(world.model().hazards.restarted.length).toBe(restarts);
  });

  test('and from the memory of the leader is filled again with all that the operator and the spec say', async () => {
    await set({ work_mem: '8MB' });
    await world.until('set', isApplied);
    const before = structuredClone(world.model().config);
    world.model().config = { ttl: 30, loop_wait: 10, retry_timeout: 10 };
    await world.until('filled', () => world.model().config?.['ttl'] === 20, 120_000);
    await world.until('whole', isApplied);
    expect(world.model().config).toEqual(before);
  });

  test('and stands as an empty document is whole again, whoever is first', async () => {
    const before = structuredClone(world.model().config);
    world.model().config = {};
    // Something that makes the operator look before Patroni's next loop.
    await patch({ postgres: { pod: { annotations: null } } });
    await world.until('whole', () => isApplied() && JSON.stringify(Object.keys(parameters()).sort()) === JSON.stringify(Object.keys(parametersOf(before)).sort()), 120_000);
    expect(world.model().config).toEqual(before);
  });

  test('together with the list of what is ours is owned again', async () => {
    const before = owned();
    await world.kube.delete(KINDS.ConfigMap, { namespace: NAMESPACE, name: names.ownedKeysConfigMap(CLUSTER) });
    await world.until('listed again', () => isApplied() && ownedMap() !== undefined, 120_000);
    expect(owned()).toEqual(before);
  });
});

test('a member that does not load the configuration is named, and nothing restarts until it has', async () => {
  const lazy = replica();
  world.model().setMember(lazy, { isStuck: true });
  const restarts = () => world.model().hazards.restarted.slice(before).map(({ member }) => member);
  const before = world.model().hazards.restarted.length;
  await set({ work_mem: '8MB', max_connections: 300 });
  await world.until('told', () => world.condition('ConfigApplied')?.reason === 'Loading' && world.condition('ConfigApplied')?.message.includes(lazy) === true);
  await world.pass(120_000);
  expect(world.condition('ConfigApplied')).toMatchObject({ status: 'False', reason: 'Loading' });
  expect(config()?.keys?.find(({ path }) => path.endsWith('work_mem'))).toMatchObject({ verdict: 'Loading', members: [lazy] });
  expect(restarts()).toEqual([]);
  const leader = world.model().leader;
  world.model().setMember(lazy, { isStuck: false });
  world.model().patchConfig({ check_timeline: true }); // what makes it read again here; a real loop needs no reason
  await world.until('applied', isApplied);
  expect(restarts()).toEqual([lazy, leader]);
});

test('nor does the leader restart for a setting that shrinks, which it would do first', async () => {
  await set({ max_connections: 300 });
  await world.until('grown', isApplied);
  const before = world.model().hazards.restarted.length;
  const lazy = replica();
  const leader = world.model().leader;
  world.model().setMember(lazy, { isStuck: true });
  await set({ max_connections: 200 });
  await world.until('told', () => world.condition('ConfigApplied')?.reason === 'Loading' && world.condition('ConfigApplied')?.message.includes(lazy) === true);
  await world.pass(120_000);
  expect(world.model().hazards.restarted.length).toBe(before);
  world.model().setMember(lazy, { isStuck: false });
  world.model().patchConfig({ check_timeline: true });
  await world.until('applied', isApplied);
  expect(world.model().hazards.restarted.slice(before).map(({ member }) => member)).toEqual([leader, lazy]);
});

test('a spec that breaks a rule changes nothing, and its keys are shown as rejected beside those that stand', async () => {
  await set({ work_mem: '8MB' });
  await world.until('set', isApplied);
  const before = structuredClone(world.model().config);
  await patch({ postgres: { parameters: { work_mem: '9MB' } }, patroni: { config: { scope: 'other' } } });
  await world.until('refused', () => world.condition('ConfigApplied')?.reason === 'Rejected');
  expect(config()?.keys).toMatchObject([
    { key: 'spec.patroni.config.scope', verdict: 'Rejected' },
    { key: 'spec.postgres.parameters.work_mem', verdict: 'Applied' },
  ]);
  await world.pass(60_000);
  expect(world.model().config).toEqual(before);
});

test('when nothing changes nothing is written, though the configuration is read again and again', async () => {
  world.model().patchConfig({ check_timeline: true });
  await set({ work_mem: '8MB' });
  await world.until('set', () => isApplied() && config()?.drift?.length === 1);
  const reads = (): number => world.patroni.requests.filter(({ method, path }) => method === 'GET' && path === '/config').length;
  const before = reads();
  expect(await writesAtRest(world)).toEqual([]);
  expect(reads()).toBeGreaterThan(before);
});
