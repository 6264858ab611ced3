/** Kubernetes objects as the JSON on the wire, and how their kinds are addressed. */

/** `T` as it is on the wire: dates are RFC 3339 strings. For `import type { V1Pod }` of @kubernetes/client-node, whose models say Date. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  /** Opaque: may only be compared for equality and sent back. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
}

/** Any Kubernetes object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** An object whose contents were not fetched: `kind` is `PartialObjectMetadata`. */
export interface PartialObjectMetadata extends KubeObject {
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly kind: 'PartialObjectMetadata';
}

/** Where a namespaced or cluster-wide object is. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

/** How a kind is addressed. `group` is empty for the core group. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

function kindOf(group: string, version: string, kind: string, plural: string, namespaced = true): ResourceKind {
  return { group, version, kind, plural, namespaced };
}

/** The kinds that the operator reads or writes. */
export const KINDS = {
  Namespace: kindOf('', 'v1', 'Namespace', 'namespaces', false),
  Node: kindOf('', 'v1', 'Node', 'nodes', false),
  Pod: kindOf('', 'v1', 'Pod', 'pods'),
  Service: kindOf('', 'v1', 'Service', 'services'),
  ConfigMap: kindOf('', 'v1', 'ConfigMap', 'configmaps'),
  Secret: kindOf('', 'v1', 'Secret', 'secrets'),
  PersistentVolumeClaim: kindOf('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  StatefulSet: kindOf('apps', 'v1', 'StatefulSet', 'statefulsets'),
  PodDisruptionBudget: kindOf('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  NetworkPolicy: kindOf('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  Event: kindOf('events.k8s.io', 'v1', 'Event', 'events'),
  Lease: kindOf('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  ValidatingWebhookConfiguration: kindOf('admissionregistration.k8s.io', 'v1', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', false),
  PatroniCluster: kindOf('patroni-operator.dev', 'v1alpha1', 'PatroniCluster', 'patroniclusters'),
  PatroniOperation: kindOf('patroni-operator.dev', 'v1alpha1', 'PatroniOperation', 'patronioperations'),
} as const;

/** `apiVersion` of a kind: `v1`, `apps/v1`. */
export function apiVersionOf(kind: ResourceKind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/**
 * URL path of a kind: its collection, or with `ref.name` one object. Without a namespace the collection spans all namespaces.
 * @throws TypeError when one object of a namespaced kind is asked for without its namespace: the URL would mean something else.
 */
export function resourcePath(
  kind: ResourceKind,
  ref: { readonly namespace?: string | undefined; readonly name?: string } = {},
  subresource?: string,
): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (ref.name !== undefined && kind.namespaced && ref.namespace === undefined)
    throw new TypeError(`${kind.kind} ${ref.name} has no namespace`);
  const namespace = kind.namespaced && ref.namespace !== undefined ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  const name = ref.name === undefined ? '' : `/${encodeURIComponent(ref.name)}`;
  return `${root}${namespace}/${kind.plural}${name}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** Key of an object in caches and queues: `namespace/name`, or `name` when it has no namespace. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace === undefined || ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`;
}

/** The inverse of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
