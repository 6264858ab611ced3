import { describe, expect } from '@jest/globals';

import { CLUSTER_LABEL } from '../../src/api/meta.ts';

import { clusterItem, pods, waitHealthy } from './support/cluster.ts';
import { waitApplied } from './support/configuration.ts';
import { record, seconds } from './support/figures.ts';
import { kubectl, watch } from './support/kubectl.ts';
import { operationNames, newOperations } from './support/operations.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import { isReady, type Pod } from './support/wire.ts';
import { underWriteLoad } from './support/writer.ts';

interface Deletion {
  readonly name: string;
  /** Pods of the component that were not ready when this one began to terminate, other than itself. */
  readonly alsoDown: readonly string[];
}

/** Follows the Postgres pods and notes the order in which they were taken down. */
function followDeletions(namespace: string, cluster: string): { readonly deletions: readonly Deletion[]; stop(): void } {
  const current = new Map<string, Pod>();
  const terminating = new Set<string>();
  const deletions: Deletion[] = [];
  const stream = watch<Pod>(
    { namespace, resource: 'pods', selector: `${CLUSTER_LABEL}=${cluster},app.kubernetes.io/component=postgres` },
    ({ type, object }) => {
      const { name, uid } = object.metadata;
      if (type === 'DELETED') {
        if (current.get(name)?.metadata.uid === uid) current.delete(name);
        return;
      }
      if (object.metadata.deletionTimestamp !== undefined && !terminating.has(uid)) {
        terminating.add(uid);
        deletions.push({ name, alsoDown: [0, 1, 2].map((ordinal) => `${cluster}-postgres-${ordinal}`).filter((other) => other !== name && !isUp(current.get(other))) });
      }
      current.set(name, object);
    },
  );
  return { deletions, stop: () => stream.stop() };
}

const isUp = (pod: Pod | undefined): boolean => pod !== undefined && isReady(pod);

/** Seconds. A single switchover may take this much longer: see switchover.test.ts, where the usual gap is judged. */
const LOOP_WAIT = 5;

describe('rolling restart', () => {
  scenario('a change of CPU and memory restarts the pods one at a time, replicas first, the leader last after a switchover', async () => {
    const { cluster, health } = await sharedCluster();
    const { namespace, name } = cluster;
    const before = new Map((await pods(cluster, 'postgres')).map((pod) => [pod.metadata.name, pod.metadata.uid]));
    const others = new Map([...(await pods(cluster, 'etcd')), ...(await pods(cluster, 'haproxy'))].map((pod) => [pod.metadata.name, pod.metadata.uid]));
    const known = await operationNames(cluster);
    const wanted = { requests: { cpu: '60m', memory: '144Mi' }, limits: { memory: '544Mi' } };
    const follow = followDeletions(namespace, name);
    try {
      await underWriteLoad(cluster, { name: 'rollout' }, async (writer) => {
        const gaps = await writer.gapsDuring(async () => {
          await kubectl(['-n', namespace, 'patch', 'patronicluster', name, '--type=merge', '-p', JSON.stringify({ spec: { postgres: { resources: wanted } } })]);
          await waitFor(
            'all Postgres pods replaced',
            async () => {
              const now = await pods(cluster, 'postgres');
              const old = now.filter((pod) => before.get(pod.metadata.name) === pod.metadata.uid || !isReady(pod));
              if (now.length !== 3 || old.length > 0) throw new Error(`still to come: ${old.map((pod) => pod.metadata.name).join(' ')}`);
              return true;
            },
            { timeoutMs: 300_000, everyMs: 1000 },
          );
          // More memory means more shared_buffers, for which PostgreSQL restarts in place once every pod has it.
          await waitApplied(cluster, 120_000);
          await waitHealthy(cluster);
        });
        record({ figure: 'write gap, rolling restart of all Postgres pods', value: seconds(gaps.worst), unit: 's', limit: 3 + LOOP_WAIT, detail: `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}` });
      });
    } finally {
      follow.stop();
    }
    expect(follow.deletions.map((deletion) => deletion.name)).toHaveLength(3);
    expect(follow.deletions.at(-1)?.name).toBe(health.leader);
    expect(follow.deletions.flatMap((deletion) => deletion.alsoDown)).toEqual([]);
    const operations = await newOperations(cluster, known);
    expect(operations.map((operation) => [operation.spec.requestedBy, operation.status?.phase])).toEqual([['Rollout', 'Succeeded']]);
    const container = (await pods(cluster, 'postgres')).map((pod) => pod.spec.containers[0]?.resources);
    for (const resources of container) expect(resources).toEqual(wanted);
    // The others have nothing to do with it.
    for (const pod of [...(await pods(cluster, 'etcd')), ...(await pods(cluster, 'haproxy'))]) expect([pod.metadata.name, pod.metadata.uid]).toEqual([pod.metadata.name, others.get(pod.metadata.name)]);
    const { metadata, status } = await clusterItem(cluster);
    expect(status?.observedGeneration).toBe(metadata.generation);
  }, { timeoutMs: 480_000 });
});
