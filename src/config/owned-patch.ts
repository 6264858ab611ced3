import { canonicalJson } from '../lib/canonical-json.ts';
import { deepMerge, isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, type JsonPath, leavesOf, parsePath, withoutPath } from '../lib/json-path.ts';

/**
 * The three-way comparison of Patroni's dynamic configuration: what we set before, what is wanted, what is there. Keys that are neither wanted nor ours belong to somebody else
 * (`pause` by patronictl, a setting by a person) and are left alone.
 */
export interface DynamicConfigs {
  /** Paths that the operator has set and not yet taken away again. */
  readonly owned: readonly string[];
  readonly wanted: JsonObject;
  /** What `GET /config` of the leader says. */
  readonly live: JsonObject;
}

/**
 * The body for `PATCH /config`, or undefined when everything is as wanted. Null takes a key away; it is sent only for keys that are there, since Patroni stores a null inside a
 * map that does not exist yet.
 */
export function ownedPatch({ owned, wanted, live }: DynamicConfigs): JsonObject | undefined {
  const kept = owned.reduce<JsonObject>((below, text) => withoutPath(below, parsePath(text) ?? []), live);
  const target = deepMerge(kept, wanted);
  const patch = difference(live, target);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Paths of everything in `wanted`, in sorted order: what the operator owns once it is applied. */
export function ownedPaths(wanted: JsonObject): readonly string[] {
  return leavesOf(wanted).map(({ path }) => formatPath(path)).sort();
}

/** Paths of the dynamic configuration that neither the operator nor the spec has set. */
export function foreignPaths({ owned, wanted, live }: DynamicConfigs): readonly string[] {
  const ours = new Set([...owned, ...ownedPaths(wanted)]);
  return leavesOf(live).filter(({ path, value }) => !(isJsonObject(value) && Object.keys(value).length === 0) && !hasPrefixIn(ours, path)).map(({ path }) => formatPath(path)).sort();
}

function hasPrefixIn(paths: ReadonlySet<string>, path: JsonPath): boolean {
  return path.some((_, i) => paths.has(formatPath(path.slice(0, i + 1))));
}

function difference(live: JsonObject, target: JsonObject): Record<string, unknown> {
  const changes: [string, unknown][] = [];
  for (const [key, value] of Object.entries(target)) {
    const there = live[key];
    if (isJsonObject(there) && isJsonObject(value)) {
      const below = difference(there, value);
      if (Object.keys(below).length > 0) changes.push([key, below]);
    } else if (!Object.hasOwn(live, key) || !isSame(there, value)) {
      changes.push([key, value]);
    }
  }
  for (const key of Object.keys(live)) if (!Object.hasOwn(target, key)) changes.push([key, null]);
  return Object.fromEntries(changes);
}

/** As Patroni 4.1 `patch_config` compares, by text: it takes `25` for `"25"`, and a PATCH from one to the other changes nothing, for ever. */
export function isSame(there: unknown, wanted: unknown): boolean {
  if (typeof there === 'number' && typeof wanted === 'string') return String(there) === wanted;
  if (typeof there === 'string' && typeof wanted === 'number') return there === String(wanted);
  return canonicalJson(there ?? null) === canonicalJson(wanted ?? null);
}
