import { describe, expect } from '@jest/globals';

import { clusterItem, pods, waitHealthy } from './support/cluster.ts';
import { record, seconds } from './support/figures.ts';
import { kubectl } from './support/kubectl.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import { isReady } from './support/wire.ts';
import { underWriteLoad } from './support/writer.ts';

describe('loss of etcd pods under write load', () => {
  scenario('one etcd pod: writes go on', async () => {
    const { cluster, health } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'etcd-one' }, async (writer) => {
      const [victim] = await pods(cluster, 'etcd');
      const gaps = await writer.gapsDuring(async () => {
        await kubectl(['-n', cluster.namespace, 'delete', 'pod', victim?.metadata.name ?? '', '--timeout=60s'], { timeoutMs: 70_000 });
        await allReady();
      });
      record({ figure: 'write gap, one etcd pod deleted', value: seconds(gaps.worst), unit: 's', limit: 2, detail: `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}` });
    });
    const after = await waitHealthy(cluster);
    expect([after.leader, after.timeline]).toEqual([health.leader, health.timeline]);

    async function allReady(): Promise<void> {
      await waitFor('three etcd pods ready', async () => ((await pods(cluster, 'etcd')).filter(isReady).length === 3 ? true : undefined), { timeoutMs: 90_000 });
    }
  });

  scenario('all etcd pods at once: the data is kept and the cluster comes back as it was', async () => {
    const { cluster, health } = await sharedCluster();
    const { status } = await clusterItem(cluster);
    await underWriteLoad(cluster, { name: 'etcd-all' }, async (writer) => {
      const names = (await pods(cluster, 'etcd')).map((item) => item.metadata.name);
      const gaps = await writer.gapsDuring(async () => {
        await kubectl(['-n', cluster.namespace, 'delete', 'pod', ...names, '--timeout=90s'], { timeoutMs: 100_000 });
        await waitFor('three etcd pods ready', async () => ((await pods(cluster, 'etcd')).filter(isReady).length === 3 ? true : undefined), { timeoutMs: 120_000 });
        await waitHealthy(cluster);
      });
      record({ figure: 'write gap, all etcd pods deleted', value: seconds(gaps.worst), unit: 's', detail: `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}` });
    });
    const after = await waitHealthy(cluster);
    expect(after.timeline).toBeGreaterThanOrEqual(health.timeline);
    expect((await clusterItem(cluster)).status?.systemIdentifier).toBe(status?.systemIdentifier);
  });
});
