import { describe, expect } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';
import { names } from '../../src/api/names.ts';

import { podName, sqlOnLeader, waitHealthy, type Cluster } from './support/cluster.ts';
import { record, seconds } from './support/figures.ts';
import { kubectl, list, watchUntil } from './support/kubectl.ts';
import { finishedOperation, operationNames, requestSwitchover } from './support/operations.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import type { Item, OperationItem } from './support/wire.ts';
import { underWriteLoad } from './support/writer.ts';

const scale = (cluster: Cluster, replicas: number): Promise<string> => kubectl(['-n', cluster.namespace, 'scale', `patroni/${cluster.name}`, `--replicas=${replicas}`]);

const claims = async (cluster: Cluster): Promise<readonly string[]> =>
  (await list(cluster.namespace, 'persistentvolumeclaims')).map((claim) => claim.metadata.name).filter((name) => name.includes('-postgres-'));

/** Addresses of the members' Services, by name. */
async function addresses(cluster: Cluster): Promise<Readonly<Record<string, string | undefined>>> {
  const services = await list<Item & { readonly spec: { readonly clusterIP?: string } }>(cluster.namespace, 'services');
  return Object.fromEntries(services.filter(({ metadata }) => /-postgres-\d+$/.test(metadata.name)).map(({ metadata, spec }) => [metadata.name, spec.clusterIP]));
}

/** Slots that members left behind would keep WAL for ever. */
async function expectSlots(cluster: Cluster, leader: string, ordinals: readonly number[]): Promise<void> {
  const wanted = ordinals.map((ordinal) => podName(cluster, ordinal).replaceAll('-', '_')).filter((slot) => slot !== leader.replaceAll('-', '_'));
  await waitFor(
    `slots ${wanted.join(' ')}`,
    async () => {
      const slots = (await sqlOnLeader(cluster, "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'physical' ORDER BY 1")).split('\n').filter(Boolean);
      if (slots.join(' ') !== [...wanted].sort().join(' ')) throw new Error(`slots on ${leader}: ${slots.join(' ')}`);
      return true;
    },
    { timeoutMs: 45_000 },
  );
}

/** Seconds. A single switchover may take this much longer: see switchover.test.ts, where the usual gap is judged. */
const LOOP_WAIT = 5;

describe('scale', () => {
  scenario('kubectl scale goes 3 → 4 → 3 → 1 → 3 under write load and cleans up after itself', async () => {
    const { cluster } = await sharedCluster();
    const before = await addresses(cluster);
    await underWriteLoad(cluster, { name: 'scale' }, async (writer) => {
      const grow = await writer.gapsDuring(async () => {
        await scale(cluster, 4);
        await waitHealthy(cluster, { replicas: 4, timeoutMs: 90_000 });
      });
      expect(grow.worst).toBeLessThan(2_000);

      await scale(cluster, 3);
      const three = await waitHealthy(cluster, { replicas: 3, timeoutMs: 90_000 });
      await expectSlots(cluster, three.leader, [0, 1, 2]);
      expect(await claims(cluster)).toContain(names.volumeClaim(podName(cluster, 3)));

      // The member that has to go leads: it must hand over first.
      if (three.leader !== podName(cluster, 2)) {
        await kubectl(['-n', cluster.namespace, 'annotate', `patroni/${cluster.name}`, `${ANNOTATIONS.switchover}=${podName(cluster, 2)}`]);
        await waitFor('the highest member to lead', async () => ((await waitHealthy(cluster)).leader === podName(cluster, 2) ? true : undefined), { timeoutMs: 60_000 });
      }
      const known = new Set((await list<OperationItem>(cluster.namespace, 'patronioperations')).map((operation) => operation.metadata.uid));
      const shrink = await writer.gapsDuring(async () => {
        await scale(cluster, 1);
        await watchUntil(
          'a switchover for the scale-down',
          { namespace: cluster.namespace, resource: 'patronioperations' },
          ({ object }: { object: OperationItem }) => (!known.has(object.metadata.uid) && object.status?.phase === 'Succeeded' ? object : undefined),
          90_000,
        ).then((operation) => expect(operation.spec).toMatchObject({ requestedBy: 'ScaleDown', cluster: cluster.name }));
        const alone = await waitHealthy(cluster, { replicas: 1, timeoutMs: 120_000 });
        expect(alone.leader).toBe(podName(cluster, 0));
      });
      record({ figure: 'write gap, scale-down hands over', value: seconds(shrink.worst), unit: 's', limit: 3 + LOOP_WAIT, detail: `held ${seconds(shrink.held)}, reconnecting ${seconds(shrink.reconnecting)}` });
      await expectSlots(cluster, podName(cluster, 0), [0]);
      expect(await claims(cluster)).toEqual(expect.arrayContaining([0, 1, 2, 3].map((ordinal) => names.volumeClaim(podName(cluster, ordinal)))));

      await scale(cluster, 3);
      const again = await waitHealthy(cluster, { replicas: 3, timeoutMs: 120_000 });
      await expectSlots(cluster, again.leader, [0, 1, 2]);
      // The leader still remembers where the members were before they went.
      expect(await addresses(cluster)).toMatchObject(before);
      const finished = await operationNames(cluster);
      await requestSwitchover(cluster, podName(cluster, 1));
      expect((await finishedOperation(cluster, finished, 90_000)).status).toMatchObject({ phase: 'Succeeded', leaderAfter: podName(cluster, 1) });
      await waitHealthy(cluster);
    });
  }, { timeoutMs: 600_000 });
});
