import type { PatroniClusterSpec } from '../api/patronicluster.ts';
import { deepMerge, isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, isWithin, type JsonPath, leavesOf, parsePath, valueAtPath, withoutPath } from '../lib/json-path.ts';

/** Where a value of the user ends up: Patroni's dynamic configuration in etcd, or its local file. */
export type Target = 'dynamic' | 'local';

/** One source of configuration. Layers stand in the order of their strength, the strongest last. */
export interface Layer {
  /** Field of the spec that it comes from, such as `spec.patroni.config`. */
  readonly field: string;
  /** What it sets, with paths as the target has them. Null removes what weaker layers set. */
  readonly values: JsonObject;
  /** Path in the spec of what stands at `path` of the target. */
  readonly sourceOf: (path: JsonPath) => string;
}

/** Maps are merged, lists and scalars replace, null removes; of `strongest last` layers. Deterministic: keys of users come in sorted order. */
export function mergeLayers(base: JsonObject, layers: readonly Pick<Layer, 'values'>[]): JsonObject {
  return withoutNulls(layers.reduce<JsonObject>((below, { values }) => deepMerge(below, sorted(values)), base));
}

/** What the operator sets, without the paths in `spec.patroni.omit`. */
export function withOmissions(base: JsonObject, target: Target, omit: PatroniClusterSpec['patroni']['omit'] = []): JsonObject {
  return omit.reduce<JsonObject>((below, text) => {
    const path = omittedPath(text, target);
    return path === undefined ? below : withoutPath(below, path);
  }, base);
}

const IN_DYNAMIC: JsonPath = ['bootstrap', 'dcs'];

/** The path an omission means in a target. TPA's `bootstrap.dcs.…` means the dynamic configuration; other paths mean whichever has them. */
export function omittedPath(text: string, target: Target): JsonPath | undefined {
  const path = parsePath(text);
  if (path === undefined) return undefined;
  const isDynamicOnly = isWithin(path, IN_DYNAMIC);
  if (target === 'local') return isDynamicOnly ? undefined : path;
  return isDynamicOnly ? path.slice(IN_DYNAMIC.length) : path;
}

/** The layer that decides what stands at `path`: the strongest that sets it, something below it, or something other than a map above it. */
export function decidingLayer(layers: readonly Layer[], path: JsonPath): Layer | undefined {
  return [...layers].reverse().find(({ values }) => speaksOf(values, path));
}

function speaksOf(values: JsonObject, path: JsonPath): boolean {
  if (valueAtPath(values, path) !== undefined) return true;
  for (let length = path.length - 1; length > 0; length -= 1) {
    const above = valueAtPath(values, path.slice(0, length));
    if (above !== undefined) return !isJsonObject(above);
  }
  return false;
}

/** Layers of the user's free maps for one target, weakest first. */
export function userLayers(spec: PatroniClusterSpec, target: Target): readonly Layer[] {
  const { config = {}, dynamicConfig = {} } = spec.patroni;
  const below = (field: string) => (path: JsonPath) => formatPath([...field.split('.'), ...path]);
  if (target === 'local') {
    const values = placedLocally(config);
    return [{ field: 'spec.patroni.config', values, sourceOf: below('spec.patroni.config') }];
  }
  const fromFile = valueAtPath(config, IN_DYNAMIC);
  const placed = valueAtPath(config, PARAMETERS);
  return [
    { field: 'spec.postgres.parameters', values: parameters(spec.postgres.parameters), sourceOf: (path) => below('spec.postgres.parameters')(asWritten({ postgresql: { parameters: spec.postgres.parameters ?? {} } }, path).slice(2)) },
    { field: 'spec.patroni.config.bootstrap.dcs', values: lowerCaseParameters(isJsonObject(fromFile) ? fromFile : {}), sourceOf: (path) => below('spec.patroni.config.bootstrap.dcs')(asWritten(fromFile, path)) },
    { field: 'spec.patroni.dynamicConfig', values: lowerCaseParameters(dynamicConfig), sourceOf: (path) => below('spec.patroni.dynamicConfig')(asWritten(dynamicConfig, path)) },
    { field: 'spec.patroni.config.postgresql.parameters', values: parameters(isJsonObject(placed) ? placed : undefined), sourceOf: (path) => below('spec.patroni.config')(asWritten(config, path)) },
  ];
}

/** Path of the settings of PostgreSQL in both targets. */
export const PARAMETERS: JsonPath = ['postgresql', 'parameters'];

/** Name of the setting of PostgreSQL that stands at a path of the configuration, given as keys or as text (`formatPath`); undefined for every other key. */
export function settingAt(pathOrText: JsonPath | string): string | undefined {
  const path = typeof pathOrText === 'string' ? (parsePath(pathOrText) ?? []) : pathOrText;
  return path.length === PARAMETERS.length + 1 && isWithin(path, PARAMETERS) ? path.at(-1) : undefined;
}

/**
 * `config` without what belongs into the dynamic configuration. Settings of PostgreSQL go there because the local file would win over it for ever after, and because
 * Patroni ignores a dozen of them in the file (`ConfigHandler.CMDLINE_OPTIONS`).
 */
function placedLocally(config: JsonObject): JsonObject {
  return withoutPath(withoutPath(config, IN_DYNAMIC), PARAMETERS);
}

function parameters(settings: JsonObject | undefined): JsonObject {
  return settings === undefined || Object.keys(settings).length === 0 ? {} : { postgresql: { parameters: lowerCaseKeys(settings) } };
}

function lowerCaseParameters(values: JsonObject): JsonObject {
  const settings = valueAtPath(values, PARAMETERS);
  return isJsonObject(settings) ? deepMerge(withoutPath(values, PARAMETERS), parameters(settings)) : values;
}

/** PostgreSQL does not tell `TimeZone` from `timezone`; two layers that spell it differently must still meet. */
function lowerCaseKeys(settings: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The path with the name of a setting as the user spelled it. */
function asWritten(map: unknown, path: JsonPath): JsonPath {
  const [section = '', parameters = '', name, ...rest] = path;
  const settings = valueAtPath(map, PARAMETERS);
  if (name === undefined || !isWithin(path, PARAMETERS) || !isJsonObject(settings)) return path;
  return [section, parameters, Object.keys(settings).find((key) => key.toLowerCase() === name) ?? name, ...rest];
}

/** Keys in sorted order, all the way down: equal specs give equal bytes, however they were written. */
function sorted(value: JsonObject): JsonObject {
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, below]) => [key, isJsonObject(below) ? sorted(below) : below]));
}

function withoutNulls(object: JsonObject): JsonObject {
  const nulls = leavesOf(object).filter(({ value }) => value === null);
  return nulls.reduce<JsonObject>((kept, { path }) => withoutPath(kept, path), object);
}
