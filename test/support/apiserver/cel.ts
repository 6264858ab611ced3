/** CEL rules (`x-kubernetes-validations`) of custom resources, with transition rules and the libraries of Kubernetes that CRDs commonly use. */
import { Environment } from '@marcbachmann/cel-js';
import type { FieldError } from './api-error.ts';
import { asArray, asRecord, asString, equal, isRecord, type JsonObject, type JsonValue } from './json.ts';
import { shapeOf } from './schema.ts';
import { itemElement } from './typed.ts';

class Quantity {
  readonly value: number;
  constructor(text: string) {
    const value = parseQuantity(text);
    if (value === undefined) throw new Error(`quantities must match the regular expression '${QUANTITY.source}'`);
    this.value = value;
  }
}

const QUANTITY = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const parseQuantity = (text: string): number | undefined => {
  const [, digits = '', unit = ''] = QUANTITY.exec(text) ?? [];
  const factor = UNITS[unit] ?? (/^[eE][-+]?\d+$/.test(unit) ? 10 ** Number(unit.slice(1)) : undefined);
  const number = Number(digits);
  return digits === '' || Number.isNaN(number) || factor === undefined ? undefined : number * factor;
};

const sign = (value: number): bigint => (value < 0 ? -1n : value > 0 ? 1n : 0n);
const isIp = (text: string): boolean => /^(\d{1,3}\.){3}\d{1,3}$/.test(text) || (text.includes(':') && URL.canParse(`http://[${text}]`));
const isCidr = (text: string): boolean => {
  const [address = '', bits = ''] = text.split('/');
  return isIp(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (address.includes(':') ? 128 : 32);
};

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, enableOptionalTypes: true })
  .registerType('Quantity', Quantity)
  .registerFunction('quantity(string): Quantity', (text: string) => new Quantity(text))
  .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
  .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) => sign(a.value - b.value))
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value > b.value)
  .registerFunction('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value < b.value)
  .registerFunction('Quantity.sign(): int', (a: Quantity) => sign(a.value))
  .registerFunction('Quantity.isInteger(): bool', (a: Quantity) => Number.isInteger(a.value))
  .registerFunction('Quantity.asInteger(): int', (a: Quantity) => BigInt(a.value))
  .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
  .registerFunction('isIP(string): bool', isIp)
  .registerFunction('isCIDR(string): bool', isCidr)
  .registerFunction('string.find(string): string', (text: string, pattern: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '')
  .registerFunction('string.findAll(string): list', (text: string, pattern: string) => text.match(new RegExp(pattern, 'gu')) ?? [])
  .registerFunction('list.sum(): dyn', (list: readonly (number | bigint)[]) =>
    list.reduce((a, b) => (typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b)), 0n),
  )
  .registerFunction('list.min(): dyn', (list: readonly bigint[]) => list.reduce((a, b) => (b < a ? b : a)))
  .registerFunction('list.max(): dyn', (list: readonly bigint[]) => list.reduce((a, b) => (b > a ? b : a)))
  .registerFunction('list.isSorted(): bool', (list: readonly bigint[]) => list.every((each, i) => i === 0 || (list[i - 1] ?? each) <= each))
  .registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], value: unknown) => BigInt(list.indexOf(value)));

type Program = (context: Record<string, unknown>) => unknown;
const programs = new Map<string, Program | Error>();

const programFor = (rule: string): Program => {
  let program = programs.get(rule);
  if (program === undefined) {
    try {
      program = environment.parse(rule) as Program;
    } catch (error) {
      program = error instanceof Error ? error : new Error(String(error));
    }
    programs.set(rule, program);
  }
  if (program instanceof Error) throw program;
  return program;
};

const RESERVED = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);
/** Names of properties that CEL could not read are escaped, as Kubernetes documents. */
const escaped = (name: string): string =>
  RESERVED.has(name)
    ? `__${name}__`
    : name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');

const toCel = (schema: JsonObject, value: JsonValue): unknown => {
  if (typeof value === 'number') return Number.isInteger(value) && schema['type'] !== 'number' ? BigInt(value) : value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => toCel(asRecord(schema['items']), item));
  if (!isRecord(value)) return value;
  const shape = shapeOf(schema);
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const field = shape.kind === 'map' ? shape.fields[key] : undefined;
      const below = field ?? (shape.kind === 'map' ? shape.values : undefined) ?? {};
      return [field === undefined ? key : escaped(key), toCel(below, child)];
    }),
  );
};

const evaluate = (rule: JsonObject, schema: JsonObject, value: JsonValue, old: JsonValue | undefined, path: string): FieldError[] => {
  const text = asString(rule['rule']);
  const usesOld = /\boldSelf\b/.test(text);
  const optional = rule['optionalOldSelf'] === true;
  if (usesOld && !optional && old === undefined) return [];
  const context: Record<string, unknown> = { self: toCel(schema, value) };
  if (usesOld && old !== undefined) context['oldSelf'] = toCel(schema, old);
  const field = `${path}${asString(rule['fieldPath'])}` || '<nil>';
  const fail = (message: string): FieldError[] => {
    const type = asString(rule['reason']) || 'FieldValueInvalid';
    if (type === 'FieldValueRequired') return [{ type, field, message: `Required value: ${message}` }];
    if (type === 'FieldValueForbidden') return [{ type, field, message: `Forbidden: ${message}` }];
    return [{ type: type as FieldError['type'], field, message: `Invalid value: ${JSON.stringify(asString(schema['type']))}: ${message}` }];
  };
  try {
    // cel-js has no `optional.none()` variable values; rules with optionalOldSelf see null instead.
    if (optional && old === undefined) context['oldSelf'] = null;
    if (programFor(text)(context) === true) return [];
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const about = asString(rule['message']) || text;
    return [
      {
        type: 'FieldValueInvalid',
        field: path || '<nil>',
        message: `Invalid value: ${JSON.stringify(asString(schema['type']))}: ${why} evaluating rule: ${about}`,
      },
    ];
  }
  let message = asString(rule['message']);
  const expression = asString(rule['messageExpression']);
  if (expression !== '') {
    try {
      const computed = programFor(expression)(context);
      if (typeof computed === 'string' && computed.trim() !== '') message = computed;
    } catch {
      // The API server falls back to `message` too.
    }
  }
  return fail(message === '' ? `failed rule: ${text}` : message);
};

/** Evaluates every rule of a schema. `old` is the value before an update; unchanged values are not judged again. */
export const validateRules = (schema: JsonObject, value: JsonValue, old: JsonValue | undefined, path = ''): FieldError[] => {
  if (value === null || (old !== undefined && equal(value, old))) return [];
  const errors = asArray(schema['x-kubernetes-validations']).flatMap((rule) => {
    const root = path === '' && isRecord(value);
    return evaluate(asRecord(rule), schema, root ? visibleRoot(value) : value, root && isRecord(old) ? visibleRoot(old) : old, path);
  });
  const shape = shapeOf(schema);
  if (shape.kind === 'map' && isRecord(value)) {
    const before = isRecord(old) ? old : {};
    for (const [key, child] of Object.entries(value)) {
      const below = shape.fields[key] ?? shape.values;
      if (below === undefined || (path === '' && key === 'metadata')) continue;
      errors.push(
        ...validateRules(
          below,
          child,
          before[key],
          path === '' ? key : shape.fields[key] === undefined ? `${path}[${key}]` : `${path}.${key}`,
        ),
      );
    }
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    const before = new Map<string, JsonValue>();
    if (shape.keys.length > 0 && Array.isArray(old))
      (old as readonly JsonValue[]).forEach((each) => before.set(itemElement(shape, each), each));
    (value as readonly JsonValue[]).forEach((item, i) => {
      errors.push(
        ...validateRules(shape.items, item, shape.keys.length > 0 ? before.get(itemElement(shape, item)) : undefined, `${path}[${i}]`),
      );
    });
  }
  return errors;
};

/** Of the metadata, rules at the root see the name only. */
const visibleRoot = (object: JsonObject): JsonObject => {
  const { name, generateName } = asRecord(object['metadata']);
  return { ...object, metadata: { ...(name === undefined ? {} : { name }), ...(generateName === undefined ? {} : { generateName }) } };
};
