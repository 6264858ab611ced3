/** Group, versions and well-known names of the API. */
export const GROUP = 'patroni-operator.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Field manager of everything the cluster controller applies (server-side apply). */
export const FIELD_MANAGER = 'patroni-operator';

export const FINALIZER = `${GROUP}/finalizer`;

export const ANNOTATIONS = {
  /** On a PatroniCluster: `<member>` or `any`; asks for a switchover once, removed by the operator when accepted or refused. */
  switchover: `${GROUP}/switchover`,
  /** On a PatroniCluster: `pending` asks for the restarts that wait, whatever `updateStrategy` says except Never; removed by the operator when nothing waits any more. */
  restart: `${GROUP}/restart`,
  /** On every applied object: hash of what was applied, so that drift and removed fields are noticed without a read. */
  applied: `${GROUP}/applied`,
  /** On leaf certificate Secrets: RFC 3339 time of expiry, fingerprint of the issuing CA, and hash of the names, so that renewal is decided on metadata alone. */
  notAfter: `${GROUP}/not-after`,
  caFingerprint: `${GROUP}/ca-fingerprint`,
  subjectHash: `${GROUP}/subject-hash`,
  /** On pods: hash of a mounted ConfigMap; a change makes the kubelet refresh volumes at once instead of within a minute. */
  configHash: `${GROUP}/config-hash`,
  /** On pods: hash of the certificates that the member was last told to load. Absent on a pod that is younger than its certificates. */
  certificates: `${GROUP}/certificates`,
} as const;

/** `app.kubernetes.io/component` values. */
export type Component = 'postgres' | 'etcd' | 'haproxy';

/** Label that ties every object to its PatroniCluster; the informers select on it. */
export const CLUSTER_LABEL = `${GROUP}/cluster`;
