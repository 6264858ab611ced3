import { describe, expect } from '@jest/globals';

import { pod, pods, waitHealthy, waitStreaming, type Cluster } from './support/cluster.ts';
import { canBreakNodes, killPod, killPostmaster } from './support/faults.ts';
import { record, seconds } from './support/figures.ts';
import { kubectl, list, watchUntil, type WatchEvent } from './support/kubectl.ts';
import { waitFor } from './support/shell.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import type { Event, Pod } from './support/wire.ts';
import { underWriteLoad, type Gaps, type Writer } from './support/writer.ts';

const detail = (gaps: Gaps): string => `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}`;

/** Runs the fault against the primary and waits until the cluster is healthy again; returns the gap. */
async function disrupt(cluster: Cluster, writer: Writer, fault: (leader: string) => Promise<unknown>, leader: string): Promise<Gaps> {
  return writer.gapsDuring(async () => {
    await fault(leader);
    await waitHealthy(cluster, { timeoutMs: 150_000 });
  });
}

const removePod = (cluster: Cluster, name: string, ...flags: string[]): Promise<string> =>
  kubectl(['-n', cluster.namespace, 'delete', 'pod', name, '--wait=false', ...flags], { timeoutMs: 30_000 });

const removeByForce = (cluster: Cluster, name: string): Promise<string> => removePod(cluster, name, '--grace-period=0', '--force');

/** Waits until the pod of that name is another one than before and has another address. */
async function backUnderNewAddress(cluster: Cluster, before: Pod): Promise<void> {
  const again = await watchUntil(
    `${before.metadata.name} back under a new address`,
    { namespace: cluster.namespace, resource: 'pods', name: before.metadata.name },
    ({ type, object }: WatchEvent<Pod>) => (type !== 'DELETED' && object.metadata.uid !== before.metadata.uid && object.status.podIP !== undefined ? object : undefined),
    120_000,
  );
  expect(again.status.podIP).not.toBe(before.status.podIP);
}

/** Waits until the pod of that name has restarted its container, or is another one. */
async function restarted(cluster: Cluster, before: Pod): Promise<void> {
  const restarts = (pod: Pod) => pod.status.containerStatuses?.[0]?.restartCount ?? 0;
  await watchUntil(
    `${before.metadata.name} restarted`,
    { namespace: cluster.namespace, resource: 'pods', name: before.metadata.name },
    ({ object }: WatchEvent<Pod>) => (object.metadata.uid !== before.metadata.uid || restarts(object) > restarts(before) ? true : undefined),
    60_000,
  );
}

interface Loss {
  /** Names the writer. */
  readonly name: string;
  readonly title: string;
  readonly short: string;
  readonly fault: (cluster: Cluster, leader: string) => Promise<unknown>;
  /** Waits until the pod is back, from which on the time until all stream is measured. */
  readonly back: (cluster: Cluster, before: Pod) => Promise<void>;
}

/** Loses the primary's pod under write load; records the gap, and how long after the pod's return all replicas stream again. */
async function loseAndStream({ name, title, short, fault, back }: Loss): Promise<void> {
  const { cluster, health } = await sharedCluster();
  await underWriteLoad(cluster, { name }, async (writer) => {
    const before = await pod(cluster, health.leader);
    let streamingMs = Number.NaN;
    const loseAndWait = async (leader: string): Promise<void> => {
      await fault(cluster, leader);
      await back(cluster, before);
      const backMs = Date.now();
      await waitStreaming(cluster, 3, 120_000);
      streamingMs = Date.now() - backMs;
    };
    const gaps = await disrupt(cluster, writer, loseAndWait, health.leader);
    record({ figure: `write gap, ${title}`, value: seconds(gaps.worst), unit: 's', detail: detail(gaps) });
    record({ figure: `all replicas stream after the primary pod came back (${short})`, value: seconds(streamingMs), unit: 's', limit: 20 });
  });
}

describe('loss of Postgres pods under write load', () => {
  scenario('graceful delete of the primary pod hands over', async () => {
    const { cluster, health } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'graceful' }, async (writer) => {
      const gaps = await disrupt(cluster, writer, (leader) => removePod(cluster, leader), health.leader);
      record({ figure: 'write gap, graceful delete of the primary pod', value: seconds(gaps.worst), unit: 's', limit: 5, detail: detail(gaps) });
    });
    const { leader } = await waitHealthy(cluster);
    expect(leader).not.toBe(health.leader);
    await waitFor(
      'an event of the new leader',
      async () => ((await list<Event>(cluster.namespace, 'events')).some((event) => event.reason === 'LeaderElected' && (event.message ?? event.note ?? '').startsWith(`${leader} leads`)) ? true : undefined),
      { timeoutMs: 15_000 },
    );
  });

  scenario('forced delete of the primary pod loses no row, and the replicas stream from whoever leads', () =>
    loseAndStream({ name: 'forced', title: 'forced delete of the primary pod', short: 'forced delete', fault: removeByForce, back: backUnderNewAddress }),
  );

  scenario("SIGKILL of the primary's postmaster", async () => {
    const { cluster, health } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'postmaster' }, async (writer) => {
      const gaps = await disrupt(cluster, writer, (leader) => killPostmaster(cluster, leader), health.leader);
      record({ figure: "write gap, SIGKILL of the primary's postmaster", value: seconds(gaps.worst), unit: 's', limit: 8, detail: detail(gaps) });
    });
  });

  scenario(
    "SIGKILL of all processes of the primary's pod",
    () => loseAndStream({ name: 'processes', title: "SIGKILL of the primary pod's processes", short: 'SIGKILL', fault: killPod, back: restarted }),
    canBreakNodes() ? {} : { skip: 'needs the sandbox' },
  );

  // A replica that resolved the leader's name too early hangs in connect() to the old address: for over a minute without a limit on it.
  scenario(
    "SIGKILL of the primary's pod, which comes back under a new address",
    () =>
      loseAndStream({
        name: 'moved',
        title: 'SIGKILL of the primary pod, new address',
        short: 'new address',
        fault: async (cluster, leader) => {
          await killPod(cluster, leader);
          await removeByForce(cluster, leader);
        },
        back: backUnderNewAddress,
      }),
    canBreakNodes() ? {} : { skip: 'needs the sandbox' },
  );

  scenario('delete of all three Postgres pods at once', async () => {
    const { cluster } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'all' }, async (writer) => {
      const names = (await pods(cluster, 'postgres')).map((item) => item.metadata.name);
      const gaps = await writer.gapsDuring(async () => {
        const before = new Set((await pods(cluster, 'postgres')).map((item) => item.metadata.uid));
        await kubectl(['-n', cluster.namespace, 'delete', 'pod', ...names, '--wait=false'], { timeoutMs: 30_000 });
        // Not `kubectl delete --wait`: it has been seen to wait for a pod long after another had taken its name.
        await waitFor('new pods in place of all', async () => ((await pods(cluster, 'postgres')).every((item) => !before.has(item.metadata.uid)) ? true : undefined), { timeoutMs: 120_000 });
        await waitHealthy(cluster, { timeoutMs: 150_000 });
      });
      record({ figure: 'write gap, all three Postgres pods deleted', value: seconds(gaps.worst), unit: 's', detail: detail(gaps) });
    });
  });
});
