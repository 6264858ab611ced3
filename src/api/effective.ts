import { parseQuantity } from '../lib/quantity.ts';

import type { PatroniClusterObject } from './objects.ts';
import type { PatroniClusterSpec } from './patronicluster.ts';

/**
 * What the operator itself was configured with; the same for every cluster. Nothing in here may reach a Postgres or etcd pod template except through
 * `EffectiveCluster.images`, which is pinned per cluster.
 */
export interface OperatorConfig {
  /** Default images: PostgreSQL by major version. */
  readonly images: { readonly postgres: Readonly<Record<string, string>>; readonly etcd: string; readonly haproxy: string };
  /** DNS domain of the Kubernetes cluster, `cluster.local` by default. */
  readonly clusterDomain: string;
  /** Namespace and labels of the operator's own pods, for NetworkPolicies; absent when the operator runs outside the cluster. */
  readonly operatorPods?: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
}

/** Images that the existing StatefulSets of a cluster run, which win over the operator's defaults so that an operator upgrade restarts nothing. */
export interface PinnedImages {
  readonly postgres?: string;
  readonly etcd?: string;
  readonly haproxy?: string;
}

/** The spec with everything resolved: defaults applied, images chosen, quantities in bytes. The input of every builder. */
export interface EffectiveCluster {
  readonly name: string;
  readonly namespace: string;
  /** uid of the PatroniCluster; empty when rendering offline. */
  readonly uid: string;
  readonly clusterDomain: string;
  readonly spec: PatroniClusterSpec;
  readonly images: { readonly postgres: string; readonly etcd: string; readonly haproxy: string };
  /** Memory limit (or request) of a Postgres pod in bytes. */
  readonly postgresMemoryBytes: number;
  /** CPU limit of a Postgres pod in cores; absent when it has none. */
  readonly postgresCpus?: number;
  readonly postgresStorageBytes: number;
  readonly maxLagBytes?: number;
  readonly operatorPods?: OperatorConfig['operatorPods'];
}

/** Postgres listens here in every pod and Service (the read-only Service too: it is a Service of its own). */
export const POSTGRES_PORT = 5432;
export const ETCD_CLIENT_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
/** Plain-HTTP health and metrics of etcd (`--listen-metrics-urls`); carries no key space. */
export const ETCD_METRICS_PORT = 2381;

const DEFAULT_POSTGRES_MEMORY = '512Mi';

/**
 * Resolves a parsed spec. Precedence of images: `spec.images` > what the cluster already runs > the operator's default.
 * The caller has validated the cluster (`validate.ts`), so a missing image cannot happen and resolves to an empty string.
 */
export function effectiveCluster(cluster: PatroniClusterObject, operator: OperatorConfig, pinned: PinnedImages = {}): EffectiveCluster {
  const { spec, metadata } = cluster;
  const memory = spec.postgres.resources.limits?.['memory'] ?? spec.postgres.resources.requests?.['memory'] ?? DEFAULT_POSTGRES_MEMORY;
  const { maxLag } = spec.haproxy.readOnly;
  const cpus = parseQuantity(spec.postgres.resources.limits?.['cpu'] ?? '');
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid ?? '',
    clusterDomain: operator.clusterDomain,
    spec,
    images: {
      postgres: spec.images.postgres ?? pinned.postgres ?? operator.images.postgres[spec.versions.postgres] ?? '',
      etcd: spec.images.etcd ?? pinned.etcd ?? operator.images.etcd,
      haproxy: spec.images.haproxy ?? pinned.haproxy ?? operator.images.haproxy,
    },
    postgresMemoryBytes: bytesOf(memory),
    ...(cpus === undefined ? {} : { postgresCpus: cpus }),
    postgresStorageBytes: bytesOf(spec.postgres.storage.size),
    ...(maxLag === undefined ? {} : { maxLagBytes: bytesOf(maxLag) }),
    ...(operator.operatorPods === undefined ? {} : { operatorPods: operator.operatorPods }),
  };
}

/** The schema has checked the text, so anything that is no quantity cannot get here. */
function bytesOf(quantity: string): number {
  return parseQuantity(quantity) ?? 0;
}
