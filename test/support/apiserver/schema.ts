/** OpenAPI schemas as server-side apply, validation and defaulting look at them: references resolved, list and map kinds named. */
import { BUILTIN_SCHEMAS_JSON } from './builtin-schemas.ts';
import { asArray, asRecord, asString, isRecord, type JsonObject, type JsonValue } from './json.ts';

const builtin = JSON.parse(BUILTIN_SCHEMAS_JSON) as {
  readonly kinds: Record<string, string>;
  readonly definitions: Record<string, JsonObject>;
};

/** Follows `$ref`; what stands beside the reference (a default, a list kind) wins. */
export const resolve = (schema: JsonObject): JsonObject => {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const known = resolved.get(schema);
  if (known !== undefined) return known;
  const { $ref: _, ...beside } = schema;
  const out = { ...resolve(builtin.definitions[reference] ?? {}), ...beside };
  resolved.set(schema, out);
  return out;
};
const resolved = new WeakMap<JsonObject, JsonObject>();

const META: JsonObject = { $ref: 'meta.v1.ObjectMeta' };

/** The schema of a built-in kind, by `group/version/Kind`. */
export const builtinSchema = (group: string, version: string, kind: string): JsonObject | undefined => {
  const name = builtin.kinds[`${group}/${version}/${kind}`];
  return name === undefined ? undefined : { $ref: name };
};

/** The schema of a custom resource with its type and object metadata filled in. */
export const withObjectMeta = (schema: JsonObject): JsonObject => ({
  ...schema,
  type: 'object',
  properties: {
    ...asRecord(schema['properties']),
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: META,
  },
});

export type Shape =
  | { readonly kind: 'scalar' }
  /** Any JSON: what it is follows from the value. */
  | { readonly kind: 'any' }
  | { readonly kind: 'list'; readonly atomic: boolean; readonly keys: readonly string[]; readonly items: JsonObject }
  | {
      readonly kind: 'map';
      readonly atomic: boolean;
      readonly fields: Readonly<Record<string, JsonObject>>;
      readonly values: JsonObject | undefined;
    };

export const ANY: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };
const shapes = new WeakMap<JsonObject, Shape>();

const isInt = (schema: JsonObject): boolean => schema['x-kubernetes-int-or-string'] === true || schema['format'] === 'int-or-string';

const computeShape = (schema: JsonObject): Shape => {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const type = asString(schema['type']);
  if (isInt(schema)) return { kind: 'scalar' };
  if (type === 'array') {
    const listType = asString(schema['x-kubernetes-list-type']);
    return {
      kind: 'list',
      atomic: listType !== 'map' && listType !== 'set',
      keys: listType === 'map' ? asArray(schema['x-kubernetes-list-map-keys']).map(asString) : [],
      items: asRecord(schema['items']),
    };
  }
  const properties = schema['properties'];
  const additional = schema['additionalProperties'];
  if (type === 'object' || isRecord(properties)) {
    if (!isRecord(properties) && !isRecord(additional)) {
      return schema['x-kubernetes-map-type'] === 'atomic' ? { kind: 'map', atomic: true, fields: {}, values: ANY } : { kind: 'any' };
    }
    return {
      kind: 'map',
      atomic: schema['x-kubernetes-map-type'] === 'atomic',
      fields: asRecord(properties) as Readonly<Record<string, JsonObject>>,
      values: isRecord(additional) ? additional : preserve || additional === true ? ANY : undefined,
    };
  }
  return type === '' ? { kind: 'any' } : { kind: 'scalar' };
};

export const shapeOf = (schema: JsonObject): Shape => {
  const direct = resolve(schema);
  let shape = shapes.get(direct);
  if (shape === undefined) shapes.set(direct, (shape = computeShape(direct)));
  return shape;
};

/** The shape a value really takes: `any` becomes what the value is, with every list atomic. */
export const shapeFor = (schema: JsonObject, value: JsonValue | undefined): Shape => {
  const shape = shapeOf(schema);
  if (shape.kind !== 'any') return shape;
  if (Array.isArray(value)) return { kind: 'list', atomic: true, keys: [], items: ANY };
  if (isRecord(value)) return { kind: 'map', atomic: false, fields: {}, values: ANY };
  return { kind: 'scalar' };
};
