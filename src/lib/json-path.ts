import { isJsonObject, type JsonObject } from './deep-merge.ts';

/** Keys from the root of a JSON object down to a value. Lists are values: no path leads into one. */
export type JsonPath = readonly string[];

/** `postgresql.parameters.work_mem`; a key that holds a dot or a bracket stands in brackets: `postgresql.parameters[pg_stat_statements.max]`. */
export function formatPath(path: JsonPath): string {
  return path.map((key, i) => (/[.[\]]/.test(key) || key === '' ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`)).join('');
}

/** Reads what `formatPath` writes; undefined when the text is no path (empty key, bracket that is not closed). */
export function parsePath(text: string): JsonPath | undefined {
  const path: string[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^(?:\[([^[\]]+)\]|([^.[\]]+))(\.(?=[^.[\]])|(?=\[)|$)/.exec(rest);
    if (match === null) return undefined;
    path.push(match[1] ?? match[2] ?? '');
    rest = rest.slice(match[0].length);
  }
  return path.length === 0 ? undefined : path;
}

/** What is at `path`; undefined when there is nothing, or when a list or scalar is in the way. */
export function valueAtPath(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((at, key) => (isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), value);
}

/** `object` without what is at `path`. An object that becomes empty by it goes as well, unless it was empty before. The argument is not changed. */
export function withoutPath(object: JsonObject, path: JsonPath): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(object, key)) return object;
  const { [key]: below, ...others } = object;
  if (rest.length === 0) return others;
  if (!isJsonObject(below)) return object;
  const kept = withoutPath(below, rest);
  if (kept === below) return object;
  return Object.keys(kept).length === 0 ? others : replaceKey(object, key, kept);
}

/** Nested objects along `path` with `value` at the end. */
export function atPath(path: JsonPath, value: unknown): JsonObject {
  return path.reduceRight<unknown>((below, key) => Object.fromEntries([[key, below]]), value) as JsonObject;
}

export interface Leaf {
  readonly path: JsonPath;
  /** A scalar, a list, null, or an empty object. */
  readonly value: unknown;
}

/** Every value that is not a non-empty object, with its path, in the order of the keys. */
export function leavesOf(object: JsonObject, above: JsonPath = []): readonly Leaf[] {
  return Object.entries(object).flatMap(([key, value]): readonly Leaf[] => {
    const path = [...above, key];
    return isJsonObject(value) && Object.keys(value).length > 0 ? leavesOf(value, path) : [{ path, value }];
  });
}

/** Whether `path` is `prefix` or below it. */
export function isWithin(path: JsonPath, prefix: JsonPath): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => path[i] === key);
}

/** The same keys in the same order, one of them with another value. */
function replaceKey(object: JsonObject, key: string, value: unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, k === key ? value : v]));
}
