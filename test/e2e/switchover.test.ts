import { describe, expect } from '@jest/globals';

import { ANNOTATIONS } from '../../src/api/meta.ts';

import { clusterItem, waitHealthy, type Cluster } from './support/cluster.ts';
import { record, seconds } from './support/figures.ts';
import { kubectl, list } from './support/kubectl.ts';
import { finishedOperation, operationNames, requestSwitchover } from './support/operations.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import type { Event } from './support/wire.ts';
import { underWriteLoad } from './support/writer.ts';

describe('switchover by annotation', () => {
  scenario('a named member, then any, takes over with a short write gap and a record of it', async () => {
    const { cluster, health } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'switchover' }, async (writer) => {
      let before = health;
      const worst: number[] = [];
      for (const kind of ['named', 'any', 'any'] as const) {
        const target = before.members.find((member) => member.name !== before.leader)?.name ?? '';
        let operation: Awaited<ReturnType<typeof finishedOperation>> | undefined;
        const gaps = await writer.gapsDuring(async () => {
          const known = await operationNames(cluster);
          await requestSwitchover(cluster, kind === 'named' ? target : 'any');
          operation = await finishedOperation(cluster, known, 90_000);
        });
        expect(operation?.spec).toMatchObject({ type: 'Switchover', requestedBy: 'Annotation', cluster: cluster.name });
        expect(operation?.status).toMatchObject({ phase: 'Succeeded', leaderBefore: before.leader, timelineBefore: before.timeline });
        const after = await waitHealthy(cluster);
        expect(after.leader).not.toBe(before.leader);
        if (kind === 'named') expect(after.leader).toBe(target);
        expect(after.timeline).toBe(before.timeline + 1);
        expect(operation?.status).toMatchObject({ leaderAfter: after.leader, timelineAfter: after.timeline });
        expect(Date.parse(operation?.status?.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(operation?.status?.startedAt ?? ''));
        const { metadata, status } = await clusterItem(cluster);
        expect(metadata.annotations ?? {}).not.toHaveProperty([ANNOTATIONS.switchover]);
        expect(status?.lastSwitchover).toMatchObject({ operation: operation?.metadata.name, phase: 'Succeeded' });
        worst.push(seconds(gaps.worst));
        before = after;
      }
      // The median: about one time in ten Patroni 4.1 misses that the lock was released and looks again after loop_wait (5 s).
      const median = [...worst].sort((a, b) => a - b)[1] ?? Number.NaN;
      record({ figure: 'write gap, switchover (median of three)', value: median, unit: 's', limit: 3, detail: `named ${worst[0] ?? ''}, any ${worst.slice(1).join(' and ')}` });
    });
  });

  const refusals = [
    { title: 'an unknown member', target: () => 'nobody-postgres-9', reason: 'TargetUnknown', message: /nobody-postgres-9 is not a member/ },
    { title: 'the current leader', target: (leader: string) => leader, reason: 'TargetIsLeader', message: /is the leader already/ },
    { title: 'a text that is no member name', target: () => 'No Such_Member!', reason: 'InvalidTarget', message: /cannot be the name of a member/ },
  ] as const;

  for (const { title, target, reason, message } of refusals) {
    scenario(`${title} is refused with a reason in the operation, an event and a condition`, async () => {
      const { cluster, health } = await sharedCluster();
      await expectRefusal(cluster, target(health.leader), reason, message);
      const after = await waitHealthy(cluster);
      expect([after.leader, after.timeline]).toEqual([health.leader, health.timeline]);
    });
  }

  scenario('a paused cluster refuses, and switches over again once resumed', async () => {
    const { cluster, health } = await sharedCluster();
    const patronictl = (verb: string) => kubectl(['-n', cluster.namespace, 'exec', health.leader, '--', 'patronictl', verb, '--wait', cluster.name], { timeoutMs: 60_000 });
    await patronictl('pause');
    try {
      await expectRefusal(cluster, 'any', 'ClusterPaused', /paused/);
      expect((await clusterItem(cluster)).status?.conditions).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'Paused', status: 'True' })]));
    } finally {
      await patronictl('resume');
    }
    const after = await waitHealthy(cluster);
    expect(after.leader).toBe(health.leader);
  });
});

async function expectRefusal(cluster: Cluster, target: string, reason: string, message: RegExp): Promise<void> {
  const known = await operationNames(cluster);
  await requestSwitchover(cluster, target);
  const operation = await finishedOperation(cluster, known, 30_000);
  expect(operation.status).toMatchObject({ phase: 'Rejected', reason });
  expect(operation.status?.message).toMatch(message);
  await waitFor(
    `event and condition of ${reason}`,
    async () => {
      const { metadata, status } = await clusterItem(cluster);
      const condition = status?.conditions?.find(({ type }) => type === 'Switchover');
      if (condition?.status !== 'False' || condition.reason !== reason) throw new Error(`condition: ${JSON.stringify(condition)}`);
      if (metadata.annotations?.[ANNOTATIONS.switchover] !== undefined) throw new Error('the annotation is still there');
      const events = await list<Event>(cluster.namespace, 'events');
      const told = events.filter((event) => message.test(event.message ?? event.note ?? ''));
      if (told.length === 0) throw new Error(`no event says it; events: ${events.map((event) => event.reason ?? '').join(' ')}`);
      return true;
    },
    { timeoutMs: 15_000 },
  );
}
