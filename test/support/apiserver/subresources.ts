/** /scale and /eviction. */
import { ApiError, badRequest, notFound } from './api-error.ts';
import { asRecord, asString, at, isRecord, type Draft, type JsonObject, type JsonValue } from './json.ts';
import type { Resource } from './registry.ts';
import { remove } from './remove.ts';
import { selectorPredicate } from './selectors.ts';
import { metaOf, nameOf, namespaceOf } from './store.ts';
import { jsonPath } from './table.ts';
import type { World } from './world.ts';

const selectorText = (value: JsonValue | undefined): string => {
  if (!isRecord(value)) return asString(value);
  return Object.entries(asRecord(value['matchLabels']))
    .map(([key, each]) => `${key}=${asString(each)}`)
    .join(',');
};

/** autoscaling/v1 Scale of an object. */
export const scaleOf = (resource: Resource, object: JsonObject): JsonObject => {
  const paths = resource.scale;
  if (paths === undefined) throw badRequest('no scale subresource');
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metaOf(object);
  const metadata: Draft = {};
  for (const [key, value] of Object.entries({ name, namespace, uid, resourceVersion, creationTimestamp }))
    if (value !== undefined) metadata[key] = value;
  const selector = resource.custom
    ? paths.selector === undefined
      ? ''
      : asString(jsonPath(object, paths.selector))
    : selectorText(at(object, 'spec', 'selector'));
  const replicas = jsonPath(object, paths.spec);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata,
    spec: replicas === undefined ? {} : { replicas },
    status: { replicas: jsonPath(object, paths.status) ?? 0, ...(selector === '' ? {} : { selector }) },
  };
};

/** The object with the number of replicas that a Scale asks for. */
export const scaled = (resource: Resource, object: JsonObject, scale: JsonObject): JsonObject => {
  const replicas = at(scale, 'spec', 'replicas') ?? 0;
  const keys = (resource.scale?.spec ?? '').split('.').filter((each) => each !== '');
  const set = (here: JsonObject, [key, ...rest]: readonly string[]): JsonObject => {
    if (key === undefined) return here;
    return { ...here, [key]: rest.length === 0 ? replicas : set(asRecord(here[key]), rest) };
  };
  const { resourceVersion, uid } = metaOf(scale);
  const next = set(object, keys);
  return {
    ...next,
    metadata: { ...metaOf(next), ...(resourceVersion === undefined ? {} : { resourceVersion }), ...(uid === undefined ? {} : { uid }) },
  };
};

/** How many of a budget's pods may go now; undefined when the budget does not cover the pod. */
const allowedBy = (
  world: World,
  budget: JsonObject,
  pods: Resource,
): { readonly covers: (pod: JsonObject) => boolean; readonly allowed: number } => {
  const covers = selectorPredicate(at(budget, 'spec', 'selector'));
  const all = world.store.list(pods.store, namespaceOf(budget)).filter(covers);
  const healthy = all.filter((pod) => metaOf(pod)['deletionTimestamp'] === undefined && isReady(pod)).length;
  const share = (value: JsonValue | undefined, up: boolean): number => {
    if (typeof value !== 'string') return Number(value ?? 0);
    const part = (all.length * Number(value.replace('%', ''))) / 100;
    return up ? Math.ceil(part) : Math.floor(part);
  };
  const { minAvailable, maxUnavailable } = asRecord(budget['spec']);
  const allowed = minAvailable === undefined ? share(maxUnavailable, true) - (all.length - healthy) : healthy - share(minAvailable, true);
  return { covers, allowed: Math.max(0, allowed) };
};

const isReady = (pod: JsonObject): boolean => {
  const conditions = at(pod, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    (conditions as readonly JsonValue[]).some((each) => asRecord(each)['type'] === 'Ready' && asRecord(each)['status'] === 'True')
  );
};

/** Deletes a pod unless a disruption budget forbids it. */
export const evict = (world: World, pods: Resource, namespace: string, name: string, eviction: JsonObject): JsonObject => {
  const pod = world.store.get(pods.store, namespace, name);
  if (pod === undefined) throw notFound(pods, name);
  const budgets = world.store
    .list('policy/poddisruptionbudgets', namespace)
    .map((budget) => ({ budget, ...allowedBy(world, budget, pods) }));
  const blocking = budgets.find(({ covers, allowed }) => covers(pod) && allowed === 0 && isReady(pod));
  if (blocking !== undefined) {
    const message = `The disruption budget ${nameOf(blocking.budget)} needs more healthy pods`;
    throw new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: 'DisruptionBudget', message, field: '' }],
    });
  }
  remove(world, pods, pod, asRecord(eviction['deleteOptions']));
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
};
