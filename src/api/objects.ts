import type { PatroniClusterSpec } from './patronicluster.ts';
import type { PatroniClusterStatus } from './status.ts';
import type { PatroniOperationSpec, PatroniOperationStatus } from './patronioperation.ts';

/** Kubernetes object metadata as on the wire: the fields the operator reads. Times are RFC 3339 strings. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A manifest the operator builds and applies. `spec`, `data` and the like are plain JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface PatroniClusterObject {
  readonly apiVersion: string;
  readonly kind: 'PatroniCluster';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: PatroniClusterSpec;
  readonly status?: PatroniClusterStatus;
}

export interface PatroniOperationObject {
  readonly apiVersion: string;
  readonly kind: 'PatroniOperation';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: PatroniOperationSpec;
  readonly status?: PatroniOperationStatus;
}
