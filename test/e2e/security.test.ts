import { describe, expect } from '@jest/globals';

import { CLUSTER_LABEL } from '../../src/api/meta.ts';

import { pods } from './support/cluster.ts';
import { environment } from './support/environment.ts';
import { kubectl, list, tryKubectl } from './support/kubectl.ts';
import { operatorLog } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import type { Secret } from './support/wire.ts';

describe('security', () => {
  scenario('no Postgres, etcd or HAProxy pod mounts a Kubernetes token', async () => {
    const { cluster } = await sharedCluster();
    const all = [...(await pods(cluster, 'postgres')), ...(await pods(cluster, 'etcd')), ...(await pods(cluster, 'haproxy'))];
    expect(all).toHaveLength(8);
    for (const { metadata, spec } of all) {
      expect([metadata.name, spec.automountServiceAccountToken]).toEqual([metadata.name, false]);
      const tokens = (spec.volumes ?? []).filter((volume) => (volume.projected?.sources ?? []).some((source) => source.serviceAccountToken !== undefined));
      expect([metadata.name, tokens]).toEqual([metadata.name, []]);
      const mounts = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => container.volumeMounts ?? []);
      expect(mounts.filter((mount) => mount.mountPath.startsWith('/var/run/secrets/kubernetes.io'))).toEqual([]);
      const { code } = await tryKubectl(['-n', cluster.namespace, 'exec', metadata.name, '--', 'ls', '/var/run/secrets/kubernetes.io/serviceaccount/token']);
      expect([metadata.name, code === 0]).toEqual([metadata.name, false]);
    }
  });

  scenario('the Pod Security level restricted is enforced on the namespaces of the operator and of the clusters', async () => {
    const { cluster } = await sharedCluster();
    for (const namespace of [cluster.namespace, environment().operator.namespace]) {
      const labels = JSON.parse(await kubectl(['get', 'namespace', namespace, '-o', 'jsonpath={.metadata.labels}'])) as Record<string, string>;
      expect([namespace, labels['pod-security.kubernetes.io/enforce']]).toEqual([namespace, 'restricted']);
    }
    const { code, stderr } = await tryKubectl(['-n', cluster.namespace, 'run', 'intruder', '--image=scratch.invalid/none', '--privileged']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/violates PodSecurity "restricted/);
  });

  scenario('no password and no private key appears in logs, events, status, ConfigMaps or pod templates', async () => {
    const { cluster } = await sharedCluster();
    const { namespace } = cluster;
    const secrets = await list<Secret>(namespace, 'secrets', `${CLUSTER_LABEL}=${cluster.name}`);
    const hidden = secrets.flatMap(({ metadata, data }) =>
      Object.entries(data ?? {}).flatMap(([key, value]) => sensitiveTexts(key, value).map((text) => ({ where: `${metadata.name}/${key}`, text }))),
    );
    expect(hidden.length).toBeGreaterThanOrEqual(8);
    const texts: Record<string, string> = {
      'log of the operator': await operatorLog(),
      'objects': await kubectl(['-n', namespace, 'get', 'patroniclusters,patronioperations,configmaps,statefulsets,pods,services,events', '-o', 'json']),
      "events of the operator's namespace": await kubectl(['-n', environment().operator.namespace, 'get', 'events', '-o', 'json']),
    };
    for (const component of ['postgres', 'etcd', 'haproxy'] as const) {
      for (const { metadata } of await pods(cluster, component)) {
        texts[`log of ${metadata.name}`] = await kubectl(['-n', namespace, 'logs', metadata.name, '--all-containers']);
        texts[`processes of ${metadata.name}`] = await kubectl(['-n', namespace, 'exec', metadata.name, '--', 'sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "']).catch(() => '');
      }
    }
    const leaks = Object.entries(texts).flatMap(([where, text]) => hidden.filter((secret) => text.includes(secret.text)).map((secret) => `${secret.where} is in ${where}`));
    expect(leaks).toEqual([]);
  });
});

/** What would give a Secret's value away: passwords as they are and in base64, and a line from the middle of a private key. */
function sensitiveTexts(key: string, base64: string): readonly string[] {
  const value = Buffer.from(base64, 'base64').toString();
  if (key === 'password') return [value, base64];
  if (key.endsWith('.key')) return value.split('\n').filter((line) => line.length > 40 && !line.startsWith('-----')).slice(0, 2);
  return [];
}
