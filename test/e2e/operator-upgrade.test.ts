import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect } from '@jest/globals';

import { pods, waitHealthy, type Cluster } from './support/cluster.ts';
import { environment } from './support/environment.ts';
import { record } from './support/figures.ts';
import { list } from './support/kubectl.ts';
import { CHART, helm, operatorPods, waitOperator } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { pause, waitFor } from './support/shell.ts';
import { isReady, type StatefulSet } from './support/wire.ts';

/** What an upgrade of the operator must not change: every pod, every restart count, every template. */
async function fingerprint(cluster: Cluster): Promise<{ readonly pods: unknown; readonly workloads: unknown }> {
  const all = [...(await pods(cluster, 'postgres')), ...(await pods(cluster, 'etcd')), ...(await pods(cluster, 'haproxy'))];
  const workloads = await list<StatefulSet>(cluster.namespace, 'statefulsets');
  return {
    pods: all.map(({ metadata, status }) => [metadata.name, metadata.uid, status.containerStatuses?.map((container) => container.restartCount)]),
    workloads: workloads.map(({ metadata, spec, status }) => [metadata.name, metadata.generation, status.updateRevision, spec.template]),
  };
}

/** Waits until only pods of the image run the operator, then as long as a first pass over everything takes, the lapse of the old Lease included. */
async function settle(image: string | undefined): Promise<void> {
  await waitOperator();
  await waitFor(
    'the new operator alone',
    async () => {
      const running = (await operatorPods()).filter((pod) => pod.metadata.deletionTimestamp === undefined);
      return running.length === 1 && running.every((pod) => isReady(pod) && (image === undefined || pod.spec.containers[0]?.image === image)) ? true : undefined;
    },
    { timeoutMs: 90_000 },
  );
  await pause(30_000);
}

describe('upgrade of the operator', () => {
  scenario('a newer build with other default images, then a fresh installation, restart no database pod and change no template', async () => {
    const { cluster, health } = await sharedCluster();
    const { operator, nextOperatorImage, output } = environment();
    const release = ['--namespace', operator.namespace];
    const values = join(output, 'operator-values.yaml');
    mkdirSync(output, { recursive: true });
    const major = environment().helm['4'] === undefined ? '3' : '4';
    writeFileSync(values, await helm(major, ['get', 'values', operator.release, '-o', 'yaml', ...release]));
    const before = await fingerprint(cluster);

    const [repository, tag] = split(nextOperatorImage);
    const newer = [
      ...(repository === undefined ? [] : ['--set', `image.repository=${repository},image.tag=${tag ?? ''}`]),
      // A newer release brings newer defaults; these do not even exist.
      '--set', 'images.postgres.17=localhost/patroni-operator/postgres:17-newer,images.etcd=localhost/patroni-operator/etcd:newer,images.haproxy=localhost/patroni-operator/haproxy:newer',
      '--set', 'podAnnotations.e2e=upgraded',
    ];
    try {
      await helm(major, ['upgrade', operator.release, CHART(), ...release, '-f', values, ...newer, '--wait', '--timeout=120s']);
      await settle(nextOperatorImage);
      expect(await fingerprint(cluster)).toEqual(before);
      await helm(major, ['uninstall', operator.release, ...release, '--wait']);
      // CRDs, and with them the clusters, survive an uninstallation.
      expect(await fingerprint(cluster)).toEqual(before);
    } finally {
      await helm(major, ['upgrade', '--install', operator.release, CHART(), ...release, '-f', values, '--wait', '--timeout=120s']);
    }
    await settle(undefined);
    expect(await fingerprint(cluster)).toEqual(before);
    expect((await waitHealthy(cluster)).leader).toBe(health.leader);
    record({ figure: 'database pods restarted by two changes of the operator', value: 0, unit: 'pods', limit: 0 });
  }, { timeoutMs: 420_000 });
});

function split(image: string | undefined): readonly [string?, string?] {
  if (image === undefined) return [];
  const at = image.lastIndexOf(':');
  return [image.slice(0, at), image.slice(at + 1)];
}
