import type { OperatorConfig } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import type { KubeRest } from '../../kube/rest.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PatroniClients } from '../../patroni/client.ts';
import type { ensureApplicationDatabase, readSettings } from '../../postgres/client.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Kinds of child objects the controller caches; each carries the cluster label. */
export const CHILD_KINDS = ['StatefulSet', 'Pod', 'Service', 'ConfigMap', 'Secret', 'PersistentVolumeClaim', 'PodDisruptionBudget', 'NetworkPolicy', 'PatroniOperation'] as const;
export type ChildKind = (typeof CHILD_KINDS)[number];

/** The cached world. Secrets are metadata only. */
export interface ClusterCache {
  /** The PatroniCluster itself. */
  cluster(namespace: string, name: string): Manifest | undefined;
  /** How many clusters there are. */
  clusterCount(): number;
  /** Children of one kind of one cluster, by the cluster label. */
  children(kind: ChildKind, namespace: string, cluster: string): readonly Manifest[];
  /** `name@resourceVersion` of the same, without reading the objects. */
  versions(kind: ChildKind, namespace: string, cluster: string): readonly string[];
  child(kind: ChildKind, namespace: string, name: string): Manifest | undefined;
}

/** Random values, injected so that tests are repeatable. */
export interface Randomness {
  /** A password of 32 characters A-Z a-z 0-9 from a cryptographic source. */
  password(): string;
}

export interface ClusterControllerPorts {
  readonly rest: KubeRest;
  readonly cache: ClusterCache;
  readonly patroni: PatroniClients;
  readonly ensureApplicationDatabase: typeof ensureApplicationDatabase;
  readonly readSettings: typeof readSettings;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly logger: Logger;
  readonly operator: OperatorConfig;
}
