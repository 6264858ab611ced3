import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '../../contract/kube-api/client.ts';
import { setsIn, statefulSet } from '../../contract/kube-api/objects.ts';
import { startApiServer, type ApiServer } from './server.ts';
import { startWorkloads, type PodView, type Workloads } from './workloads.ts';

describe('workloads', () => {
  const sets = setsIn('default');
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  const database = (replicas = 3): object =>
    statefulSet('db', { replicas, podManagementPolicy: 'Parallel', updateStrategy: { type: 'OnDelete' }, volumeClaimTemplates: [claim] });
  const sick = new Set<string>();
  let api: ApiServer;
  let client: Client;
  let workloads: Workloads;
  beforeEach(async () => {
    sick.clear();
    api = await startApiServer({ now: () => 1_700_000_000_000 });
    client = new Client(api.kubeconfig());
    workloads = startWorkloads(api, { ready: (pod) => !sick.has(pod.metadata.name) });
  });
  afterEach(async () => {
    workloads.stop();
    await client.close();
    await api.stop();
  });
  const pods = (): PodView[] => api.objects.list<PodView>('pods');
  const status = (): object => api.objects.mustGet<{ status: object }>('sts', 'db').status;

  test('a StatefulSet gets ready pods with addresses and bound claims', async () => {
    await client.post(sets, database());
    await workloads.settled();
    expect(pods().map((pod) => pod.metadata.name)).toEqual(['db-0', 'db-1', 'db-2']);
    expect(new Set(pods().map((pod) => pod.status.podIP)).size).toBe(3);
    expect(pods()[0]).toMatchObject({
      metadata: { labels: { app: 'db', 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0' } },
      spec: {
        nodeName: 'node-1',
        hostname: 'db-0',
        subdomain: 'db',
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }],
      },
      status: { phase: 'Running', startTime: '2023-11-14T22:13:20Z' },
    });
    expect(api.objects.list('pvc')).toMatchObject([{ status: { phase: 'Bound', capacity: { storage: '1Gi' } } }, {}, {}]);
    expect(status()).toMatchObject({ replicas: 3, readyReplicas: 3, updatedReplicas: 3, observedGeneration: 1 });
  });

  test('a deleted pod comes back under another uid and address, on the same claim', async () => {
    await client.post(sets, database());
    await workloads.settled();
    const [before] = pods();
    await client.delete('/api/v1/namespaces/default/pods/db-0');
    await workloads.settled();
    const [after] = pods();
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.status.podIP).not.toBe(before?.status.podIP);
    expect(api.objects.list('pvc')).toHaveLength(3);
  });

  test('OnDelete keeps old pods until they are deleted; only those made later have the new revision', async () => {
    await client.post(sets, database());
    await workloads.settled();
    const first = status() as { updateRevision: string };
    await client.merge(`${sets}/db`, { spec: { template: { metadata: { annotations: { changed: 'yes' } } } } });
    await workloads.settled();
    const second = status() as { updateRevision: string; currentRevision: string };
    expect(second.updateRevision).not.toBe(first.updateRevision);
    expect(second.currentRevision).toBe(first.updateRevision);
    expect(second).toMatchObject({ currentReplicas: 3 });
    await client.delete('/api/v1/namespaces/default/pods/db-1');
    await workloads.settled();
    const revisions = pods().map((pod) => pod.metadata.labels['controller-revision-hash']);
    expect(revisions).toEqual([first.updateRevision, second.updateRevision, first.updateRevision]);
    expect(status()).toMatchObject({ updatedReplicas: 1, currentReplicas: 2, observedGeneration: 2 });
  });

  test('RollingUpdate replaces pods one after the other, while the rest is ready', async () => {
    await client.post(sets, statefulSet('db', { replicas: 3 }));
    await workloads.settled();
    sick.add('db-2');
    await client.merge(`${sets}/db`, { spec: { template: { metadata: { annotations: { changed: 'yes' } } } } });
    await workloads.settled();
    expect(status()).toMatchObject({ updatedReplicas: 1, readyReplicas: 2 });
    sick.clear();
    workloads.refresh();
    await workloads.settled();
    const { updateRevision, currentRevision } = status() as { updateRevision: string; currentRevision: string };
    expect(currentRevision).toBe(updateRevision);
    expect(status()).toMatchObject({ updatedReplicas: 3, readyReplicas: 3 });
  });

  test('scaling down takes the highest ordinals and leaves their claims', async () => {
    await client.post(sets, database());
    await workloads.settled();
    await client.merge(`${sets}/db/scale`, { spec: { replicas: 1 } });
    await workloads.settled();
    expect(pods().map((pod) => pod.metadata.name)).toEqual(['db-0']);
    expect(api.objects.list('pvc')).toHaveLength(3);
  });

  test('readiness follows the callback', async () => {
    sick.add('db-1');
    await client.post(sets, database());
    await workloads.settled();
    expect(status()).toMatchObject({ replicas: 3, readyReplicas: 2 });
    sick.clear();
    workloads.refresh();
    await workloads.settled();
    expect(status()).toMatchObject({ readyReplicas: 3 });
  });

  test('a restart keeps the pod and counts', async () => {
    await client.post(sets, database(1));
    await workloads.settled();
    const [before] = pods();
    workloads.restart('db-0');
    await workloads.settled();
    expect(pods()[0]).toMatchObject({
      metadata: { uid: before?.metadata.uid },
      status: { containerStatuses: [{ restartCount: 1, ready: true }] },
    });
  });

  test('an eviction is refused when the budget is used up', async () => {
    await client.post(sets, database());
    await client.post('/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'db' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'db' } } },
    });
    await workloads.settled();
    expect(api.objects.get('pdb', 'db')).toMatchObject({ status: { disruptionsAllowed: 1, currentHealthy: 3, expectedPods: 3 } });
    sick.add('db-2');
    workloads.refresh();
    await workloads.settled();
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'db-0' } };
    const { code, body } = await client.post('/api/v1/namespaces/default/pods/db-0/eviction', eviction);
    expect([code, body.reason]).toEqual([429, 'TooManyRequests']);
  });

  test('a Deployment brings up new pods before old ones go', async () => {
    const labels = { app: 'web' };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } },
      },
    };
    await client.post('/apis/apps/v1/namespaces/default/deployments', deployment);
    await workloads.settled();
    expect(api.objects.get('deploy', 'web')).toMatchObject({ status: { readyReplicas: 2, updatedReplicas: 2, observedGeneration: 1 } });
    const old = pods().map((pod) => pod.metadata.name);
    await client.merge('/apis/apps/v1/namespaces/default/deployments/web', {
      spec: { template: { metadata: { labels: { version: '2' } } } },
    });
    await workloads.settled();
    expect(pods()).toHaveLength(2);
    expect(pods().some((pod) => old.includes(pod.metadata.name))).toBe(false);
  });

  test('deleting a StatefulSet takes its pods along and leaves the claims', async () => {
    await client.post(sets, database());
    await workloads.settled();
    await client.delete(`${sets}/db`);
    await workloads.settled();
    expect(pods()).toEqual([]);
    expect(api.objects.list('pvc')).toHaveLength(3);
  });
});
