import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { type PodSpec, restrictedViolations } from '../../test/golden/pod-security.ts';
import { CLUSTER_LABEL } from '../api/meta.ts';
import type { Manifest } from '../api/objects.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { clusterObjects, type ObjectFacts } from './objects.ts';
import { offlineObjects } from './offline.ts';
import { secretPlan } from './secrets.ts';

const quantity = fc.constantFrom('256Mi', '1Gi', '2.5Gi', '900M');
const labelMap = fc.dictionary(
  fc.constantFrom('team', 'app.kubernetes.io/name', 'example.com/x', CLUSTER_LABEL),
  fc.constantFrom('a', 'b'),
  { maxKeys: 3 },
);
const podOptions = fc.option(fc.record({ labels: labelMap, annotations: labelMap, nodeSelector: labelMap }, { requiredKeys: [] }), {
  nil: undefined,
});

/** Specs over the fields that builders branch on. */
const specs = fc
  .record({
    replicas: fc.integer({ min: 1, max: 16 }),
    etcdReplicas: fc.constantFrom(1, 3, 5, 7),
    size: quantity,
    memory: quantity,
    haproxy: fc.boolean(),
    readOnly: fc.boolean(),
    application: fc.boolean(),
    networkPolicy: fc.boolean(),
    major: fc.constantFrom('14', '15', '16', '17', '18'),
    pod: podOptions,
  })
  .map((s) => ({
    versions: { postgres: s.major },
    postgres: {
      replicas: s.replicas,
      storage: { size: s.size },
      resources: { limits: { memory: s.memory, cpu: '1' } },
      ...(s.pod === undefined ? {} : { pod: s.pod }),
    },
    etcd: { replicas: s.etcdReplicas, storage: { size: s.size } },
    haproxy: { enabled: s.haproxy, readOnly: { enabled: s.readOnly } },
    application: { enabled: s.application },
    networkPolicy: { enabled: s.networkPolicy },
  }));

const facts = fc.record({ postgresReplicas: fc.integer({ min: 1, max: 16 }), etcdFormed: fc.boolean() });

function pods(objects: readonly Manifest[]): readonly PodSpec[] {
  return objects
    .filter(({ kind }) => kind === 'StatefulSet')
    .map((object) => (object['spec'] as { template: { spec: PodSpec } }).template.spec);
}

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

function kindsAndNames(objects: readonly Manifest[]): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
}

describe('for every spec', () => {
  test('equal specs give equal bytes, whatever the order of their keys', () => {
    fc.assert(
      fc.property(specs, facts, (spec, seen) => {
        const first = canonicalJson(clusterObjects(cluster(spec), seen));
        expect(canonicalJson(clusterObjects(cluster(reversed(spec) as Record<string, unknown>), seen))).toBe(first);
      }),
      { numRuns: 40 },
    );
  });

  test('every object carries the labels of the cluster, and every pod those that the selector asks for', () => {
    fc.assert(
      fc.property(specs, facts, (spec, seen) => {
        for (const object of [...clusterObjects(cluster(spec), seen), ...offlineObjects(cluster(spec))]) {
          expect(object.metadata.labels).toMatchObject({
            [CLUSTER_LABEL]: 'orders',
            'app.kubernetes.io/managed-by': 'patroni-operator',
            'app.kubernetes.io/instance': 'orders',
          });
          if (object.kind !== 'StatefulSet') continue;
          const { selector, template } = object['spec'] as {
            selector: { matchLabels: Record<string, string> };
            template: { metadata: { labels: Record<string, string> } };
          };
          expect(template.metadata.labels).toMatchObject(selector.matchLabels);
          expect(template.metadata.labels).toMatchObject({ 'app.kubernetes.io/name': 'patroni-cluster' });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('every pod passes Pod Security `restricted` and mounts no token', () => {
    fc.assert(
      fc.property(specs, facts, (spec, seen) => {
        expect(pods(clusterObjects(cluster(spec), seen)).flatMap(restrictedViolations)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('what pods mount and read exists: every Secret is planned, every ConfigMap and claim is built', () => {
    fc.assert(
      fc.property(specs, facts, (spec, seen) => {
        const c = cluster(spec);
        const objects = clusterObjects(c, seen);
        const known = new Set([...kindsAndNames(objects), ...secretPlan(c).map(({ name }) => `Secret/${name}`)]);
        for (const reference of pods(objects).flatMap(references)) expect(known).toContain(reference);
      }),
      { numRuns: 40 },
    );
  });

  test('no two objects share a kind and a name', () => {
    fc.assert(
      fc.property(specs, facts, (spec, seen) => {
        const all = kindsAndNames(clusterObjects(cluster(spec), seen));
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 40 },
    );
  });
});

/** Secrets and ConfigMaps that a pod refers to, as kind/name. */
function references(pod: PodSpec): readonly string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value as Record<string, { name?: string; secretName?: string }>)) {
      if (key === 'secret') found.push(`Secret/${inner.secretName ?? inner.name ?? ''}`);
      else if (key === 'configMap' || key === 'configMapKeyRef') found.push(`ConfigMap/${inner.name ?? ''}`);
      walk(inner);
    }
  };
  walk({ volumes: pod.volumes, containers: pod.containers });
  return found;
}

const FACTS: ObjectFacts = { postgresReplicas: 3, etcdFormed: false };

test('objects come in the order in which they can be applied: what pods mount and the Services before the StatefulSets', () => {
  const kinds = clusterObjects(cluster(), FACTS).map(({ kind }) => kind);
  expect([...new Set(kinds)]).toEqual(['ConfigMap', 'Service', 'PodDisruptionBudget', 'NetworkPolicy', 'StatefulSet']);
  expect(kinds).toEqual([...kinds].sort((a, b) => order(a) - order(b)));
});

function order(kind: string): number {
  return ['ConfigMap', 'Service', 'PodDisruptionBudget', 'NetworkPolicy', 'StatefulSet'].indexOf(kind);
}

test('the cluster owns everything but the latch of etcd, which outlives it', () => {
  const free = clusterObjects(cluster(), FACTS).filter(({ metadata }) => metadata.ownerReferences === undefined);
  expect(kindsAndNames(free)).toEqual(['ConfigMap/orders-etcd']);
  const owner = clusterObjects(cluster(), FACTS)[0]?.metadata.ownerReferences;
  expect(owner).toEqual([
    {
      apiVersion: 'patroni-operator.dev/v1alpha1',
      kind: 'PatroniCluster',
      name: 'orders',
      uid: cluster().uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
});

test('the latch of etcd flips from new to existing without a change of the pod template', () => {
  const before = clusterObjects(cluster(), FACTS);
  const after = clusterObjects(cluster(), { ...FACTS, etcdFormed: true });
  const state = (objects: readonly Manifest[]) =>
    (objects.find(({ metadata }) => metadata.name === 'orders-etcd')?.['data'] as Record<string, string>)['initial-cluster-state'];
  expect([state(before), state(after)]).toEqual(['new', 'existing']);
  expect(pods(after)).toEqual(pods(before));
});

test('scaling changes the number of pods and the list of servers, and no pod template', () => {
  const three = clusterObjects(cluster({ postgres: { replicas: 3 } }), FACTS);
  const four = clusterObjects(cluster({ postgres: { replicas: 4 } }), { ...FACTS, postgresReplicas: 4 });
  expect(pods(four)).toEqual(pods(three));
});

test('members that are still there while the cluster is scaled down stay in HAProxy', () => {
  const objects = clusterObjects(cluster({ postgres: { replicas: 1 } }), { postgresReplicas: 3, etcdFormed: true });
  const text = (
    objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'orders-haproxy')?.['data'] as Record<string, string>
  )['haproxy.cfg'];
  expect(text).toContain('server orders-postgres-2 ');
});

test('a grown volume leaves the claim template as it is', () => {
  const spec = { postgres: { storage: { size: '20Gi' } }, etcd: { storage: { size: '4Gi' } } };
  const objects = clusterObjects(cluster(spec), { ...FACTS, claimSizes: { postgres: '10Gi', etcd: '2Gi' } });
  const sizes = objects
    .flatMap(
      (object) => (object['spec'] as { volumeClaimTemplates?: { spec: { resources: unknown } }[] } | undefined)?.volumeClaimTemplates ?? [],
    )
    .map((claim) => claim.spec.resources);
  expect(sizes).toEqual([{ requests: { storage: '2Gi' } }, { requests: { storage: '10Gi' } }]);
});

test('no environment variable or argument holds or refers to a secret', () => {
  for (const pod of pods(clusterObjects(cluster(), FACTS))) {
    for (const { env = [], args = [] } of pod.containers) {
      expect(env.filter(({ valueFrom }) => valueFrom?.['secretKeyRef'] !== undefined)).toEqual([]);
      expect(env.filter(({ name }) => /PASS|TOKEN$|SECRET/.test(name) && !name.startsWith('ETCD_INITIAL_CLUSTER'))).toEqual([]);
      expect(args.filter((arg) => /pass|secret/i.test(arg))).toEqual([]);
    }
  }
});

test('the CA key and the HAProxy pods: no pod mounts the CA, and HAProxy gets no private key at all', () => {
  const objects = clusterObjects(cluster(), FACTS);
  expect(pods(objects).flatMap(references)).not.toContain('Secret/orders-ca');
  const haproxy = pods(objects.filter(({ metadata }) => metadata.name === 'orders-haproxy'));
  expect(JSON.stringify(haproxy)).not.toContain('tls.key');
});

test('an operator outside of the cluster is let in by certificate: its ports are open', () => {
  const { operatorPods: _, ...outside } = { ...OUTSIDE };
  const [, rest] = ingress(clusterObjects(cluster({}, outside), FACTS), 'orders-postgres');
  expect(rest?.['from']).toBeUndefined();
  const [, guarded] = ingress(clusterObjects(cluster(), FACTS), 'orders-postgres');
  expect(guarded?.['from']).toHaveLength(3);
});

const OUTSIDE = { images: { postgres: { '17': 'p' }, etcd: 'e', haproxy: 'h' }, clusterDomain: 'cluster.local', operatorPods: undefined };

function ingress(objects: readonly Manifest[], name: string): readonly Record<string, unknown>[] {
  const policy = objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name);
  return (policy?.['spec'] as { ingress: readonly Record<string, unknown>[] }).ingress;
}

test('without HAProxy there is no object of it and no Service that would need it', () => {
  const all = kindsAndNames(clusterObjects(cluster({ haproxy: { enabled: false } }), FACTS));
  expect(all.filter((name) => name.includes('haproxy') || /Service\/orders-(rw|ro)$/.test(name))).toEqual([]);
});
