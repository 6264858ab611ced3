import { describe, expect } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';

import { clusterItem, leaderOf, pods, waitHealthy, type Cluster } from './support/cluster.ts';
import { annotate, patchSpec, settingEverywhere, startTimes, waitApplied, waitReason } from './support/configuration.ts';
import { record, seconds } from './support/figures.ts';
import { exec, kubectl } from './support/kubectl.ts';
import { whileLookingAtMembers } from './support/outages.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { pause, waitFor } from './support/shell.ts';
import { underWriteLoad, type Gaps, type Writer } from './support/writer.ts';

const REPLICAS = 3;

interface Change {
  readonly title: string;
  readonly parameters: Readonly<Record<string, number>> | null;
  /** The order in which PostgreSQL of the leader (L) and of the replicas (R) was last started. */
  readonly order: 'RRL' | 'LRR';
}

/** Applies the change and waits until every member runs with it; checks order, gaps and that never two members were away at once. */
async function change(cluster: Cluster, writer: Writer, { title, parameters, order }: Change): Promise<void> {
  const leader = await leaderOf(cluster);
  const before = await startTimes(cluster);
  let gaps: Gaps | undefined;
  const watched = await whileLookingAtMembers(cluster, REPLICAS, async () => {
    gaps = await writer.gapsDuring(async () => {
      await patchSpec(cluster, { postgres: { parameters } });
      await waitApplied(cluster, 180_000);
    });
  });
  expect(await restartsSince(cluster, before, leader)).toBe(order);
  expect(watched.looks).toBeGreaterThan(3);
  expect(watched.mostDown).toBeLessThanOrEqual(1);
  expect((await waitHealthy(cluster)).leader).toBe(leader);
  record({ figure: `write gap, ${title}`, value: seconds(gaps?.worst ?? Number.NaN), unit: 's', limit: 8 });
}

/** The order in which PostgreSQL of the members was last started, L for `leader` and R for a replica; each must have been since `before` was taken. */
async function restartsSince(cluster: Cluster, before: Readonly<Record<string, number>>, leader: string): Promise<string> {
  const after = await startTimes(cluster);
  for (const [name, startedAt] of Object.entries(after)) expect(startedAt).toBeGreaterThan(before[name] ?? Number.POSITIVE_INFINITY);
  return Object.entries(after).sort(([, a], [, b]) => a - b).map(([name]) => (name === leader ? 'L' : 'R')).join('');
}

async function waitRequestRemoved(cluster: Cluster): Promise<void> {
  await waitFor('the request removed', async () => ((await clusterItem(cluster)).metadata.annotations?.[ANNOTATIONS.restart] === undefined ? true : undefined), { timeoutMs: 30_000 });
}

describe('settings that need a restart', () => {
  scenario('max_connections goes up and down, and mixed with another, in the order PostgreSQL needs, and no acknowledged row is lost', async () => {
    const { cluster } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'restarts' }, async (writer) => {
      await change(cluster, writer, { title: 'max_connections raised', parameters: { max_connections: 120 }, order: 'RRL' });
      expect(await settingEverywhere(cluster, 'max_connections')).toEqual(['120', '120', '120']);
      await change(cluster, writer, { title: 'max_connections lowered', parameters: null, order: 'LRR' });
      expect(await settingEverywhere(cluster, 'max_connections')).toEqual(['100', '100', '100']);
      // Raised on the replicas first; what is lowered reaches them after the leader, in a second round.
      await change(cluster, writer, { title: 'max_connections raised and max_worker_processes lowered', parameters: { max_connections: 120, max_worker_processes: 12 }, order: 'LRR' });
      expect(await settingEverywhere(cluster, 'max_worker_processes')).toEqual(['12', '12', '12']);
      expect(await settingEverywhere(cluster, 'max_connections')).toEqual(['120', '120', '120']);
      await patchSpec(cluster, { postgres: { parameters: null } });
      await waitApplied(cluster, 180_000);
    });
  }, { timeoutMs: 600_000 });

  scenario('OnRequest leaves a change pending and explains it, and a later request finishes it', async () => {
    const { cluster } = await sharedCluster();
    const before = await startTimes(cluster);
    try {
      await patchSpec(cluster, { updateStrategy: { type: 'OnRequest' }, postgres: { parameters: { max_connections: 110 } } });
      // The members notice one after the other.
      const message = await waitFor('every member named', async () => {
        const item = await waitReason(cluster, 'PendingRestart', 'WaitingForRequest');
        const { message: text = '' } = item.status?.conditions?.find(({ type }) => type === 'PendingRestart') ?? {};
        return /max_connections 100 → 110 on .*-postgres-0, .*-postgres-1, .*-postgres-2/.test(text) ? text : undefined;
      }, { timeoutMs: 60_000 });
      expect(message).toContain(`kubectl annotate patroni ${cluster.name} -n ${cluster.namespace} ${ANNOTATIONS.restart}=pending`);
      await kubectl(['-n', cluster.namespace, 'wait', `patronicluster/${cluster.name}`, '--for=condition=Ready', '--timeout=30s']);
      expect(await startTimes(cluster)).toEqual(before);

      await annotate(cluster, 'restart', 'pending');
      await waitApplied(cluster, 120_000);
      expect(await settingEverywhere(cluster, 'max_connections')).toEqual(['110', '110', '110']);
      await waitRequestRemoved(cluster);
    } finally {
      await patchSpec(cluster, { updateStrategy: { type: 'Always' }, postgres: { parameters: null } });
    }
    await waitApplied(cluster, 180_000);
    await waitHealthy(cluster);
  });

  scenario('a setting that leaves the spec counts as applied only once nobody runs with it, and a request in the same edit restarts for it', async () => {
    const { cluster } = await sharedCluster();
    await patchSpec(cluster, { postgres: { parameters: { max_files_per_process: 1200 } } });
    await waitApplied(cluster, 120_000);
    expect(await settingEverywhere(cluster, 'max_files_per_process')).toEqual(['1200', '1200', '1200']);
    const leader = await leaderOf(cluster);
    const before = await startTimes(cluster);
    await kubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=merge', '-p', JSON.stringify({ metadata: { annotations: { [ANNOTATIONS.restart]: 'pending' } }, spec: { updateStrategy: { type: 'OnRequest' }, postgres: { parameters: null } } })]);
    try {
      await waitApplied(cluster, 120_000);
      expect(await settingEverywhere(cluster, 'max_files_per_process')).toEqual(['1000', '1000', '1000']);
      expect(await restartsSince(cluster, before, leader)).toBe('RRL');
      await waitRequestRemoved(cluster);
    } finally {
      await patchSpec(cluster, { updateStrategy: { type: 'Always' } });
    }
    await waitHealthy(cluster);
  }, { timeoutMs: 420_000 });

  scenario('a pause by hand survives and blocks restarts, and its end lets them happen', async () => {
    const { cluster } = await sharedCluster();
    const leader = await leaderOf(cluster);
    const patronictl = (...args: readonly string[]) => exec({ namespace: cluster.namespace, pod: leader }, ['patronictl', ...args], { timeoutMs: 60_000 });
    await patronictl('pause', '--wait');
    const before = await startTimes(cluster);
    try {
      await patchSpec(cluster, { postgres: { parameters: { max_connections: 130, work_mem: '10MB' } } });
      await waitReason(cluster, 'PendingRestart', 'PatroniPaused');
      expect(await settingEverywhere(cluster, 'work_mem')).toEqual(['10MB', '10MB', '10MB']);
      // Longer than an idle pass and than Patroni's loop: whoever would restart has had the chance.
      await pause(15_000);
      expect(await startTimes(cluster)).toEqual(before);
      expect((await clusterItem(cluster)).status?.conditions?.find(({ type }) => type === 'Paused')?.status).toBe('True');
    } finally {
      await patronictl('resume', '--wait');
    }
    await waitApplied(cluster, 180_000);
    expect(await settingEverywhere(cluster, 'max_connections')).toEqual(['130', '130', '130']);
    await patchSpec(cluster, { postgres: { parameters: null } });
    await waitApplied(cluster, 180_000);
    await waitHealthy(cluster);
    expect(await pods(cluster, 'postgres')).toHaveLength(REPLICAS);
  }, { timeoutMs: 480_000 });
});
