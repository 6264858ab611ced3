import { canonicalJson } from '../lib/canonical-json.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, type JsonPath, leavesOf, valueAtPath } from '../lib/json-path.ts';

/** Comparisons of two states of a thing. All pure. */

/** One value that differs; a side without it has no value. */
export interface ValueChange {
  readonly path: JsonPath;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Leaves that differ, in the order of `after`, then those that went. */
export function changedValues(before: JsonObject, after: JsonObject): readonly ValueChange[] {
  const gone = leavesOf(before).filter(({ path }) => valueAtPath(after, path) === undefined);
  const here = leavesOf(after).filter(({ path, value }) => !isEqual(leafAt(before, path), value));
  return [
    ...here.map(({ path, value }): ValueChange => {
      const old = leafAt(before, path);
      return { path, ...(old === undefined ? {} : { before: old }), after: value };
    }),
    ...gone.map(({ path, value }): ValueChange => ({ path, before: value })),
  ];
}

/** Lines that came and went, in place; equal ones are left out. */
export function changedLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const [b, ...restBefore] = before;
  const [a, ...restAfter] = after;
  if (b === undefined) return after.map((line) => `+ ${line}`);
  if (a === undefined) return before.map((line) => `- ${line}`);
  if (a === b) return changedLines(restBefore, restAfter);
  // The line that appears again sooner is the one that stayed: files of a hundred lines need no longest common subsequence.
  const [laterInAfter, laterInBefore] = [restAfter.indexOf(b), restBefore.indexOf(a)];
  const isInserted = laterInAfter !== -1 && (laterInBefore === -1 || laterInAfter < laterInBefore);
  return isInserted ? [`+ ${a}`, ...changedLines(before, restAfter)] : [`- ${b}`, ...changedLines(restBefore, after)];
}

/** Where two JSON values differ: `spec.containers[postgres].resources.limits.memory`. Items of lists go by their name, or else by their place. */
export function changedPaths(before: unknown, after: unknown, path: JsonPath = []): readonly string[] {
  if (isEqual(before, after)) return [];
  const [a, b] = [named(before), named(after)];
  if (a === undefined || b === undefined) return [text(path)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => changedPaths(a[key], b[key], [...path, key]));
}

function text(path: JsonPath): string {
  return formatPath(path).replaceAll('[[', '[').replaceAll(']]', ']');
}

/** A list as an object with keys such as `[postgres]`; undefined for what is no container. */
function named(value: unknown): JsonObject | undefined {
  if (isJsonObject(value)) return value;
  if (!Array.isArray(value)) return undefined;
  return Object.fromEntries(
    (value as readonly unknown[]).map((item, i) => [
      `[${isJsonObject(item) && typeof item['name'] === 'string' ? item['name'] : String(i)}]`,
      item,
    ]),
  );
}

function leafAt(object: JsonObject, path: JsonPath): unknown {
  const value = valueAtPath(object, path);
  return isJsonObject(value) && Object.keys(value).length > 0 ? undefined : value;
}

export function isEqual(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b);
}
