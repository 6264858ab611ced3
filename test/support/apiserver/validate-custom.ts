/** Validation of custom resources against their schema, with the API server's wording. CEL rules are in `cel.ts`. */
import { equal, isRecord, asArray, asString, canonical, textOf, type JsonObject, type JsonValue } from './json.ts';
import { invalidValue, notSupported, required, typeInvalid, type FieldError } from './api-error.ts';
import { itemElement } from './typed.ts';
import { shapeOf } from './schema.ts';

const num = (value: JsonValue | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

const typeOf = (value: JsonValue): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : Number.isInteger(value)
        ? 'integer'
        : typeof value === 'number'
          ? 'number'
          : typeof value;

const fits = (schema: JsonObject, value: JsonValue): boolean => {
  const type = schema['type'];
  const actual = typeOf(value);
  if (value === null) return schema['nullable'] === true || type === undefined;
  if (schema['x-kubernetes-int-or-string'] === true) return actual === 'integer' || actual === 'string';
  return type === undefined || actual === type || (type === 'number' && actual === 'integer');
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  ipv4: (text) => /^(\d{1,3}\.){3}\d{1,3}$/.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uri: (text) => URL.canParse(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  duration: (text) => /^([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text),
};

const wrongType = (schema: JsonObject, value: JsonValue, path: string): FieldError => {
  const type = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : asString(schema['type']);
  const shown = typeOf(value);
  return typeInvalid(path, shown, `${path === '' ? '' : `${path} `}in body must be of type ${type}: "${shown}"`);
};

/** int-or-string fields say their two types once more as alternatives. */
const validateAnyOf = (schema: JsonObject, value: JsonValue, path: string): FieldError[] => {
  const alternatives = asArray(schema['anyOf']).filter(isRecord);
  if (alternatives.length === 0) return [];
  const failures = alternatives.map((each) => validateValue(each, value, path));
  if (failures.some((each) => each.length === 0)) return [];
  return [
    { type: 'FieldValueInvalid', field: '<nil>', message: `Invalid value: "": "${path}" must validate at least one schema (anyOf)` },
    ...(failures[0] ?? []),
  ];
};

/** `old` is the value before an update: what has not changed is not judged again (ratcheting). */
const validateValue = (schema: JsonObject, value: JsonValue, path: string, old?: JsonValue): FieldError[] => {
  if (old !== undefined && equal(value, old)) return [];
  const label = path === '' ? '' : `${path} `;
  const errors: FieldError[] = [];
  const bad = (why: string): number => errors.push(invalidValue(path, value, `${label}in body ${why}`));
  const fitting = fits(schema, value);
  if (!fitting) errors.push(wrongType(schema, value, path));
  const options = schema['enum'];
  if (Array.isArray(options) && !(options as readonly JsonValue[]).some((each) => equal(each, value))) {
    errors.push(notSupported(path, value, options as readonly JsonValue[]));
  }
  if (typeof value === 'number') checkNumber(schema, value, bad);
  errors.push(...validateAnyOf(schema, value, path));
  if (!fitting) return errors;
  if (typeof value === 'string') {
    const [min, max] = [num(schema['minLength']), num(schema['maxLength'])];
    const length = Array.from(value).length;
    if (min !== undefined && length < min) bad(`should be at least ${min} chars long`);
    if (max !== undefined && length > max)
      errors.push({ type: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${max} bytes` });
    const pattern = schema['pattern'];
    if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) bad(`should match '${pattern}'`);
    const format = asString(schema['format']);
    if (FORMATS[format]?.(value) === false) bad(`must be of type ${format}: ${JSON.stringify(value)}`);
  }
  if (Array.isArray(value)) errors.push(...validateList(schema, value as readonly JsonValue[], path, old, bad));
  else if (isRecord(value)) errors.push(...validateMap(schema, value, path, old, bad));
  return errors;
};

const checkNumber = (schema: JsonObject, value: number, bad: (why: string) => number): void => {
  const [min, max, multiple] = [num(schema['minimum']), num(schema['maximum']), num(schema['multipleOf'])];
  const [above, below] = [schema['exclusiveMinimum'] === true, schema['exclusiveMaximum'] === true];
  if (min !== undefined && (above ? value <= min : value < min)) bad(`should be greater than ${above ? '' : 'or equal to '}${min}`);
  if (max !== undefined && (below ? value >= max : value > max)) bad(`should be less than ${below ? '' : 'or equal to '}${max}`);
  if (multiple !== undefined && value % multiple !== 0) bad(`should be a multiple of ${multiple}`);
  if (schema['format'] === 'int32' && Math.abs(value) > 2 ** 31) bad('must be of type int32: "integer"');
};

const tooMany = (path: string, count: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field: path,
  message: `Too many: ${count}: must have at most ${max} items`,
});

const validateList = (
  schema: JsonObject,
  value: readonly JsonValue[],
  path: string,
  old: JsonValue | undefined,
  bad: (why: string) => number,
): FieldError[] => {
  const errors: FieldError[] = [];
  const [min, max] = [num(schema['minItems']), num(schema['maxItems'])];
  if (min !== undefined && value.length < min) bad(`should have at least ${min} items`);
  if (max !== undefined && value.length > max) errors.push(tooMany(path, value.length, max));
  const items = isRecord(schema['items']) ? schema['items'] : {};
  const shape = shapeOf(schema);
  const olds = new Map<string, JsonValue>();
  if (shape.kind === 'list' && !shape.atomic && Array.isArray(old))
    (old as readonly JsonValue[]).forEach((each) => olds.set(safeElement(shape, each), each));
  const keyed = shape.kind === 'list' && Array.isArray(schema['x-kubernetes-list-map-keys']);
  const stray = keyed ? value.findIndex((item) => item !== null && !isRecord(item)) : -1;
  if (stray >= 0) errors.push(invalidValue(`${path}[${stray}]`, value[stray], 'must be an object for an array of list-type map'));
  const seen = new Map<string, number>();
  value.forEach((item, index) => {
    let before: JsonValue | undefined;
    if (shape.kind === 'list' && !shape.atomic) {
      const element = safeElement(shape, item);
      before = olds.get(element);
      const times = (seen.get(element) ?? 0) + 1;
      seen.set(element, times);
      if (element !== '' && times === 2 && stray < 0) {
        const shown = element.startsWith('k:') ? element.slice(2) : canonical(item);
        errors.push({ type: 'FieldValueDuplicate', field: `${path}[${index}]`, message: `Duplicate value: ${shown}` });
      }
    }
    errors.push(...validateValue(items, item, `${path}[${index}]`, before));
  });
  return errors;
};

const safeElement = (shape: Parameters<typeof itemElement>[0], item: JsonValue): string => {
  try {
    return itemElement(shape, item);
  } catch {
    return '';
  }
};

const validateMap = (
  schema: JsonObject,
  value: JsonObject,
  path: string,
  old: JsonValue | undefined,
  bad: (why: string) => number,
): FieldError[] => {
  const errors: FieldError[] = [];
  const keys = Object.keys(value);
  const [min, max] = [num(schema['minProperties']), num(schema['maxProperties'])];
  if (min !== undefined && keys.length < min) bad(`should have at least ${min} properties`);
  if (max !== undefined && keys.length > max) errors.push(tooMany(path, keys.length, max));
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const additional = schema['additionalProperties'];
  const before = isRecord(old) ? old : {};
  for (const key of keys) {
    const child = properties[key] ?? (isRecord(additional) ? additional : undefined);
    if (isRecord(child) && value[key] !== undefined) errors.push(...validateValue(child, value[key], below(key), before[key]));
  }
  for (const key of asArray(schema['required']).map(asString)) if (value[key] === undefined) errors.push(required(below(key)));
  return errors;
};

/** Validates everything but `metadata`, which has rules of its own. `scalePath` is where the number of replicas is, e.g. `.spec.replicas`. */
export const validateCustom = (
  schema: JsonObject,
  object: JsonObject,
  old: JsonObject | undefined,
  scalePath: string | undefined,
): FieldError[] => {
  const { metadata: _, ...properties } = isRecord(schema['properties']) ? schema['properties'] : {};
  return [
    ...validateValue({ ...schema, properties }, object, '', old),
    ...(scalePath === undefined ? [] : validateScale(object, scalePath)),
  ];
};

const validateScale = (object: JsonObject, path: string): FieldError[] => {
  const keys = path.split('.').slice(1);
  let here: JsonValue | undefined = object;
  let there = '';
  const wrong = (wanted: string): FieldError[] => {
    const type =
      typeof here === 'number'
        ? 'float64'
        : typeof here === 'boolean'
          ? 'bool'
          : Array.isArray(here)
            ? '[]interface {}'
            : isRecord(here)
              ? 'map[string]interface {}'
              : 'string';
    const shown = Array.isArray(here) ? `[${here.map(textOf).join(' ')}]` : textOf(here);
    return [invalidValue(path, 0, `${there} accessor error: ${shown} is of the type ${type}, expected ${wanted}`)];
  };
  for (const key of keys) {
    if (here === undefined || here === null) return [];
    there += `.${key}`;
    if (!isRecord(here)) return wrong('map[string]interface{}');
    here = here[key];
  }
  if (here === undefined) return [];
  if (!Number.isInteger(here)) return wrong('int64');
  return Number(here) < 0 ? [invalidValue(path, here, 'should be a non-negative integer')] : [];
};
