/** JSON values as they travel, and the few operations on them that everything here needs. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
/** Like `JsonObject`, for building one. */
export type Draft = Record<string, JsonValue>;

export const isRecord = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value when it is an object, else an empty one. */
export const asRecord = (value: unknown): JsonObject => (isRecord(value) ? value : {});

/** The value when it is an array, else an empty one. */
export const asArray = (value: unknown): readonly JsonValue[] => (Array.isArray(value) ? (value as readonly JsonValue[]) : []);

/** The value when it is a string, else ''. */
export const asString = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A scalar as text; '' for what is not one. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

export const clone = <T>(value: T): T => structuredClone(value);

/** Equality of JSON values: the order of object keys does not matter, absent and null differ. */
export const equal = (a: JsonValue | undefined, b: JsonValue | undefined): boolean => {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((each, i) => equal(each as JsonValue, b[i] as JsonValue));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
};

/** JSON text with sorted keys: equal values give equal text. */
export const canonical = (value: JsonValue | undefined): string => {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each as JsonValue)).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(',')}}`;
};

/** A copy without one key. */
export const without = (object: JsonObject, key: string): JsonObject => {
  const out: Draft = { ...object };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a plain data object
  delete out[key];
  return out;
};

/** The value at a path of keys, or undefined. */
export const at = (value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined => {
  let here: JsonValue | undefined = value;
  for (const key of path) here = isRecord(here) ? here[key] : undefined;
  return here;
};
