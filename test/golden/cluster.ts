import { type EffectiveCluster, effectiveCluster, type OperatorConfig } from '../../src/api/effective.ts';
import { parseCluster } from '../../src/api/validate.ts';

/** The operator as the golden files and the unit tests of the builders know it. */
const OPERATOR: OperatorConfig = {
  images: {
    postgres: Object.fromEntries(['14', '15', '16', '17', '18'].map((major) => [major, `registry.example/postgres:${major}`])),
    etcd: 'registry.example/etcd:3.6',
    haproxy: 'registry.example/haproxy:3.0',
  },
  clusterDomain: 'cluster.local',
  operatorPods: { namespace: 'patroni-operator', labels: { 'app.kubernetes.io/name': 'patroni-operator' } },
};

/** A manifest as a builder gets it: parsed, defaulted, resolved. Fails on a manifest that is not valid. */
export function resolve(manifest: unknown, operator: OperatorConfig = OPERATOR): EffectiveCluster {
  const { cluster, problems } = parseCluster(manifest);
  if (cluster === undefined || problems.length > 0) throw new Error(`not a valid manifest: ${JSON.stringify(problems)}`);
  return effectiveCluster(cluster, operator);
}

/** A cluster `orders` in namespace `shop` with this spec. */
export function cluster(spec: Readonly<Record<string, unknown>> = {}, operator: OperatorConfig = OPERATOR): EffectiveCluster {
  const metadata = { name: 'orders', namespace: 'shop', uid: '5d1cf1a8-6a6c-4f0e-8a8b-0f3c6a1f2b11' };
  return resolve({ apiVersion: 'patroni-operator.dev/v1alpha1', kind: 'PatroniCluster', metadata, spec }, operator);
}
