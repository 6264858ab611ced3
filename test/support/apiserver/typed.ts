/**
 * The four operations on typed values that server-side apply is made of: the set of fields in a value, the comparison of two, the merge of one
 * into another, and the removal of fields. After structured-merge-diff v6, `typed/{tofieldset,compare,merge,remove}.go`.
 */
import { FieldSet } from './field-set.ts';
import { canonical, equal, isRecord, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { ANY, resolve, shapeFor, type Shape } from './schema.ts';

type MapShape = Extract<Shape, { kind: 'map' }>;
type ListShape = Extract<Shape, { kind: 'list' }>;

/** A value that does not fit its schema, e.g. `.spec.foo: field not declared in schema`. */
export class TypedError extends Error {}

const fieldSchema = (shape: MapShape, key: string): JsonObject => shape.fields[key] ?? shape.values ?? ANY;

/** The path element of a list item, from its keys or its value. */
export const itemElement = (shape: ListShape, item: JsonValue): string => {
  if (shape.keys.length === 0) return `v:${JSON.stringify(item)}`;
  if (!isRecord(item)) throw new TypedError('associative list with keys may not have non-map elements');
  const properties = resolve(shape.items)['properties'];
  const keys: Draft = {};
  for (const key of [...shape.keys].sort()) {
    const schema = isRecord(properties) ? properties[key] : undefined;
    const value = item[key] ?? (isRecord(schema) ? resolve(schema)['default'] : undefined);
    if (value !== undefined) keys[key] = value;
  }
  if (Object.keys(keys).length === 0) {
    const names = shape.keys.map((key) => JSON.stringify(key)).join(' ');
    throw new TypedError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return `k:${canonical(keys)}`;
};

/** Every field that a value sets. Throws TypedError with all that does not fit the schema. */
export const fieldSetOf = (schema: JsonObject, value: JsonValue): FieldSet => {
  const set = new FieldSet();
  const errors: string[] = [];
  collect(schema, value, [], '', set, errors);
  const [only] = errors;
  if (only !== undefined) throw new TypedError(errors.length === 1 ? only : `errors:\n${errors.map((each) => `  ${each}`).join('\n')}`);
  return set;
};

const collect = (schema: JsonObject, value: JsonValue, path: readonly string[], text: string, set: FieldSet, errors: string[]): void => {
  const shape = shapeFor(schema, value);
  if (shape.kind === 'list' && Array.isArray(value) && !shape.atomic) {
    for (const [position, item] of (value as readonly JsonValue[]).entries()) {
      let element: string;
      try {
        element = itemElement(shape, item);
      } catch (error) {
        errors.push(`${text}: element ${position}: ${error instanceof Error ? error.message : String(error)}`);
        continue;
      }
      const keys = element.startsWith('k:') ? keysText(element) : `[=${element.slice(2)}]`;
      if (set.has([...path, element])) errors.push(`${text}: duplicate entries for key ${keys}`);
      collect(shape.items, item, [...path, element], `${text}${keys}`, set, errors);
      set.insert([...path, element]);
    }
    return;
  }
  if (shape.kind === 'map' && isRecord(value) && !shape.atomic) {
    for (const [key, child] of Object.entries(value)) {
      const known = shape.fields[key];
      if (known === undefined && shape.values === undefined) {
        errors.push(`${text}.${key}: field not declared in schema`);
        continue;
      }
      const below = [...path, `f:${key}`];
      collect(fieldSchema(shape, key), child, below, `${text}.${key}`, set, errors);
      if (child === null || (isRecord(child) && Object.keys(child).length === 0) || known === undefined) set.insert(below);
    }
    return;
  }
  const wrong = value === null ? undefined : misfit(schema, shape, value);
  if (wrong !== undefined) errors.push(`${text}: ${wrong}`);
  set.insert(path);
};

const keysText = (element: string): string => {
  const keys = JSON.parse(element.slice(2)) as Record<string, unknown>;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
};

/** Why a value cannot be of a shape at all. */
const misfit = (schema: JsonObject, shape: Shape, value: JsonValue): string | undefined => {
  const got = `got &value.valueUnstructured{Value:${typeof value === 'object' ? JSON.stringify(value) : String(value)}}`;
  if (shape.kind === 'list' && !Array.isArray(value)) return `expected list, ${got}`;
  if (shape.kind === 'map' && !isRecord(value)) return `expected map, ${got}`;
  if (shape.kind !== 'scalar') return undefined;
  const plain = resolve(schema);
  const type = plain['x-kubernetes-int-or-string'] === true || plain['format'] === 'int-or-string' ? '' : plain['type'];
  if (typeof value === 'object') return `expected scalar, ${got}`;
  if (type === 'string' && typeof value !== 'string') return `expected string, ${got}`;
  if (type === 'boolean' && typeof value !== 'boolean') return `expected boolean, ${got}`;
  return (type === 'integer' || type === 'number') && typeof value !== 'number' ? `expected numeric (int or float), ${got}` : undefined;
};

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What changed from one value to another. */
export const compare = (schema: JsonObject, before: JsonValue | undefined, after: JsonValue | undefined): Comparison => {
  const out: Comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareAt(schema, before, after, [], out);
  return out;
};

const isNothing = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0);

const compareAt = (
  schema: JsonObject,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: readonly string[],
  out: Comparison,
): void => {
  const shape = shapeFor(schema, after ?? before);
  const leaf = shape.kind === 'scalar' || shape.kind === 'any' || shape.atomic || (isNothing(before) && isNothing(after));
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
  else if (leaf && !equal(before, after)) out.modified.insert(path);
  if (leaf) return;
  if (shape.kind === 'list') {
    const [old, now] = [index(shape, before), index(shape, after)];
    for (const element of new Set([...old.keys(), ...now.keys()])) {
      compareAt(shape.items, old.get(element), now.get(element), [...path, element], out);
    }
    return;
  }
  const [old, now] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    compareAt(fieldSchema(shape, key), old[key], now[key], [...path, `f:${key}`], out);
  }
};

const index = (shape: ListShape, value: JsonValue | undefined): Map<string, JsonValue> => {
  const out = new Map<string, JsonValue>();
  if (Array.isArray(value)) for (const item of value as readonly JsonValue[]) out.set(itemElement(shape, item), item);
  return out;
};

/** The live value with an applied one laid over it. Items of keyed lists keep the order the applier gave them. */
export const merge = (schema: JsonObject, live: JsonValue | undefined, applied: JsonValue | undefined): JsonValue | undefined => {
  if (applied === undefined) return live;
  const shape = shapeFor(schema, applied);
  if (shape.kind === 'map' && !shape.atomic && isRecord(applied)) {
    const base = isRecord(live) ? live : {};
    const out: Draft = { ...base };
    for (const [key, value] of Object.entries(applied)) {
      const merged = merge(fieldSchema(shape, key), base[key], value);
      if (merged !== undefined) out[key] = merged;
    }
    return out;
  }
  if (shape.kind === 'list' && !shape.atomic && Array.isArray(applied)) return mergeLists(shape, Array.isArray(live) ? live : [], applied);
  return applied;
};

const mergeLists = (shape: ListShape, live: readonly JsonValue[], applied: readonly JsonValue[]): JsonValue => {
  const [left, right] = [index(shape, live), index(shape, applied)];
  const [leftKeys, rightKeys] = [[...left.keys()], [...right.keys()]];
  const shared = rightKeys.filter((key) => left.has(key));
  const done = new Set<string>();
  const out: JsonValue[] = [];
  const take = (key: string): void => {
    const merged = merge(shape.items, left.get(key), right.get(key));
    if (merged !== undefined) out.push(merged);
  };
  let [l, r] = [0, 0];
  while (l < leftKeys.length || r < rightKeys.length) {
    const [a, b] = [leftKeys[l], rightKeys[r]];
    if (a !== undefined && b !== undefined) {
      if (a === b) {
        done.add(a);
        take(a);
        l++;
        r++;
        shared.shift();
        continue;
      }
      if (right.has(a) && shared[0] !== undefined && shared[0] !== a) {
        l++;
        continue;
      }
    }
    if (a !== undefined) {
      if (!right.has(a)) {
        take(a);
        l++;
        continue;
      }
      if (done.has(a)) l++;
    }
    if (b !== undefined) {
      done.add(b);
      take(b);
      r++;
      if (shared[0] === b) shared.shift();
    }
  }
  return out;
};

/** The value without the fields of a set. Maps and lists that become empty go too. */
export const removeFields = (schema: JsonObject, value: JsonValue, set: FieldSet): JsonValue | undefined => {
  if (set.isEmpty()) return value;
  const shape = shapeFor(schema, value);
  if (shape.kind === 'map' && isRecord(value)) {
    if (shape.atomic || Object.keys(value).length === 0) return undefined;
    const out: Draft = {};
    for (const [key, child] of Object.entries(value)) {
      const element = `f:${key}`;
      if (set.members.has(element)) continue;
      const kept = removeFields(fieldSchema(shape, key), child, set.below(element));
      if (kept !== undefined) out[key] = kept;
    }
    return Object.keys(out).length > 0 ? out : undefined;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    if (shape.atomic) return undefined;
    const out: JsonValue[] = [];
    for (const item of value as readonly JsonValue[]) {
      const element = itemElement(shape, item);
      if (set.members.has(element)) continue;
      const kept = removeFields(shape.items, item, set.below(element));
      if (kept !== undefined) out.push(kept);
    }
    return out.length > 0 ? out : undefined;
  }
  return value;
};

/** The set with all named fields on the way to its members added (`spec`, but not the key of a free map). */
export const withNamedFields = (schema: JsonObject, set: FieldSet): FieldSet => {
  const shape = shapeFor(schema, undefined);
  const members = new Set(set.members);
  const children: (readonly [string, FieldSet])[] = [];
  for (const [element, below] of set.children) {
    const name = element.slice(2);
    let next = ANY;
    if (shape.kind === 'map' && element.startsWith('f:')) {
      if (shape.fields[name] !== undefined) members.add(element);
      next = fieldSchema(shape, name);
    } else if (shape.kind === 'list') next = shape.items;
    children.push([element, withNamedFields(next, below)]);
  }
  return new FieldSet(members, children);
};
