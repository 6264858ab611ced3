import { describe, expect } from '@jest/globals';

import { pod, waitHealthy, waitStreaming, type Cluster, type Health } from './support/cluster.ts';
import { etcdLeader } from './support/etcd.ts';
import { canBreakNodes, startApiServer, stopApiServer, whileCut } from './support/faults.ts';
import { record, seconds } from './support/figures.ts';
import type { WriterLog } from './support/gaps.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { pause } from './support/shell.ts';
import { startWriter, type Gaps } from './support/writer.ts';

/** Long enough that a failover by the API server's node controller (NotReady after about 50 s) would show. */
const CUT_MS = 120_000;
/** Patroni's `ttl` as the operator sets it, in seconds. */
const TTL = 20;
/** Until the node controller takes the lost node's HAProxy out of the Services, in seconds. Until then each new connection falls to it with a chance of one half. */
const NOT_READY = 55;

const options = { ...(canBreakNodes() ? {} : { skip: 'needs the sandbox' }), timeoutMs: 480_000 };

describe('loss of the node of the primary', () => {
  scenario('cut off for 120 s', async () => {
    const { cluster, health } = await sharedCluster();
    await loseNode(cluster, health, { title: 'node cut', name: 'cut', apiServer: 'runs' });
  }, options);

  scenario('cut off for 120 s while the API server is stopped', async () => {
    const { cluster, health } = await sharedCluster();
    await loseNode(cluster, health, { title: 'node cut, API server stopped', name: 'cut-api', apiServer: 'stopped' });
  }, options);
});

interface Loss {
  readonly title: string;
  readonly name: string;
  readonly apiServer: 'runs' | 'stopped';
}

async function loseNode(cluster: Cluster, health: Health, loss: Loss): Promise<void> {
  const primary = await pod(cluster, health.leader);
  const node = primary.spec.nodeName ?? '';
  const address = primary.status.podIP ?? '';
  const etcdLoses = (await etcdLeader(cluster)).node === node ? 'its leader' : 'a follower';
  // The outer writers are where the applications are that survive; the inner one is beside the primary and keeps reaching it. Kubernetes sends connections to the Service
  // on to the HAProxy on the lost node as well until it knows better: who cannot have that connects by `failover-uri`.
  const outer = await startWriter(cluster, { name: `${loss.name}-outer`, awayFrom: node, uri: 'failover-uri' });
  const service = await startWriter(cluster, { name: `${loss.name}-service`, awayFrom: node });
  const inner = await startWriter(cluster, { name: `${loss.name}-inner`, node, address });
  try {
    let rejoinMs = Number.NaN;
    let gaps: Gaps | undefined;
    const byService = await service.gapsDuring(async () => {
      gaps = await outer.gapsDuring(async () => {
        const healedMs = await cutFor(CUT_MS, node, loss.apiServer);
        await waitStreaming(cluster, 3, 120_000);
        rejoinMs = Date.now() - healedMs;
      });
    });
    if (gaps === undefined) throw new Error('nothing was measured');
    const after = await waitHealthy(cluster, { timeoutMs: 180_000 });
    expect(after.leader).not.toBe(health.leader);
    expectNoTwoPrimaries(await inner.log(), await outer.log(), gaps.fromMs);
    expect([...(await outer.lostRows()), ...(await service.lostRows())]).toEqual([]);
    // Where the etcd leader was on the lost node, its successor gives every lease its ttl anew: some seconds more, by chance.
    record({ figure: `write gap, ${loss.title}`, value: seconds(gaps.worst), unit: 's', limit: TTL + 6, failAbove: TTL + 10, detail: `${gapsOf(gaps)}; etcd lost ${etcdLoses}` });
    record({ figure: `write gap, ${loss.title}, by the Service`, value: seconds(byService.worst), unit: 's', limit: TTL + 6, failAbove: TTL + NOT_READY, detail: gapsOf(byService) });
    record({ figure: `rejoin after healing, ${loss.title}`, value: seconds(rejoinMs), unit: 's', limit: 30 });
  } finally {
    for (const writer of [inner, outer, service]) await writer.remove();
  }
}

const gapsOf = ({ held, reconnecting }: Gaps): string => `held ${seconds(held)}, reconnecting ${seconds(reconnecting)}`;

/** Cuts the node off for that long; returns when everything was healed (ms). */
async function cutFor(cutMs: number, node: string, apiServer: Loss['apiServer']): Promise<number> {
  if (apiServer === 'stopped') await stopApiServer();
  try {
    await whileCut(node, () => pause(cutMs));
  } finally {
    if (apiServer === 'stopped') await startApiServer();
  }
  return Date.now();
}

/**
 * The cut-off primary goes on acknowledging for a while: it must have stopped when the new primary accepts its first row, which is where the longest gap of the outer
 * writer ends. The clocks of two pods are compared: in the sandbox they are one.
 */
function expectNoTwoPrimaries(inner: WriterLog, outer: WriterLog, cutMs: number): void {
  const times = outer.acknowledged.map((row) => row.atMs).filter((at) => at >= cutMs).sort((a, b) => a - b);
  const pairs = times.slice(1).map((at, i) => ({ at, gap: at - (times[i] ?? at) }));
  const newPrimaryMs = pairs.reduce((longest, pair) => (pair.gap > longest.gap ? pair : longest), { at: Number.NaN, gap: 0 }).at;
  const isolatedMs = Math.max(...inner.acknowledged.map((row) => row.atMs));
  record({ figure: 'from the last row of the cut-off primary to the first of the new one', value: seconds(newPrimaryMs - isolatedMs), unit: 's', detail: `it wrote for ${seconds(isolatedMs - cutMs)} s after the cut` });
  expect(isolatedMs).toBeLessThan(newPrimaryMs);
}
