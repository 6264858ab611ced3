import { isJsonObject, type JsonObject } from './deep-merge.ts';
import { equalQuantities } from './quantity.ts';

/** What `isSubset` needs to be told about the shape of the objects. The defaults are those of the Kubernetes kinds the operator writes. */
export interface SubsetOptions {
  /** Below these keys, strings and numbers are quantities and compared by value (`1Gi` and `1024Mi` are equal). */
  readonly quantityKeys?: ReadonlySet<string>;
  /** Elements of a list are matched by the first of these keys that every element has, with no value twice; otherwise by position. */
  readonly listKeys?: readonly string[];
  /** Maps that the API server drops when they are empty. */
  readonly mapKeys?: ReadonlySet<string>;
  /** Fields whose absence means something else than `false`, `0` or the empty text: a zero in desired must be in live. */
  readonly pointerKeys?: ReadonlySet<string>;
  /** Lists of scalars whose order does not matter. */
  readonly setKeys?: ReadonlySet<string>;
}

/** `mountPath` stands before `name`: one volume may be mounted twice.. */
const LIST_KEYS = ['mountPath', 'devicePath', 'uid', 'name', 'type', 'key', 'containerPort', 'topologyKey', 'ip'] as const;
const QUANTITY_KEYS = new Set(['requests', 'limits', 'capacity', 'storage', 'sizeLimit', 'hard']);
const MAP_KEYS = new Set(['labels', 'annotations', 'nodeSelector', 'data', 'binaryData', 'matchLabels', 'requests', 'limits']);
const SET_KEYS = new Set(['finalizers', 'accessModes', 'policyTypes']);
/** Go pointers among the fields that the operator may set to a zero value (k8s.io/api/core/v1 and apps/v1 types.go). */
const POINTER_KEYS = new Set([
  'allowPrivilegeEscalation',
  'automountServiceAccountToken',
  'controller',
  'blockOwnerDeletion',
  'defaultMode',
  'enableServiceLinks',
  'fsGroup',
  'immutable',
  'maxUnavailable',
  'minAvailable',
  'optional',
  'partition',
  'privileged',
  'readOnlyRootFilesystem',
  'replicas',
  'revisionHistoryLimit',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'terminationGracePeriodSeconds',
]);

const DEFAULTS: Required<SubsetOptions> = {
  quantityKeys: QUANTITY_KEYS,
  listKeys: LIST_KEYS,
  mapKeys: MAP_KEYS,
  pointerKeys: POINTER_KEYS,
  setKeys: SET_KEYS,
};

/**
 * Whether every field of `desired` is in `live` with an equal value. `live` may have more: defaults of the API server, fields of other managers,
 * elements that others added to a keyed list. Lists without keys must be equal in length and element by element.
 */
export function isSubset(desired: unknown, live: unknown, options: SubsetOptions = {}): boolean {
  return firstDifference(desired, live, options) === undefined;
}

/**
 * Path of the first field of `desired` that `live` lacks or has otherwise, such as `spec.template.spec.containers[name=postgres].image`;
 * undefined when there is none. The path names keys, never values, so it can be logged.
 */
export function firstDifference(desired: unknown, live: unknown, options: SubsetOptions = {}): string | undefined {
  return differ(desired, live, { path: '', key: '', quantity: false }, { ...DEFAULTS, ...options });
}

interface Place {
  readonly path: string;
  /** Nearest object key; list elements carry the key of their list. */
  readonly key: string;
  readonly quantity: boolean;
}

function differ(desired: unknown, live: unknown, at: Place, options: Required<SubsetOptions>): string | undefined {
  if (desired === undefined) return undefined;
  if (live === undefined || live === null) return isDroppedZero(desired, at, options) ? undefined : at.path;
  if (isJsonObject(desired)) return isJsonObject(live) ? differObject(desired, live, at, options) : at.path;
  if (Array.isArray(desired)) return Array.isArray(live) ? differList(desired, live, at, options) : at.path;
  // Not Object.is: JSON writes -0 as 0.
  if (desired === live) return undefined;
  return at.quantity && isScalar(desired) && isScalar(live) && equalQuantities(desired, live) ? undefined : at.path;
}

/** The API server leaves out what equals the Go zero value, unless the field is a pointer: reading it back must not count as drift. */
function isDroppedZero(desired: unknown, at: Place, options: Required<SubsetOptions>): boolean {
  if (desired === null) return true;
  if (Array.isArray(desired)) return desired.length === 0;
  if (isJsonObject(desired)) return Object.keys(desired).length === 0 && options.mapKeys.has(at.key);
  return (desired === false || desired === 0 || desired === '') && !options.pointerKeys.has(at.key);
}

function differObject(desired: JsonObject, live: JsonObject, at: Place, options: Required<SubsetOptions>): string | undefined {
  for (const [key, value] of Object.entries(desired)) {
    const place = { path: at.path === '' ? key : `${at.path}.${key}`, key, quantity: at.quantity || options.quantityKeys.has(key) };
    const difference = differ(value, Object.hasOwn(live, key) ? live[key] : undefined, place, options);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function differList(
  desired: readonly unknown[],
  live: readonly unknown[],
  at: Place,
  options: Required<SubsetOptions>,
): string | undefined {
  if (options.setKeys.has(at.key)) return desired.every((item) => live.includes(item)) ? undefined : at.path;
  const key = options.listKeys.find((candidate) => isKeyOf(candidate, desired) && isKeyOf(candidate, live));
  if (key === undefined || desired.length === 0) return differByPosition(desired, live, at, options);
  const byKey = new Map(live.map((item) => [(item as JsonObject)[key], item]));
  for (const item of desired) {
    const id = (item as JsonObject)[key];
    const place = { ...at, path: `${at.path}[${key}=${String(id)}]` };
    const found = byKey.get(id);
    const difference = found === undefined ? place.path : differ(item, found, place, options);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function differByPosition(
  desired: readonly unknown[],
  live: readonly unknown[],
  at: Place,
  options: Required<SubsetOptions>,
): string | undefined {
  if (desired.length !== live.length) return at.path;
  for (const [index, item] of desired.entries()) {
    const difference = differ(item, live[index], { ...at, path: `${at.path}[${index}]` }, options);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Whether every element is an object that has a scalar `key`, with no value twice. An empty list fits any key. */
function isKeyOf(key: string, list: readonly unknown[]): boolean {
  const seen = new Set<unknown>();
  for (const item of list) {
    const id = isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : undefined;
    if (!isScalar(id) || seen.has(id)) return false;
    seen.add(id);
  }
  return true;
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
