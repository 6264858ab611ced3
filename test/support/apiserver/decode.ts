/** From the JSON of a request to an object of its kind: unknown fields found and dropped, defaults of custom resources filled in. */
import { badRequest } from './api-error.ts';
import { asArray, clone, isRecord, textOf, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { canonicalQuantity } from './quantity.ts';
import type { Resource } from './registry.ts';
import { ANY, resolve, shapeOf } from './schema.ts';

export interface Decoded {
  readonly object: JsonObject;
  /** Paths that the schema does not have, e.g. `spec.foo`. */
  readonly unknown: readonly string[];
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const walk = (schema: JsonObject, value: JsonValue, path: string, custom: boolean, unknown: string[]): JsonValue | undefined => {
  const shape = shapeOf(schema);
  if (shape.kind === 'map' && isRecord(value)) {
    const out: Draft = {};
    for (const [key, child] of Object.entries(value)) {
      const below = shape.fields[key] ?? shape.values;
      if (below === undefined) {
        unknown.push(join(path, key));
        continue;
      }
      // Only ObjectMeta of a custom resource is decoded as a Go struct.
      const inMeta = path === 'metadata' || path.startsWith('metadata.');
      const kept = walk(below, child, join(path, key), custom && join(path, key) !== 'metadata' && !inMeta, unknown);
      if (kept !== undefined) out[key] = kept;
    }
    return out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    return (value as readonly JsonValue[]).map((item, index) => walk(shape.items, item, `${path}[${index}]`, custom, unknown) ?? null);
  }
  // Go's decoder drops nulls and its encoder leaves out empty lists and maps.
  if (custom) return value;
  return value === null ? undefined : normalised(schema, value, path);
};

/** Quantities and times are given back in one form, whatever was sent. */
const normalised = (schema: JsonObject, value: JsonValue, path: string): JsonValue => {
  const type = textOf(schema['$ref']);
  if (type === 'api.resource.Quantity' && (typeof value === 'string' || typeof value === 'number')) {
    const quantity = canonicalQuantity(String(value));
    if (quantity !== undefined) return quantity;
    throw badRequest(
      `unable to decode ${path}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    );
  }
  if (type === 'meta.v1.Time' && typeof value === 'string') return `${new Date(value).toISOString().slice(0, 19)}Z`;
  return value;
};

/** Strings that are pointers in Go: there, empty differs from absent. */
const POINTERS = new Set(
  'storageClassName volumeAttributesClassName holderIdentity preferredHolder strategy appProtocol loadBalancerClass ingressClassName runtimeClassName apiGroup internalTrafficPolicy ipFamilyPolicy preemptionPolicy fsGroupChangePolicy localhostProfile type'.split(
    ' ',
  ),
);
/** Booleans and numbers that are none, and are left out when false or 0. */
const OMITTED = new Set(
  'readOnly hostNetwork hostPID hostIPC publishNotReadyAddresses stdin stdinOnce tty unschedulable paused minReadySeconds initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold nodePort hostPort healthCheckNodePort count readyReplicas currentReplicas updatedReplicas observedGeneration generation'.split(
    ' ',
  ),
);
const isZero = (key: string, value: JsonValue, needed: readonly JsonValue[]): boolean =>
  !needed.includes(key) && ((value === '' && !POINTERS.has(key)) || ((value === 0 || value === false) && OMITTED.has(key)));

const dropEmpty = (schema: JsonObject, value: JsonValue): JsonValue | undefined => {
  const shape = shapeOf(schema);
  if (shape.kind === 'map' && isRecord(value)) {
    const out: Draft = {};
    const needed = asArray(resolve(schema)['required']);
    for (const [key, child] of Object.entries(value)) {
      const below = shape.fields[key] ?? shape.values;
      const kept = below === undefined ? child : dropEmpty(below, child);
      if (kept !== undefined && (shape.fields[key] === undefined || !isZero(key, kept, needed))) out[key] = kept;
    }
    const free = shape.values !== undefined && Object.keys(shape.fields).length === 0;
    return free && Object.keys(out).length === 0 ? undefined : out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    return value.length === 0 ? undefined : (value as readonly JsonValue[]).map((item) => dropEmpty(shape.items, item) ?? {});
  }
  return value;
};

/** Reads an object of a kind. Wrong types in built-in kinds are 400; those of custom resources are for validation. */
export const decodeObject = (resource: Resource, input: JsonObject): Decoded => {
  const unknown: string[] = [];
  let object = walk(resource.schema, input, '', resource.custom, unknown) as JsonObject;
  if (!resource.custom) {
    checkTypes(resource, object);
    object = dropEmpty(resource.schema, object) as JsonObject;
  } else {
    const metadata = dropEmpty({ $ref: 'meta.v1.ObjectMeta' }, object['metadata'] ?? {});
    object = applyDefaults(resource.schema, { ...object, metadata: metadata ?? {} }) as JsonObject;
  }
  return { object, unknown };
};

const GO_TYPES: Readonly<Record<string, string>> = { integer: 'int32', boolean: 'bool', string: 'string', number: 'float64' };

const checkTypes = (resource: Resource, object: JsonObject): void => {
  const visit = (schema: JsonObject, value: JsonValue, path: string, owner: string): void => {
    const shape = shapeOf(schema);
    const wrong = (type: string): never => {
      const got = Array.isArray(value) ? 'array' : isRecord(value) ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;
      throw badRequest(
        `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: json: cannot unmarshal ${got} into Go struct field ${owner}.${path} of type ${type}`,
      );
    };
    if (shape.kind === 'map') {
      if (!isRecord(value)) return wrong(`map[string]string`);
      const named = schema['$ref'];
      const next = typeof named === 'string' ? (named.split('.').at(-1) ?? owner) : owner;
      for (const [key, child] of Object.entries(value)) {
        const below = shape.fields[key] ?? shape.values;
        if (below !== undefined && child !== null) visit(below, child, join(path, key), next);
      }
      return;
    }
    if (shape.kind === 'list') {
      if (!Array.isArray(value)) return wrong('[]interface {}');
      (value as readonly JsonValue[]).forEach((item) => visit(shape.items, item, path, owner));
      return;
    }
    if (shape.kind === 'any') return;
    const plain = resolve(schema);
    const type = plain['type'];
    const format = plain['format'];
    if (format === 'int-or-string' || plain['x-kubernetes-int-or-string'] === true) return;
    // resource.Quantity says string, and takes numbers too.
    if (type === 'string' && typeof value === 'number' && typeof schema['$ref'] === 'string' && schema['$ref'].endsWith('Quantity')) return;
    const fits = type === 'integer' ? Number.isInteger(value) : type === 'number' ? typeof value === 'number' : typeof value === type;
    if (!fits) wrong(typeof format === 'string' && format.startsWith('int') ? format : (GO_TYPES[textOf(type)] ?? textOf(type)));
  };
  visit(resource.schema, object, '', resource.kind);
};

/** Structural defaulting: an absent field (or a null in one that is not nullable) takes its schema's default. */
export const applyDefaults = (schema: JsonObject, value: JsonValue): JsonValue => {
  const shape = shapeOf(schema);
  if (shape.kind === 'map' && isRecord(value)) {
    const out: Draft = { ...value };
    for (const [key, below] of Object.entries(shape.fields)) {
      const fallback = below['default'];
      if (fallback !== undefined && (out[key] === undefined || (out[key] === null && below['nullable'] !== true)))
        out[key] = clone(fallback);
    }
    for (const [key, child] of Object.entries(out)) {
      const below = shape.fields[key] ?? shape.values;
      if (below === undefined) continue;
      // Nulls are dropped where null is not allowed.
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a plain data object
      if (child === null && below !== ANY && below['nullable'] !== true) delete out[key];
      else out[key] = applyDefaults(below, child);
    }
    return out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => applyDefaults(shape.items, item));
  return value;
};
