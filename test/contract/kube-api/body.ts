/**
 * The bodies that the suites look at, typed as if every field were there: a missing one fails the expectation that names it.
 * What may be absent where a test says so is marked optional.
 */

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
  readonly ownerReferences?: readonly { readonly name: string; readonly uid: string }[];
  readonly managedFields: readonly ManagedFields[];
  /** Of lists. */
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: object;
  readonly resources: object;
}

export interface Spec {
  readonly replicas: number;
  readonly clusterIP: string;
  readonly ports: readonly { readonly port: number }[];
  readonly users: readonly { readonly name: string }[];
  readonly nonsense?: unknown;
  readonly tls: object;
  readonly free: object;
  readonly template: { readonly spec: { readonly containers: readonly [Container, ...Container[]] } };
}

export interface DiscoveredResource {
  readonly name: string;
  readonly verbs: readonly string[];
}

export interface Body {
  readonly kind?: string;
  readonly apiVersion: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: { readonly replicas: number; readonly conditions: readonly Condition[] };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: object;
  readonly items: readonly Body[];
  /** Of a Status. */
  readonly message: string;
  readonly reason: string;
  readonly details: { readonly causes: readonly Cause[] };
  /** Of a Table. */
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly [{ readonly cells: readonly unknown[]; readonly object: object }];
  /** Of an APIResourceList. */
  readonly resources: readonly DiscoveredResource[];
  /** Of a group in aggregated discovery. */
  readonly versions: readonly [{ readonly resources: readonly object[] }];
}

/** What a suite sends. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: object;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly object[];
  };
  readonly spec?: object;
  readonly data?: Readonly<Record<string, string>>;
}
