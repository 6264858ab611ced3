import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { names } from '../../src/api/names.ts';
import { parametersOf } from '../support/patroni/settings.ts';

import { SMALL } from './support/kill.ts';
import { CLUSTER, NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create(SMALL);
  await world.until('settled', () => world.isSettled());
});

afterEach(() => {
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const parameters = (): Record<string, unknown> => parametersOf(world.model().config);
const isApplied = (): boolean => world.isSettled() && world.condition('ConfigApplied')?.status === 'True';
const owned = (): readonly string[] => world.api.objects.mustGet<{ data: Record<string, string> }>('configmaps', names.ownedKeysConfigMap(CLUSTER), NAMESPACE).data['dynamic-keys']?.split('\n') ?? [];
const patch = (spec: object): Promise<void> => world.patch({ spec });
const config = () => world.cluster().status?.config;

test('a key that is set, changed and removed is so in etcd, and owned only as long as the spec has it', async () => {
  await patch({ postgres: { parameters: { work_mem: '8MB' } } });
  await world.until('set', () => isApplied() && parameters()['work_mem'] === '8MB');
  expect(owned()).toContain('postgresql.parameters.work_mem');
  expect(config()?.keys).toMatchObject([{ key: 'spec.postgres.parameters.work_mem', verdict: 'Applied', effective: '8MB' }]);
  await patch({ postgres: { parameters: { work_mem: '9MB' } } });
  await world.until('changed', () => isApplied() && parameters()['work_mem'] === '9MB');
  await patch({ postgres: { parameters: null } });
  await world.until('removed', () => isApplied() && !('work_mem' in parameters()) && !owned().includes('postgresql.parameters.work_mem'));
  expect(config()).toEqual({});
});

test('what others set stays and is told, an owned key is put back, and the spec can take a key over', async () => {
  world.model().patchConfig({ pause: null, check_timeline: true, loop_wait: 9, postgresql: { parameters: { deadlock_timeout: '3s' } } });
  await world.until('put back', () => world.model().config?.['loop_wait'] === 5, 120_000);
  await world.until('told', () => config()?.drift?.length === 2);
  expect(config()?.drift).toEqual(['check_timeline', 'postgresql.parameters.deadlock_timeout']);
  expect(world.model().config).toMatchObject({ check_timeline: true });
  expect(parameters()['deadlock_timeout']).toBe('3s');
  await patch({ postgres: { parameters: { deadlock_timeout: '4s' } } });
  await world.until('taken over', () => isApplied() && parameters()['deadlock_timeout'] === '4s' && config()?.drift?.length === 1);
  await patch({ postgres: { parameters: null } });
  await world.until('gone', () => isApplied() && !('deadlock_timeout' in parameters()));
  world.model().patchConfig({ check_timeline: null });
  await world.until('no drift', () => config()?.drift === undefined, 120_000);
});

test('a pause by hand stays', async () => {
  world.model().patchConfig({ pause: true });
  await patch({ postgres: { parameters: { work_mem: '8MB' } } });
  await world.until('set', () => parameters()['work_mem'] === '8MB');
  await world.pass(120_000);
  expect(world.model().isPaused).toBe(true);
  expect(config()?.drift).toBeUndefined();
  world.model().patchConfig({ pause: null });
  await patch({ postgres: { parameters: null } });
  await world.until('settled', isApplied);
});

test('a configuration that was wiped is filled again', async () => {
  const before = structuredClone(world.model().config);
  // Patroni's leader writes what it remembers; here that is nothing but its defaults.
  world.model().config = { ttl: 30, loop_wait: 10, retry_timeout: 10 };
  await world.until('filled', () => world.model().config?.['ttl'] === 20, 120_000);
  await world.until('whole', () => isApplied() && JSON.stringify(Object.keys(parameters()).sort()) === JSON.stringify(Object.keys(parametersOf(before)).sort()));
  expect(world.model().config).toMatchObject({ ...before });
});

test('a member that does not load the configuration is named, and nothing restarts meanwhile', async () => {
  const lazy = world.model().members().find(({ name }) => name !== world.model().leader);
  world.model().setMember(lazy?.name ?? '', { staleConfig: structuredClone(world.model().config) });
  await patch({ postgres: { parameters: { work_mem: '8MB', max_connections: 300 } } });
  await world.until('told', () => world.condition('ConfigApplied')?.reason === 'Loading' && world.condition('ConfigApplied')?.message.includes(lazy?.name ?? '') === true);
  const restarts = () => world.patroni.requests.filter(({ path }) => path === '/restart').length;
  const before = restarts();
  await world.pass(60_000);
  expect(restarts()).toBe(before);
  world.model().setMember(lazy?.name ?? '', { staleConfig: undefined });
  await patch({ postgres: { parameters: null } });
  await world.until('settled', isApplied);
});

test('a spec that breaks a rule changes nothing, and its keys are shown as rejected', async () => {
  const before = structuredClone(world.model().config);
  await patch({ postgres: { parameters: { work_mem: '8MB' } }, patroni: { config: { scope: 'other' } } });
  await world.until('refused', () => world.condition('ConfigApplied')?.reason === 'Rejected');
  expect(config()?.keys).toMatchObject([{ key: 'spec.patroni.config.scope', verdict: 'Rejected' }]);
  await world.pass(60_000);
  expect(world.model().config).toEqual(before);
  await patch({ postgres: { parameters: null }, patroni: { config: null } });
  await world.until('settled', isApplied);
});

describe('when nothing changes', () => {
  test('nothing is written, though the configuration is looked at again and again', async () => {
    await world.pass(20_000);
    const before = world.api.resourceVersion();
    const asked = world.patroni.requests.filter(({ path }) => path === '/config').length;
    const written = world.patroni.requests.filter(({ method }) => method !== 'GET').length;
    await world.pass(600_000);
    expect(world.api.resourceVersion()).toBe(before);
    expect(world.patroni.requests.filter(({ path }) => path === '/config').length).toBeGreaterThan(asked);
    expect(world.patroni.requests.filter(({ method }) => method !== 'GET').length).toBe(written);
  });
});
