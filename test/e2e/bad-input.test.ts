import { describe, expect } from '@jest/globals';

import { API_VERSION } from '../../src/api/meta.ts';

import { clusterItem, manifest, pods, SMALLEST, waitHealthy, type Cluster } from './support/cluster.ts';
import { apply, kubectl, list, tryKubectl } from './support/kubectl.ts';
import { inNamespace } from './support/namespaces.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';
import type { StatefulSet } from './support/wire.ts';

interface BadManifest {
  readonly title: string;
  readonly spec?: object;
  readonly name?: string;
  /** What kubectl must say: the path of the field, and what to do. */
  readonly says: RegExp;
}

const CREATIONS: readonly BadManifest[] = [
  { title: 'a text where a number belongs', spec: { postgres: { replicas: 'three' } }, says: /spec\.postgres\.replicas.*must be of type integer/ },
  { title: 'an unknown field', spec: { postgres: { replica: 3 } }, says: /unknown field "spec\.postgres\.replica"/ },
  { title: 'an even number of etcd members', spec: { etcd: { replicas: 2 } }, says: /spec\.etcd\.replicas.*must be odd.*use 1, 3, 5 or 7/ },
  { title: 'a name that is too long', name: 'a'.repeat(41), says: /metadata\.name.*at most 40 characters/ },
  { title: 'no member at all', spec: { postgres: { replicas: 0 } }, says: /spec\.postgres\.replicas.*greater than or equal to 1/ },
  { title: 'a storage size in GB', spec: { postgres: { storage: { size: '10GB' } } }, says: /spec\.postgres\.storage\.size.*such as 10Gi/ },
  { title: 'an unsupported PostgreSQL version', spec: { versions: { postgres: '12' } }, says: /spec\.versions\.postgres.*supported values: "14", "15", "16", "17", "18"/ },
  { title: 'one role for two purposes', spec: { patroni: { users: { replication: 'same', rewind: 'same' } } }, says: /spec\.patroni\.users.*three different roles/ },
  { title: 'a request above its limit', spec: { postgres: { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } } }, says: /spec\.postgres\.resources.*above the limit/ },
  { title: 'a DCS namespace without a slash', spec: { patroni: { dcsNamespace: 'tpa' } }, says: /spec\.patroni\.dcsNamespace.*slash/ },
  { title: 'a lag limit for no read-only traffic', spec: { haproxy: { readOnly: { enabled: false, maxLag: '16Mi' } } }, says: /spec\.haproxy\.readOnly.*maxLag/ },
  { title: 'an application owned by a system user', spec: { application: { owner: 'replicator' } }, says: /spec\.application\.owner.*role of its own/ },
];

const EDITS: readonly BadManifest[] = [
  { title: 'shrinking the storage', spec: { postgres: { storage: { size: '512Mi' } } }, says: /spec\.postgres\.storage\.size.*cannot shrink.*1Gi/ },
  { title: 'another DCS namespace', spec: { patroni: { dcsNamespace: '/other' } }, says: /spec\.patroni\.dcsNamespace.*cannot change.*\/tpa/ },
  { title: 'another storage class', spec: { postgres: { storage: { size: '1Gi', storageClassName: 'other' } } }, says: /spec\.postgres\.storage.*cannot change/ },
  { title: 'another locale', spec: { bootstrap: { initdb: { locale: 'C' } } }, says: /spec\.bootstrap.*cannot change/ },
  { title: 'another number of etcd members', spec: { etcd: { replicas: 5 } }, says: /spec\.etcd\.replicas.*cannot change/ },
  { title: 'another superuser', spec: { patroni: { users: { superuser: 'root' } } }, says: /spec\.patroni\.users\.superuser.*cannot change/ },
];

/** What an edit that is refused must not touch. */
async function fingerprint(cluster: Cluster): Promise<unknown> {
  const item = await clusterItem(cluster);
  const workloads = await list<StatefulSet>(cluster.namespace, 'statefulsets');
  const all = [...(await pods(cluster, 'postgres')), ...(await pods(cluster, 'etcd')), ...(await pods(cluster, 'haproxy'))];
  return { spec: item.spec, workloads: workloads.map(({ metadata, spec }) => [metadata.name, metadata.generation, spec]), pods: all.map(({ metadata }) => [metadata.name, metadata.uid]) };
}

describe('bad input', () => {
  scenario('twelve invalid manifests are refused at admission, each with the field and the remedy', async () => {
    await inNamespace('bad', async (namespace) => {
      const verdicts: string[] = [];
      for (const { title, spec, name, says } of CREATIONS) {
        const object = { apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: name ?? 'bad', namespace }, spec: spec ?? {} };
        const { code, stderr } = await tryKubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
        if (code === 0) verdicts.push(`${title}: accepted`);
        else if (!says.test(stderr)) verdicts.push(`${title}: says ${stderr.trim()}`);
        if (code === 0) await kubectl(['-n', namespace, 'delete', 'patronicluster', object.metadata.name, '--wait=false']);
      }
      expect(verdicts).toEqual([]);
    });
  });

  scenario('bad edits of a good cluster are refused and leave it untouched', async () => {
    const { cluster } = await sharedCluster();
    const before = await fingerprint(cluster);
    const verdicts: string[] = [];
    for (const { title, spec, says } of EDITS) {
      const { code, stderr } = await tryKubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=merge', '-p', JSON.stringify({ spec })]);
      if (code === 0) verdicts.push(`${title}: accepted`);
      else if (!says.test(stderr)) verdicts.push(`${title}: says ${stderr.trim()}`);
    }
    expect(verdicts).toEqual([]);
    expect(await fingerprint(cluster)).toEqual(before);
  });

  scenario('a Secret that does not exist is named in a condition, nothing changes, and it goes on once the Secret is there', async () => {
    await inNamespace('missing', async (namespace) => {
      const cluster = { name: 'needy', namespace };
      await apply(manifest(cluster, { ...SMALLEST, images: { pullSecrets: ['registry'] } }));
      const condition = await waitFor('condition SpecValid', async () => (await clusterItem(cluster)).status?.conditions?.find(({ type, status }) => type === 'SpecValid' && status === 'False'), { timeoutMs: 30_000 });
      expect(condition).toMatchObject({ reason: 'ReferenceMissing' });
      expect(condition.message).toMatch(/spec\.images\.pullSecrets.*registry/);
      expect(await list(namespace, 'statefulsets')).toEqual([]);
      await kubectl(['-n', namespace, 'create', 'secret', 'docker-registry', 'registry', '--docker-server=example.invalid', '--docker-username=nobody', '--docker-password=nothing']);
      await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `patronicluster/${cluster.name}`, '--timeout=120s'], { timeoutMs: 130_000 });
    });
  });

  scenario('an edit that only a look at the cluster can refuse leaves what runs alone', async () => {
    const { cluster } = await sharedCluster();
    const patch = (pullSecrets: readonly string[]) => kubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=merge', '-p', JSON.stringify({ spec: { images: { pullSecrets } } })]);
    const workloads = async () => (await list<StatefulSet>(cluster.namespace, 'statefulsets')).map(({ metadata }) => [metadata.name, metadata.generation]);
    const before = await workloads();
    await patch(['not-there']);
    try {
      await waitFor('condition SpecValid', async () => (await clusterItem(cluster)).status?.conditions?.find(({ type, status, reason }) => type === 'SpecValid' && status === 'False' && reason === 'ReferenceMissing'), { timeoutMs: 30_000 });
      expect(await workloads()).toEqual(before);
    } finally {
      await kubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=json', '-p', JSON.stringify([{ op: 'remove', path: '/spec/images/pullSecrets' }])]);
    }
    await waitHealthy(cluster);
    expect(await workloads()).toEqual(before);
  });
});
