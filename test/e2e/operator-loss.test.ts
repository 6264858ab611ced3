import { describe, expect } from '@jest/globals';

import { CLUSTER_LABEL } from '../../src/api/meta.ts';

import { manifest, waitHealthy, waitStreaming, leaderOf } from './support/cluster.ts';
import { record, seconds } from './support/figures.ts';
import { apply, kubectl, list, waitCondition, watchUntil, type WatchEvent } from './support/kubectl.ts';
import { inNamespace } from './support/namespaces.ts';
import { finishedOperation, newOperations, operationInPhase, operationNames, requestSwitchover } from './support/operations.ts';
import { killOperator, scaleOperator, waitOperator } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import type { Pod, Secret } from './support/wire.ts';
import { underWriteLoad } from './support/writer.ts';

/** Seconds. A single switchover may take this much longer: see switchover.test.ts, where the usual gap is judged. */
const LOOP_WAIT = 5;

describe('loss of the operator', () => {
  scenario('killed in the middle of a switchover, it is done exactly once and recorded', async () => {
    const { cluster, health } = await sharedCluster();
    await underWriteLoad(cluster, { name: 'operator' }, async (writer) => {
      const known = await operationNames(cluster);
      const gaps = await writer.gapsDuring(async () => {
        await requestSwitchover(cluster, 'any');
        await operationInPhase(cluster, known, ['Running', 'Succeeded'], 30_000);
        await killOperator();
        const operation = await finishedOperation(cluster, known, 120_000);
        expect(operation.status).toMatchObject({ phase: 'Succeeded', leaderBefore: health.leader });
      });
      record({ figure: 'write gap, switchover while the operator is killed', value: seconds(gaps.worst), unit: 's', limit: 3 + LOOP_WAIT, detail: `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}` });
      expect(await newOperations(cluster, known)).toHaveLength(1);
    });
    const after = await waitHealthy(cluster);
    expect(after.timeline).toBe(health.timeline + 1);
  });

  scenario('killed before it could act on the annotation, the switchover still happens exactly once', async () => {
    const { cluster, health } = await sharedCluster();
    const known = await operationNames(cluster);
    await requestSwitchover(cluster, 'any');
    await killOperator();
    const operation = await finishedOperation(cluster, known, 120_000);
    expect(operation.status?.phase).toBe('Succeeded');
    const after = await waitHealthy(cluster);
    expect(after.timeline).toBe(health.timeline + 1);
    expect(await newOperations(cluster, known)).toHaveLength(1);
  });

  scenario('killed again and again during the creation of a cluster, it finishes with the credentials of the beginning', async () => {
    await inNamespace('creation', async (namespace) => {
      const cluster = { name: 'fresh', namespace };
      const selector = `${CLUSTER_LABEL}=${cluster.name}`;
      const firstOf = (resource: string, wanted: (object: Pod) => boolean) =>
        watchUntil(`the first of ${resource}`, { namespace, resource, selector }, ({ object }: WatchEvent<Pod>) => (wanted(object) ? true : undefined), 90_000);
      await apply(manifest(cluster));
      await firstOf('secrets', () => true);
      await killOperator();
      await firstOf('statefulsets', () => true);
      await killOperator();
      const secrets = new Map((await list<Secret>(namespace, 'secrets', selector)).map((secret) => [secret.metadata.name, secret]));
      await firstOf('pods', (pod) => pod.metadata.labels?.['app.kubernetes.io/component'] === 'postgres' && pod.status.phase === 'Running');
      await killOperator();
      await waitCondition(namespace, `patronicluster/${cluster.name}`, 'Ready', 180_000);
      await waitHealthy(cluster);
      for (const secret of await list<Secret>(namespace, 'secrets', selector)) {
        const first = secrets.get(secret.metadata.name);
        if (first !== undefined) expect([secret.metadata.name, secret.metadata.uid, secret.data?.['password']]).toEqual([first.metadata.name, first.metadata.uid, first.data?.['password']]);
      }
    });
  });

  scenario('with the operator scaled to zero a killed primary is replaced and writes go on', async () => {
    const { cluster, health } = await sharedCluster();
    await scaleOperator(0);
    try {
      await underWriteLoad(cluster, { name: 'alone' }, async (writer) => {
        const gaps = await writer.gapsDuring(async () => {
          await kubectl(['-n', cluster.namespace, 'delete', 'pod', health.leader, '--wait=false']);
          await waitFor('a new leader', async () => ((await leaderOf(cluster)) === health.leader ? undefined : true), { timeoutMs: 60_000 });
          expect(await waitStreaming(cluster, 3, 120_000)).not.toBe(health.leader);
        });
        record({ figure: 'write gap, primary pod deleted without an operator', value: seconds(gaps.worst), unit: 's', limit: 5, detail: `held ${seconds(gaps.held)}, reconnecting ${seconds(gaps.reconnecting)}` });
      });
    } finally {
      await scaleOperator(1);
    }
    await waitOperator();
    expect((await waitHealthy(cluster)).leader).not.toBe(health.leader);
  });
});
