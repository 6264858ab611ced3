import { describe, expect } from '@jest/globals';

import { CLUSTER_LABEL } from '../../src/api/meta.ts';
import { names } from '../../src/api/names.ts';

import { clusterItem, createCluster, leaderOf, manifest, SMALLEST, sql, waitHealthy, type Cluster } from './support/cluster.ts';
import { apply, find, get, kubectl, list, waitCondition } from './support/kubectl.ts';
import { inNamespace } from './support/namespaces.ts';
import { scenario } from './support/scenario.ts';
import { waitFor } from './support/shell.ts';
import type { Secret } from './support/wire.ts';

const remove = (cluster: Cluster): Promise<string> =>
  kubectl(['-n', cluster.namespace, 'delete', 'patronicluster', cluster.name, '--timeout=120s'], { timeoutMs: 130_000 });

/** `Kind/name` of what a deleted cluster has left, once the pods are gone. */
async function leftovers(cluster: Cluster): Promise<readonly string[]> {
  const selector = `${CLUSTER_LABEL}=${cluster.name}`;
  await kubectl(['-n', cluster.namespace, 'wait', 'pods', '-l', selector, '--for=delete', '--timeout=120s'], { timeoutMs: 130_000 });
  const kinds = 'statefulsets,pods,services,configmaps,secrets,persistentvolumeclaims,poddisruptionbudgets,networkpolicies';
  return (await list(cluster.namespace, kinds, selector)).map((item) => `${item.kind ?? ''}/${item.metadata.name}`).sort();
}

describe('deletion', () => {
  scenario('Retain keeps volumes and credentials, and a new resource of the name takes them up again; Delete removes everything', async () => {
    await inNamespace('deletion', async (namespace) => {
      const cluster = { name: 'kept', namespace };
      await createCluster(cluster, SMALLEST);
      await sql(cluster, await leaderOf(cluster), 'CREATE TABLE memory (text text); INSERT INTO memory VALUES ($$still here$$); CHECKPOINT');
      const { status } = await clusterItem(cluster);
      const password = (await get<Secret>(namespace, 'secret', names.applicationSecret(cluster.name))).data?.['password'];

      await remove(cluster);
      const kept = await leftovers(cluster);
      expect(kept).toEqual(expect.arrayContaining([
        `PersistentVolumeClaim/${names.volumeClaim(names.pod(cluster.name, 'postgres', 0))}`,
        `PersistentVolumeClaim/${names.volumeClaim(names.pod(cluster.name, 'etcd', 0))}`,
        `Secret/${names.applicationSecret(cluster.name)}`,
        `Secret/${names.superuserSecret(cluster.name)}`,
        `Secret/${names.caSecret(cluster.name)}`,
      ]));
      // What has an owner goes by Kubernetes' garbage collector, a moment after the resource.
      await waitFor('everything that runs gone', async () => {
        const running = (await leftovers(cluster)).filter((item) => /^(StatefulSet|Pod|Service|PodDisruptionBudget|NetworkPolicy)\//.test(item));
        if (running.length > 0) throw new Error(running.join(', '));
        return true;
      }, { timeoutMs: 30_000 });

      await apply(manifest(cluster, { ...SMALLEST, deletionPolicy: 'Delete' }));
      await waitCondition(namespace, `patronicluster/${cluster.name}`, 'Ready', 120_000);
      await waitHealthy(cluster, { replicas: 1 });
      expect((await clusterItem(cluster)).status?.systemIdentifier).toBe(status?.systemIdentifier);
      expect(await sql(cluster, await leaderOf(cluster), 'SELECT text FROM memory')).toBe('still here');
      expect((await get<Secret>(namespace, 'secret', names.applicationSecret(cluster.name))).data?.['password']).toBe(password);

      await remove(cluster);
      await waitFor('nothing left', async () => {
        const left = await leftovers(cluster);
        if (left.length > 0) throw new Error(`left: ${left.join(' ')}`);
        return true;
      }, { timeoutMs: 60_000 });
      expect(await find(namespace, 'patronicluster', cluster.name)).toBeUndefined();
    });
  }, { timeoutMs: 480_000 });
});
