import type { KubeObject, ObjectMeta } from './types.ts';

/**
 * What the caches leave out. A Pod is about 10 KB whole and under 2 KB trimmed; managedFields alone are a third.
 */

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** `object` without managedFields and kubectl's copy of the manifest; the default of every informer. */
export function trimObject<T extends KubeObject>(object: T): T {
  return { ...object, metadata: trimMetadata(object.metadata) };
}

/** `metadata` without managedFields and kubectl's copy of the manifest. */
function trimMetadata(metadata: ObjectMeta): ObjectMeta {
  const trimmed: ObjectMeta & { managedFields?: unknown; annotations?: Record<string, string> } = { ...metadata };
  delete trimmed.managedFields;
  if (trimmed.annotations?.[LAST_APPLIED] === undefined) return trimmed;
  const annotations = { ...trimmed.annotations };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant
  delete annotations[LAST_APPLIED];
  return { ...trimmed, annotations };
}

/** What is read of a Pod: where it runs, what it runs, and how it is. Shapes are those of core/v1. */
export interface TrimmedPod extends KubeObject {
  readonly kind: 'Pod';
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly image?: string;
      readonly resources?: Readonly<Record<string, unknown>>;
    }[];
  };
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly hostIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly PodCondition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly image?: string;
  readonly imageID?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

const STATUS_FIELDS = ['phase', 'reason', 'message', 'podIP', 'podIPs', 'hostIP', 'startTime'] as const;
const CONDITION_FIELDS = ['type', 'status', 'reason', 'message', 'lastTransitionTime'] as const;
const CONTAINER_STATUS_FIELDS = ['name', 'ready', 'started', 'restartCount', 'image', 'imageID', 'state', 'lastState'] as const;

type Json = Readonly<Record<string, unknown>>;

/** A Pod as the operator reads it. For pods only: an object that is compared with a manifest must keep its spec. */
export function trimPod(object: KubeObject): TrimmedPod {
  const { spec, status } = object as KubeObject & { readonly spec?: Json; readonly status?: Json };
  const trimmed = {
    apiVersion: object.apiVersion,
    kind: 'Pod',
    metadata: trimMetadata(object.metadata),
    spec: { ...pick(spec, ['nodeName']), containers: pickEach(spec?.['containers'], ['name', 'image', 'resources']) ?? [] },
    status: {
      ...pick(status, STATUS_FIELDS),
      ...optional('conditions', pickEach(status?.['conditions'], CONDITION_FIELDS)),
      ...optional('initContainerStatuses', pickEach(status?.['initContainerStatuses'], CONTAINER_STATUS_FIELDS)),
      ...optional('containerStatuses', pickEach(status?.['containerStatuses'], CONTAINER_STATUS_FIELDS)),
    },
  };
  return trimmed as TrimmedPod;
}

function pick(from: Json | undefined, fields: readonly string[]): Json {
  const picked: Record<string, unknown> = {};
  for (const field of fields) if (from?.[field] !== undefined) picked[field] = from[field];
  return picked;
}

function pickEach(list: unknown, fields: readonly string[]): readonly Json[] | undefined {
  return Array.isArray(list) ? list.map((item) => pick(item as Json, fields)) : undefined;
}

function optional(field: string, value: unknown): Json {
  return value === undefined ? {} : { [field]: value };
}
