import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { FINALIZER } from '../../src/api/meta.ts';
import { KINDS } from '../../src/kube/types.ts';

import { secretText } from './support/databases.ts';
import { killAfterEveryWrite } from './support/kill.ts';
import { CLUSTER, NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

interface Named {
  readonly metadata: { readonly name: string };
}

const SPEC = { etcd: { replicas: 1 }, haproxy: { replicas: 1 }, postgres: { replicas: 1 } };
const CHILDREN = ['sts', 'pods', 'services', 'configmaps', 'secrets', 'pvc', 'poddisruptionbudgets', 'networkpolicies', 'patronioperations'];

let world: World;

beforeEach(async () => {
  world = await startWorld();
  world.start();
  await world.create(SPEC);
  await world.until('settled', () => world.isSettled());
});

afterEach(async () => {
  expect(world.invariants.violations).toEqual([]);
  await world.stop();
});

const left = (): readonly string[] => CHILDREN.flatMap((kind) => world.api.objects.list<Named>(kind, { namespace: NAMESPACE }).map(({ metadata }) => `${kind}/${metadata.name}`)).sort();
const isGone = (): boolean => world.find() === undefined;

const KEPT = ['configmaps/pg-etcd', 'configmaps/pg-patroni-owned', 'pvc/data-pg-etcd-0', 'pvc/data-pg-postgres-0', 'secrets/pg-app', 'secrets/pg-ca', 'secrets/pg-rewind', 'secrets/pg-superuser'];

test('under Retain volumes, credentials and the etcd latch stay, and a cluster of the same name takes them up again', async () => {
  const password = secretText(world.api, 'pg-superuser', NAMESPACE, 'password');
  const { systemIdentifier } = world.model();
  const stopped: string[] = [];
  const stop = world.api.objects.onChange(({ type, resource, object }) => {
    if (type === 'DELETED' && resource === '/pods') stopped.push((object as unknown as Named).metadata.name);
  });
  await world.remove();
  await world.until('gone', isGone);
  await world.until('collected', () => left().length === KEPT.length);
  stop();
  expect(left()).toEqual(KEPT);
  // The leader shuts down cleanly while etcd still answers.
  expect(stopped.indexOf('pg-etcd-0')).toBe(stopped.length - 1);

  await world.create(SPEC);
  await world.until('settled', () => world.isSettled());
  expect(secretText(world.api, 'pg-superuser', NAMESPACE, 'password')).toBe(password);
  expect(world.cluster().status).toMatchObject({ systemIdentifier, ready: '1/1' });
  expect(world.api.objects.mustGet('configmaps', 'pg-etcd', NAMESPACE)).toMatchObject({ data: { 'initial-cluster-state': 'existing' } });
  expect(world.databases.calls.filter(({ result }) => result === 'created')).toHaveLength(1);
});

test('under Delete nothing stays', async () => {
  await world.patch({ spec: { deletionPolicy: 'Delete' } });
  await world.remove();
  await world.until('gone', isGone);
  await world.until('collected', () => left().length === 0);
});

test('under Delete nothing stays either when the operator dies after every write', async () => {
  await world.patch({ spec: { deletionPolicy: 'Delete' } });
  await world.remove();
  expect(await killAfterEveryWrite(world, 'gone', isGone)).toBeGreaterThan(8);
  await world.until('collected', () => left().length === 0);
});

test('waits while a pod has not ended, and then goes on', async () => {
  const pod = world.api.objects.mustGet<{ metadata: object }>('pods', 'pg-postgres-0', NAMESPACE);
  world.api.objects.put({ ...pod, metadata: { ...pod.metadata, finalizers: ['example.com/hold'] } });
  await world.remove();
  await world.pass(30_000);
  expect(world.cluster().metadata.finalizers).toEqual([FINALIZER]);
  expect(world.condition('Progressing')).toMatchObject({ reason: 'Deleting' });
  expect(world.api.objects.get('sts', 'pg-etcd', NAMESPACE)).toBeDefined();
  await world.kube.patch(KINDS.Pod, { namespace: NAMESPACE, name: 'pg-postgres-0' }, { type: 'merge', body: { metadata: { finalizers: null } } });
  await world.until('gone', isGone);
});

test('works although the spec has become invalid, and leaves finalizers of others', async () => {
  await world.patch({ metadata: { finalizers: [FINALIZER, 'example.com/other'] }, spec: { images: { pullSecrets: ['missing'] } } });
  await world.until('invalid', () => world.condition('SpecValid')?.status === 'False');
  await world.remove();
  await world.until('apart', () => world.cluster().metadata.finalizers?.includes(FINALIZER) !== true);
  expect(world.cluster().metadata.finalizers).toEqual(['example.com/other']);
  await world.pass(5_000);
  await world.patch({ metadata: { finalizers: null } });
  await world.until('gone', isGone);
});

test('forgets what it knew: a namesake that comes later is another cluster', async () => {
  await world.patch({ spec: { deletionPolicy: 'Delete' } });
  const before = secretText(world.api, 'pg-superuser', NAMESPACE, 'password');
  await world.remove();
  await world.until('gone', () => isGone() && left().length === 0);
  await world.create({ ...SPEC, haproxy: { enabled: false } }, CLUSTER);
  await world.until('made', () => world.api.objects.get('secrets', 'pg-superuser', NAMESPACE) !== undefined);
  expect(secretText(world.api, 'pg-superuser', NAMESPACE, 'password')).not.toBe(before);
});
