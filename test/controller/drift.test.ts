import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';
import { KINDS } from '../../src/kube/types.ts';

import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

interface Stored {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>>; readonly generation?: number };
  readonly spec: { readonly ports: readonly { readonly name: string; readonly port: number }[]; readonly selector: Readonly<Record<string, string>> };
  readonly data: Readonly<Record<string, string>>;
}

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
  await world.create();
  await world.until('settled', () => world.isSettled());
});

afterEach(async () => {
  await world.until('settled', () => world.isSettled());
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const get = (kind: string, name: string): Stored => world.api.objects.mustGet<Stored>(kind, name, NAMESPACE);
const merge = (kind: keyof typeof KINDS, name: string, body: Readonly<Record<string, unknown>>): Promise<unknown> => world.kube.patch(KINDS[kind], { namespace: NAMESPACE, name }, { type: 'merge', body });

describe('what somebody changed is put back', () => {
  test('the selector of a Service', async () => {
    const before = get('services', 'pg-rw');
    await merge('Service', 'pg-rw', { spec: { selector: { 'app.kubernetes.io/component': 'postgres' } } });
    await world.until('put back', () => get('services', 'pg-rw').spec.selector['app.kubernetes.io/component'] === 'haproxy', 20_000);
    expect(get('services', 'pg-rw').spec).toEqual(before.spec);
    expect(get('services', 'pg-rw').metadata.uid).toBe(before.metadata.uid);
  });

  test('the text of a ConfigMap', async () => {
    const before = get('configmaps', 'pg-haproxy').data;
    await merge('ConfigMap', 'pg-haproxy', { data: { 'haproxy.cfg': '# nothing' } });
    await world.until('put back', () => get('configmaps', 'pg-haproxy').data['haproxy.cfg'] === before['haproxy.cfg'], 20_000);
  });

  test('the etcd latch, which a mistake must not open', async () => {
    world.api.objects.put({ ...world.api.objects.mustGet('configmaps', 'pg-etcd', NAMESPACE), data: { ...get('configmaps', 'pg-etcd').data, 'initial-cluster-state': 'existing', 'initial-cluster': 'x' } });
    await world.until('put back', () => get('configmaps', 'pg-etcd').data['initial-cluster']?.startsWith('pg-etcd-0=') === true, 20_000);
    expect(get('configmaps', 'pg-etcd').data['initial-cluster-state']).toBe('existing');
  });

  test('the number of replicas of a StatefulSet', async () => {
    await merge('StatefulSet', 'pg-haproxy', { spec: { replicas: 5 } });
    await world.until('put back', () => world.api.objects.list('pods', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=haproxy' }).length === 2 && world.isSettled(), 30_000);
  });
});

describe('what somebody deleted is made again', () => {
  test.each([
    ['services', 'Service', 'pg-ro'],
    ['configmaps', 'ConfigMap', 'pg-patroni'],
    ['poddisruptionbudgets', 'PodDisruptionBudget', 'pg-postgres'],
    ['networkpolicies', 'NetworkPolicy', 'pg-etcd'],
  ] as const)('%s', async (plural, kind, name) => {
    const before = get(plural, name);
    await world.kube.delete(KINDS[kind], { namespace: NAMESPACE, name });
    await world.until('there again', () => world.api.objects.get(plural, name, NAMESPACE) !== undefined, 20_000);
    const { metadata, spec, data } = get(plural, name);
    expect(metadata.uid).not.toBe(before.metadata.uid);
    expect([data, { ...spec, clusterIP: '', clusterIPs: [] }]).toEqual([before.data, { ...before.spec, clusterIP: '', clusterIPs: [] }]);
  });

  test('a leaf certificate, from the same CA', async () => {
    const ca = get('secrets', 'pg-postgres-server-tls').data['ca.crt'];
    await world.kube.delete(KINDS.Secret, { namespace: NAMESPACE, name: 'pg-postgres-server-tls' });
    await world.until('there again', () => world.api.objects.get('secrets', 'pg-postgres-server-tls', NAMESPACE) !== undefined, 20_000);
    expect(get('secrets', 'pg-postgres-server-tls').data['ca.crt']).toBe(ca);
  });

  test('the etcd latch, closed, although the status is lost as well', async () => {
    world.api.objects.putStatus('patroniclusters', 'pg', {}, { namespace: NAMESPACE });
    world.api.objects.remove('configmaps', 'pg-etcd', NAMESPACE);
    await world.until('there again', () => world.api.objects.get('configmaps', 'pg-etcd', NAMESPACE) !== undefined, 20_000);
    expect(get('configmaps', 'pg-etcd').data['initial-cluster-state']).toBe('existing');
  });

  test('a StatefulSet, with its pods', async () => {
    const before = get('sts', 'pg-haproxy').metadata.uid;
    await world.kube.delete(KINDS.StatefulSet, { namespace: NAMESPACE, name: 'pg-haproxy' });
    await world.until('there again', () => world.api.objects.get('sts', 'pg-haproxy', NAMESPACE) !== undefined && get('sts', 'pg-haproxy').metadata.uid !== before, 20_000);
  });
});

describe('what is not the operator’s is left alone', () => {
  test('a label and an annotation on a StatefulSet, and no pod restarts for them', async () => {
    const { generation } = get('sts', 'pg-postgres').metadata;
    world.invariants.watchPods();
    await merge('StatefulSet', 'pg-postgres', { metadata: { labels: { team: 'blue' }, annotations: { 'example.com/note': 'mine' } } });
    await world.pass(20_000);
    // The spec changes too, so that the operator applies the object.
    await world.patch({ spec: { postgres: { replicas: 4 } } });
    await world.until('settled', () => world.isSettled() && world.cluster().status?.ready === '4/4');
    expect(get('sts', 'pg-postgres').metadata).toMatchObject({ labels: { team: 'blue' }, annotations: { 'example.com/note': 'mine' } });
    expect(world.invariants.deleted()).toEqual([]);
    expect(get('sts', 'pg-postgres').metadata.generation).toBe((generation ?? 0) + 1);
  });

  test('another ConfigMap with the label of the cluster', async () => {
    await world.kube.create(KINDS.ConfigMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: NAMESPACE, labels: { 'patroni-operator.dev/cluster': 'pg' } } });
    await world.patch({ spec: { haproxy: { enabled: false } } });
    await world.until('pruned', () => world.api.objects.get('sts', 'pg-haproxy', NAMESPACE) === undefined);
    await world.until('settled', () => world.isSettled());
    expect(world.api.objects.get('configmaps', 'mine', NAMESPACE)).toBeDefined();
    const left = ['sts', 'services', 'configmaps', 'poddisruptionbudgets', 'networkpolicies'].flatMap((kind) => world.api.objects.list<{ metadata: { name: string } }>(kind, { namespace: NAMESPACE }).map(({ metadata }) => metadata.name));
    expect(left.filter((name) => ['pg-haproxy', 'pg-rw', 'pg-ro'].includes(name))).toEqual([]);
    expect(world.cluster().status?.endpoints).toEqual({ any: 'pg-r.shop.svc.cluster.local' });
    await world.patch({ spec: { haproxy: { enabled: true } } });
    await world.until('there again', () => world.isSettled() && world.cluster().status?.haproxy?.readyReplicas === 2);
  });

  test('a key of the dynamic configuration and a slot that others set', async () => {
    world.model().patchConfig({ maximum_lag_on_syncnode: 7, slots: { backup: { type: 'physical' } } });
    await world.patch({ spec: { postgres: { replicas: 3 } } });
    await world.until('scaled', () => world.isSettled() && world.cluster().status?.ready === '3/3');
    await world.until('slot gone', () => world.model().config?.['slots'] !== undefined && !('pg_postgres_3' in (world.model().config?.['slots'] as object)));
    expect(world.model().config).toMatchObject({ maximum_lag_on_syncnode: 7, slots: { backup: { type: 'physical' }, pg_postgres_0: { type: 'physical' }, pg_postgres_2: { type: 'physical' } } });
  });
});

test('volumes grow with the spec, and no pod restarts for it', async () => {
  const sizes = (): readonly string[] => world.api.objects.list<{ spec: { resources: { requests: { storage: string } } } }>('pvc', { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/component=postgres' }).map(({ spec }) => spec.resources.requests.storage);
  const { generation } = get('sts', 'pg-postgres').metadata;
  world.invariants.watchPods();
  await world.patch({ spec: { postgres: { storage: { size: '20Gi' } } } });
  await world.until('grown', () => world.isSettled() && sizes().every((each) => each === '20Gi'));
  expect([get('sts', 'pg-postgres').metadata.generation, world.invariants.deleted()]).toEqual([generation, []]);
  await expect(world.patch({ spec: { postgres: { storage: { size: '15Gi' } } } })).rejects.toMatchObject({ code: 'ERR_KUBE_INVALID' });
});

test('a changed configuration file reaches every member without a restart', async () => {
  const timeline = world.model().timeline;
  const tags = (): readonly unknown[] => world.model().members().map((member) => member.tags['config-hash']);
  const before = tags()[0];
  world.invariants.watchPods();
  await world.patch({ spec: { haproxy: { readOnly: { maxLag: '32Mi' } } } });
  await world.until('settled', () => world.isSettled());
  const pod = world.api.objects.mustGet<Stored>('pods', 'pg-haproxy-0', NAMESPACE);
  expect(pod.metadata.annotations?.[ANNOTATIONS.configHash]).toBeDefined();
  // A file from an older operator: its tag differs from the wanted one.
  world.model().member('pg-postgres-1')!.tags = { 'config-hash': 'older' };
  await world.until('reloaded', () => tags().every((tag) => tag === before), 60_000);
  expect([world.model().timeline, world.invariants.deleted()]).toEqual([timeline, []]);
});
