import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create({ etcd: { replicas: 1 }, haproxy: { replicas: 1 }, networkPolicy: { enabled: false } });
  await world.until('settled', () => world.isSettled());
});

afterAll(async () => {
  await world.stop();
});

const slots = (): readonly string[] => Object.keys((world.model().config?.['slots'] ?? {})).sort();
const members = (): readonly string[] => world.api.objects.list<{ metadata: { name: string } }>('pods', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=postgres' }).map(({ metadata }) => metadata.name);

/** Services of members, by the identity that their addresses have. */
const services = (): readonly string[] =>
  world.api.objects.list<{ metadata: { name: string; uid: string } }>('services', { namespace: NAMESPACE }).flatMap(({ metadata }) => (/-postgres-\d+$/.test(metadata.name) ? [`${metadata.name}/${metadata.uid}`] : []));

async function scale(replicas: number): Promise<void> {
  await world.patch({ spec: { postgres: { replicas } } });
  await world.until(`${replicas} members`, () => world.isSettled() && world.cluster().status?.ready === `${replicas}/${replicas}` && members().length === replicas && slots().length === replicas);
  expect(world.invariants.violations).toEqual([]);
}

test('3 → 4: one member more, with a slot of its own, and nobody restarts', async () => {
  world.invariants.watchPods();
  await scale(4);
  expect(slots()).toEqual(['pg_postgres_0', 'pg_postgres_1', 'pg_postgres_2', 'pg_postgres_3']);
  expect(world.invariants.deleted()).toEqual([]);
  expect(world.api.objects.mustGet<{ data: Record<string, string> }>('configmaps', 'pg-haproxy', NAMESPACE).data['haproxy.cfg']).toContain('pg-postgres-3');
});

test('4 → 1 while the highest leads: it hands over first, by an operation on record, and goes last', async () => {
  const timeline = world.model().timeline;
  await world.annotate('pg-postgres-3');
  await world.until('led by the highest', () => world.model().leader === 'pg-postgres-3' && world.isSettled() && world.operations().every(({ status }) => status?.phase === 'Succeeded'));
  const before = services();
  const shrunkWhileLeading: string[] = [];
  const stop = world.api.objects.onChange(({ resource, object }) => {
    const replicas = (object as { spec?: { replicas?: number } }).spec?.replicas;
    if (resource === 'apps/statefulsets' && JSON.stringify(object).includes('"pg-postgres"') && replicas === 1 && world.model().leader !== 'pg-postgres-0') shrunkWhileLeading.push(world.model().leader ?? 'nobody');
  });
  await scale(1);
  stop();
  const operation = world.operations().find(({ spec }) => spec.requestedBy === 'ScaleDown');
  expect(operation).toMatchObject({ spec: { switchover: { target: 'pg-postgres-0' } }, status: { phase: 'Succeeded', leaderBefore: 'pg-postgres-3', leaderAfter: 'pg-postgres-0' } });
  expect(world.operations().filter(({ spec }) => spec.requestedBy === 'ScaleDown')).toHaveLength(1);
  expect(shrunkWhileLeading).toEqual([]);
  // Patroni remembers addresses for ten minutes, so those of members that may come back stay.
  expect(services()).toEqual(before);
  expect(before).toHaveLength(4);
  expect([world.model().leader, world.model().timeline, slots()]).toEqual(['pg-postgres-0', timeline + 2, ['pg_postgres_0']]);
  expect(world.condition('Switchover')?.message).toContain('pg-postgres-3');
});

test('1 → 3: members come back on the volumes they had', async () => {
  const claims = world.api.objects.list('pvc', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=postgres' }).length;
  expect(claims).toBe(4);
  await scale(3);
  expect(world.model().leader).toBe('pg-postgres-0');
});

describe('a scale-down waits', () => {
  test('while Patroni is paused, and says so', async () => {
    world.model().patchConfig({ pause: true });
    await world.patch({ spec: { postgres: { replicas: 2 } } });
    await world.pass(20_000);
    expect(members()).toHaveLength(3);
    expect(world.condition('Progressing')).toMatchObject({ reason: 'ScalingDown', message: expect.stringContaining('paused') });
    world.model().patchConfig({ pause: null });
    await world.until('two', () => world.isSettled() && members().length === 2);
    await scale(3);
  });

  test('while none of those that stay is fit to lead', async () => {
    await world.annotate('pg-postgres-2');
    await world.until('led by the highest', () => world.model().leader === 'pg-postgres-2' && world.isSettled());
    for (const name of ['pg-postgres-0', 'pg-postgres-1']) world.model().member(name)!.tags = { ...world.model().member(name)!.tags, nofailover: true };
    await world.patch({ spec: { postgres: { replicas: 2 } } });
    await world.pass(20_000);
    expect([members().length, world.model().leader]).toEqual([3, 'pg-postgres-2']);
    expect(world.condition('Progressing')).toMatchObject({ reason: 'ScalingDown', message: expect.stringContaining('fit to take over') });
    world.model().member('pg-postgres-1')!.tags = { 'config-hash': world.model().member('pg-postgres-1')!.tags['config-hash'] };
    await world.until('two', () => world.isSettled() && members().length === 2);
    expect(world.model().leader).toBe('pg-postgres-1');
  });

  test('after a failed handover for a minute, then tries again', async () => {
    await scale(3);
    await world.annotate('pg-postgres-2');
    await world.until('led by the highest', () => world.model().leader === 'pg-postgres-2' && world.isSettled());
    world.model().switchoverScript = 'refused';
    const before = world.operations().length;
    await world.patch({ spec: { postgres: { replicas: 2 } } });
    await world.until('failed', () => world.operations().some(({ spec, status }) => spec.requestedBy === 'ScaleDown' && status?.phase === 'Failed'));
    await world.pass(50_000);
    expect(world.operations().length).toBe(before + 1);
    expect(members()).toHaveLength(3);
    world.model().switchoverScript = 'performs';
    await world.until('two', () => world.isSettled() && members().length === 2);
  });
});
