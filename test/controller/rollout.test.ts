import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { KINDS } from '../../src/kube/types.ts';
import { OPERATOR } from '../support/model/cluster.ts';

import { MISSING_IMAGE } from './support/nodes.ts';
import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create({ haproxy: { enabled: false }, networkPolicy: { enabled: false } });
  await world.until('settled', () => world.isSettled());
});

afterEach(() => {
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const memory = (mebibytes: number) => ({ resources: { limits: { memory: `${mebibytes}Mi` } } });
const templates = (): readonly string[] =>
  world.api.objects.list<{ spec: { containers: readonly { resources: { limits?: { memory?: string } } }[] } }>('pods', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=postgres' }).map(({ spec }) => spec.containers[0]?.resources.limits?.memory ?? '');

test('restarts replicas first, the leader last after a switchover, never two at once', async () => {
  const [leader, timeline] = [world.model().leader ?? '', world.model().timeline];
  world.invariants.watchPods();
  await world.patch({ spec: { postgres: memory(600) } });
  let tooEarly = 0;
  const stop = world.api.objects.onChange(() => {
    if (world.isSettled() && templates().some((each) => each !== '600Mi')) tooEarly++;
  });
  await world.until('settled', () => world.isSettled());
  stop();
  // Argo CD, Flux and `kubectl wait` must not take the cluster for done while pods still run the old template.
  expect([tooEarly, templates()]).toEqual([0, ['600Mi', '600Mi', '600Mi']]);
  expect(world.invariants.deleted()).toEqual(['pg-postgres-2', 'pg-postgres-1', leader]);
  expect(world.invariants.mostOut()).toBe(1);
  expect(world.model().timeline).toBe(timeline + 1);
  const own = world.operations().filter(({ spec }) => spec.requestedBy === 'Rollout');
  expect(own).toMatchObject([{ status: { phase: 'Succeeded', leaderBefore: leader } }]);
  expect(world.model().leader).not.toBe(leader);
  // A rollout's own handover is no answer to anybody's request.
  expect(world.condition('Switchover')).toBeUndefined();
  const reasons = world.api.objects.list<{ reason: string }>('events', { namespace: NAMESPACE }).map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'RollingRestart')).toHaveLength(3);
});

test('restarts etcd one member at a time, before Postgres', async () => {
  world.invariants.watchPods('etcd');
  const { timeline } = world.model();
  await world.patch({ spec: { etcd: memory(300), postgres: memory(610) } });
  const order: string[] = [];
  const stop = world.api.objects.onChange(({ type, resource, object }) => {
    if (type === 'DELETED' && resource === '/pods') order.push((object as unknown as { metadata: { name: string } }).metadata.name);
  });
  await world.until('settled', () => world.isSettled() && templates().every((each) => each === '610Mi'));
  stop();
  expect(world.invariants.mostOut()).toBe(1);
  expect(order.slice(0, 3)).toEqual(['pg-etcd-2', 'pg-etcd-1', 'pg-etcd-0']);
  expect(order.slice(3)).toHaveLength(3);
  expect(world.model().timeline).toBe(timeline + 1);
});

describe('waits', () => {
  test('while Patroni is paused, and goes on after', async () => {
    world.model().patchConfig({ pause: true });
    world.invariants.watchPods();
    await world.patch({ spec: { postgres: memory(620) } });
    await world.pass(20_000);
    expect(world.invariants.deleted()).toEqual([]);
    expect(world.condition('Progressing')).toMatchObject({ reason: 'RollingRestart', message: expect.stringContaining('paused') });
    expect(world.condition('Paused')).toMatchObject({ status: 'True' });
    world.model().patchConfig({ pause: null });
    await world.until('settled', () => world.isSettled() && templates().every((each) => each === '620Mi'));
    expect(world.invariants.mostOut()).toBe(1);
  });

  test('while a replica does not come back', async () => {
    world.invariants.watchPods();
    world.nodes.unready.add('pg-postgres-2');
    const leads = world.model().leader;
    await world.patch({ spec: { postgres: memory(630) } });
    await world.pass(25_000);
    expect(world.invariants.deleted()).toEqual([leads === 'pg-postgres-2' ? 'pg-postgres-1' : 'pg-postgres-2']);
    expect(world.invariants.mostOut()).toBe(1);
    world.nodes.unready.delete('pg-postgres-2');
    await world.until('settled', () => world.isSettled() && templates().every((each) => each === '630Mi'));
    expect(world.invariants.mostOut()).toBe(1);
  });

  test('while nobody can take over, and leaves the leader alone', async () => {
    const leads = world.model().leader ?? '';
    const others = world.model().members().filter(({ name }) => name !== leads);
    const bar = () => others.forEach((member) => (member.tags = { ...member.tags, nofailover: true }));
    bar();
    const timer = world.api.objects.onChange(bar);
    world.invariants.watchPods();
    await world.patch({ spec: { postgres: memory(640) } });
    await world.pass(25_000);
    expect(world.invariants.deleted()).toHaveLength(2);
    expect([world.model().leader, world.condition('Progressing')?.message]).toEqual([leads, expect.stringContaining('no replica is fit')]);
    timer();
    others.forEach((member) => (member.tags = { 'config-hash': member.tags['config-hash'] }));
    await world.until('settled', () => world.isSettled() && templates().every((each) => each === '640Mi'));
  });
});

test('an image that cannot be pulled stops at one pod, and correcting it heals', async () => {
  const timeline = world.model().timeline;
  world.invariants.watchPods();
  await world.patch({ spec: { images: { postgres: MISSING_IMAGE } } });
  await world.pass(25_000);
  expect(world.invariants.mostOut()).toBe(1);
  expect(world.condition('Ready')).toMatchObject({ status: 'False', message: expect.stringContaining('ImagePullBackOff') });
  expect(world.model().timeline).toBe(timeline);
  // Taking the image out of the spec would keep the one that the StatefulSet has: absent means "as it is".
  await world.patch({ spec: { images: { postgres: OPERATOR.images.postgres['17'] } } });
  await world.until('settled', () => world.isSettled());
  expect(world.invariants.mostOut()).toBe(1);
});

test('a failover in the middle of a rollout does no harm', async () => {
  world.invariants.watchPods();
  await world.patch({ spec: { postgres: memory(650) } });
  await world.until('one restarting', () => world.invariants.deleted().length === 1);
  await world.until('back', () => world.invariants.mostOut() === 1 && world.cluster().status?.ready === '3/3');
  const [leads, timeline] = [world.model().leader ?? '', world.model().timeline];
  await world.kube.delete(KINDS.Pod, { namespace: NAMESPACE, name: leads });
  await world.until('another leads', () => world.model().timeline === timeline + 1);
  await world.until('settled', () => world.isSettled() && templates().every((each) => each === '650Mi'));
  expect(world.model().members().every(({ isUp }) => isUp)).toBe(true);
});

test('a replica that is lost while another restarts is waited for before anything else is taken out', async () => {
  world.invariants.watchPods();
  await world.patch({ spec: { postgres: memory(660) } });
  await world.until('one restarting', () => world.invariants.deleted().length === 1);
  const [restarting] = world.invariants.deleted();
  const other = world.model().members().find(({ name }) => name !== restarting && name !== world.model().leader)?.name ?? '';
  world.nodes.killPod(other);
  world.nodes.unready.add(other);
  await world.pass(20_000);
  expect(world.invariants.deleted()).toEqual([restarting]);
  world.nodes.unready.delete(other);
  await world.until('settled', () => world.isSettled() && templates().every((each) => each === '660Mi'));
});
