import { OperatorError } from '../errors.ts';
import { kubeApiError } from './api-error.ts';
import type { Transport, TransportRequest } from './transport.ts';
import { apiVersionOf, resourcePath, type KubeObject, type ObjectRef, type PartialObjectMetadata, type ResourceKind } from './types.ts';
import { readWatch, type WatchEvent } from './watch-stream.ts';

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** @default 30_000 ms */
  readonly timeoutMs?: number;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  /** Only metadata: items are PartialObjectMetadata, and contents (of Secrets) never enter the process' cache. */
  readonly metadataOnly?: boolean;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last. */
  readonly continue?: string;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Streaming list: the present objects come first as ADDED, then a bookmark with `k8s.io/initial-events-end`. Kubernetes >= 1.34 by default. */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Who writes, for managedFields. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take fields over from other managers instead of failing with ERR_KUBE_CONFLICT. @default false */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Refused with ERR_KUBE_CONFLICT when the object is another one (uid) or has changed (resourceVersion). */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
}

/** `json`: RFC 6902, a list of operations. `merge`: RFC 7386, null deletes. */
export type Patch =
  | { readonly type: 'json'; readonly body: readonly unknown[] }
  | { readonly type: 'merge'; readonly body: Readonly<Record<string, unknown>> };

/** An object to send; `metadata.name` says which. */
export type ObjectToApply = KubeObject;

/**
 * Typed calls to the API server. Every refusal is an OperatorError with an ERR_KUBE_… code (see api-error.ts), with HTTP status, reason and
 * field causes in its facts. Objects are plain JSON.
 */
export interface KubeRest {
  get<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** As `get`, but undefined when the object does not exist. */
  find<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  /** Only the metadata. */
  getMetadata(kind: ResourceKind, ref: ObjectRef, options?: CallOptions): Promise<PartialObjectMetadata>;
  /** One page; without `limit`, everything. Items carry `apiVersion` and `kind`, which the wire leaves out. */
  list<T extends KubeObject>(kind: ResourceKind, options?: ListOptions): Promise<ListPage<T>>;
  create<T extends KubeObject>(kind: ResourceKind, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces the object (PUT); fails with ERR_KUBE_CONFLICT unless `metadata.resourceVersion` is the present one (when given). */
  update<T extends KubeObject>(kind: ResourceKind, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<T>;
  patchStatus<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<T>;
  /** Server-side apply: creates the object or sets exactly the given fields; fields applied before and now left out are removed. */
  apply<T extends KubeObject>(kind: ResourceKind, object: ObjectToApply, options: ApplyOptions): Promise<T>;
  applyStatus<T extends KubeObject>(kind: ResourceKind, object: ObjectToApply, options: ApplyOptions): Promise<T>;
  /** Whether there was something to delete: false when the object did not exist. */
  delete(kind: ResourceKind, ref: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** Deletes a pod by way of its disruption budgets. @throws ERR_KUBE_EVICTION_BLOCKED when one forbids it now */
  evict(pod: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** Events until the server ends the watch (then the iteration ends) or it fails (then it throws; ERR_KUBE_GONE: list again). */
  watch<T extends KubeObject>(kind: ResourceKind, options?: WatchOptions): AsyncGenerator<WatchEvent<T>>;
  /** `gitVersion` of the server, such as `v1.34.1`. Also a cheap proof that it answers. */
  serverVersion(options?: CallOptions): Promise<string>;
}

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const CONTENT_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export function createKubeRest(transport: Transport): KubeRest {
  const call = async (request: TransportRequest): Promise<unknown> => {
    const response = await transport.request(request);
    const target = { method: request.method, path: request.path.split('?', 1)[0] ?? '' };
    const body = parseBody(response.text);
    if (response.status >= 200 && response.status < 300) {
      if (typeof body === 'object' && body !== null) return body;
      throw new OperatorError('ERR_KUBE_PROTOCOL', { ...target, status: response.status });
    }
    throw kubeApiError(target, response.status, body);
  };

  const write = (
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    options: WriteOptions & { readonly force?: boolean },
    contentType = 'application/json',
  ) =>
    call({
      method,
      path: `${path}${query({ fieldManager: options.fieldManager, force: options.force, dryRun: options.dryRun === true ? 'All' : undefined })}`,
      headers: { 'content-type': contentType },
      body: JSON.stringify(body),
      ...callOptions(options),
    });

  const get = async <T>(kind: ResourceKind, ref: ObjectRef, options: CallOptions = {}) =>
    (await call({ method: 'GET', path: resourcePath(kind, ref), ...callOptions(options) })) as T;

  const apply = (kind: ResourceKind, object: ObjectToApply, options: ApplyOptions, subresource?: string) =>
    write('PATCH', resourcePath(kind, object.metadata, subresource), object, { force: false, ...options }, CONTENT_TYPES.apply);

  return {
    get,
    find: async <T>(kind: ResourceKind, ref: ObjectRef, options?: CallOptions) => {
      try {
        return await get<T>(kind, ref, options);
      } catch (e) {
        if (e instanceof OperatorError && (e as OperatorError).code === 'ERR_KUBE_NOT_FOUND') return undefined;
        throw e;
      }
    },
    getMetadata: async (kind, ref, options = {}) => {
      const object = await call({ method: 'GET', path: resourcePath(kind, ref), headers: { accept: PARTIAL }, ...callOptions(options) });
      return onlyMetadata(object as KubeObject);
    },
    list: async <T extends KubeObject>(kind: ResourceKind, options: ListOptions = {}) => {
      const path = `${resourcePath(kind, { namespace: options.namespace })}${listQuery(options)}`;
      const headers = options.metadataOnly === true ? { headers: { accept: PARTIAL_LIST } } : {};
      const body = await call({ method: 'GET', path, ...headers, ...callOptions(options) });
      return readPage<T>(kind, body, options);
    },
    create: async <T extends KubeObject>(kind: ResourceKind, object: T, options: WriteOptions = {}) =>
      (await write('POST', resourcePath(kind, { namespace: object.metadata.namespace }), object, options)) as T,
    update: async <T extends KubeObject>(kind: ResourceKind, object: T, options: WriteOptions = {}) =>
      (await write('PUT', resourcePath(kind, object.metadata), object, options)) as T,
    patch: async <T>(kind: ResourceKind, ref: ObjectRef, patch: Patch, options: WriteOptions = {}) =>
      (await write('PATCH', resourcePath(kind, ref), patch.body, options, CONTENT_TYPES[patch.type])) as T,
    patchStatus: async <T>(kind: ResourceKind, ref: ObjectRef, patch: Patch, options: WriteOptions = {}) =>
      (await write('PATCH', resourcePath(kind, ref, 'status'), patch.body, options, CONTENT_TYPES[patch.type])) as T,
    apply: async <T>(kind: ResourceKind, object: ObjectToApply, options: ApplyOptions) => (await apply(kind, object, options)) as T,
    applyStatus: async <T>(kind: ResourceKind, object: ObjectToApply, options: ApplyOptions) =>
      (await apply(kind, object, options, 'status')) as T,
    delete: (kind, ref, options = {}) =>
      unlessGone(
        call({
          method: 'DELETE',
          path: resourcePath(kind, ref),
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(deleteBody(options)),
          ...callOptions(options),
        }),
      ),
    evict: (pod, options = {}) => {
      const body = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod.name, namespace: pod.namespace },
        deleteOptions: deleteBody(options),
      };
      const kind = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
      const headers = { 'content-type': 'application/json' };
      const path = resourcePath(kind, pod, 'eviction');
      return unlessGone(
        call({ method: 'POST', path, headers, body: JSON.stringify(body), retryThrottled: false, ...callOptions(options) }),
      );
    },
    watch: (kind, options = {}) =>
      readWatch(transport, watchRequest(kind, options), options.metadataOnly === true ? onlyMetadata : undefined),
    serverVersion: async (options = {}) => {
      const version = (await call({ method: 'GET', path: '/version', ...callOptions(options) })) as { readonly gitVersion?: unknown };
      return typeof version.gitVersion === 'string' ? version.gitVersion : 'unknown';
    },
  };
}

/** An object without its contents, also when the server ignored the request for metadata only. */
export function onlyMetadata(object: KubeObject): PartialObjectMetadata {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: object.metadata };
}

function callOptions(options: CallOptions): Pick<TransportRequest, 'signal' | 'timeoutMs'> {
  return { signal: options.signal, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) };
}

function watchRequest(kind: ResourceKind, options: WatchOptions): TransportRequest {
  const search = query({
    watch: true,
    allowWatchBookmarks: true,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    sendInitialEvents: options.sendInitialEvents,
    resourceVersionMatch: options.sendInitialEvents === true ? 'NotOlderThan' : undefined,
    timeoutSeconds: options.timeoutSeconds,
  });
  return {
    method: 'GET',
    path: `${resourcePath(kind, { namespace: options.namespace })}${search}`,
    ...(options.metadataOnly === true ? { headers: { accept: PARTIAL } } : {}),
    signal: options.signal,
  };
}

function listQuery(options: ListOptions): string {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return query({ labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion, resourceVersionMatch });
}

function deleteBody(options: DeleteOptions): Record<string, unknown> {
  const { preconditions, propagationPolicy, gracePeriodSeconds } = options;
  return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy, gracePeriodSeconds };
}

async function unlessGone(deletion: Promise<unknown>): Promise<boolean> {
  try {
    await deletion;
    return true;
  } catch (e) {
    if (e instanceof OperatorError && (e as OperatorError).code === 'ERR_KUBE_NOT_FOUND') return false;
    throw e;
  }
}

function readPage<T extends KubeObject>(kind: ResourceKind, body: unknown, options: ListOptions): ListPage<T> {
  const { items, metadata } = body as {
    readonly items?: readonly KubeObject[] | null;
    readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  };
  // Inside a list the API server leaves out apiVersion and kind of the items.
  const named = (item: KubeObject): KubeObject =>
    options.metadataOnly === true ? onlyMetadata(item) : { ...item, apiVersion: apiVersionOf(kind), kind: kind.kind };
  const next = metadata?.continue;
  return {
    items: (items ?? []).map((item) => named(item) as T),
    resourceVersion: metadata?.resourceVersion ?? '',
    ...(next === undefined || next === '' ? {} : { continue: next }),
  };
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '') search.append(name, String(value));
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
