import * as z from 'zod';

import type { Rule } from '../api/rule.ts';

/** A node of an OpenAPI v3 schema as CRDs have it. */
export interface Schema {
  readonly [keyword: string]: unknown;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

type Loose = Record<string, unknown>;

/**
 * A zod schema as a structural schema (k8s.io: "Specifying a structural schema"). zod writes JSON Schema; what must not be in a CRD is taken out again:
 * `additionalProperties: false` of strict objects, the ±2^53 bounds of `z.int()`, and `additionalProperties` of objects that keep unknown fields.
 * `io: 'input'` is what users write: fields with a default are optional. Defaults of objects are left as they are: the API server fills in what is below them.
 */
export function structuralSchema(schema: z.ZodType): Schema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => clean(jsonSchema as Loose),
  });
  delete json.$schema;
  return ordered(withFullDefaults(json as Schema)) as Schema;
}

/**
 * The API server judges the default of an object by the object's own CEL rules before it fills in what is below, so `default: {}` is refused beside a rule that reads a
 * field ("no such key", seen with 1.34). Such objects get their default written out; all others keep `{}`, which the API server completes.
 */
function withFullDefaults(node: Schema): Schema {
  const { properties, default: preset } = node;
  if (properties === undefined) return node;
  const children = Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withFullDefaults(child)]));
  if (preset === undefined || node['x-kubernetes-validations'] === undefined) return { ...node, properties: children };
  return { ...node, properties: children, default: completed({ ...node, properties: children }, preset) };
}

function completed(node: Schema, value: unknown): unknown {
  if (node.properties === undefined || typeof value !== 'object' || value === null) return value;
  const known = value as Loose;
  const entries = Object.entries(node.properties).map(([name, child]) => [name, completed(child, known[name] ?? child.default)] as const);
  return Object.fromEntries(entries.filter(([, member]) => member !== undefined));
}

function clean(node: Loose): void {
  if (node['additionalProperties'] === false) delete node['additionalProperties'];
  if (node['x-kubernetes-preserve-unknown-fields'] === true) delete node['additionalProperties'];
  if (node['type'] === 'integer') {
    if (node['minimum'] === Number.MIN_SAFE_INTEGER) delete node['minimum'];
    if (node['maximum'] === Number.MAX_SAFE_INTEGER) delete node['maximum'];
    node['format'] = typeof node['maximum'] === 'number' && node['maximum'] < 2 ** 31 ? 'int32' : 'int64';
  }
  // The one union a structural schema may have, in exactly this form.
  if (node['x-kubernetes-int-or-string'] === true) node['anyOf'] = [{ type: 'integer' }, { type: 'string' }];
  if (Array.isArray(node['rules'])) {
    const validations = (node['rules'] as readonly Rule[]).flatMap((rule) => validation(rule, node));
    if (validations.length > 0) node['x-kubernetes-validations'] = validations;
    delete node['rules'];
  }
}

function validation(rule: Rule, node: Loose): readonly Loose[] {
  if (rule.cel === undefined) return [];
  const isDeclared = rule.field !== undefined && isProperty(node, rule.field.split('.'));
  return [
    {
      rule: rule.cel,
      message: rule.message,
      ...(rule.messageWith === undefined ? {} : { messageExpression: rule.messageWith.cel }),
      ...(isDeclared ? { fieldPath: `.${rule.field ?? ''}` } : {}),
      ...(rule.onUpdate ? { reason: 'FieldValueForbidden' } : {}),
    },
  ];
}

/** `fieldPath` must point at a field that the schema declares: `metadata.name` is not one of them. */
function isProperty(node: Schema | undefined, [step, ...rest]: readonly string[]): boolean {
  if (node === undefined || step === undefined) return node !== undefined;
  return isProperty(node.properties?.[step], rest);
}

const ORDER = ['description', 'type', 'format', 'enum', 'default'];
const LAST = ['properties', 'required', 'items', 'additionalProperties', 'x-kubernetes-validations'];

/** Keywords in a fixed order, what people look for first. Names of properties keep the order in which the schema has them. */
function ordered(node: unknown, isNames = false): unknown {
  if (Array.isArray(node)) return node.map((item) => ordered(item));
  if (typeof node !== 'object' || node === null) return node;
  const rank = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : LAST.includes(key) ? 100 + LAST.indexOf(key) : 50);
  const entries = Object.entries(node);
  const sorted = isNames ? entries : [...entries].sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(sorted.map(([key, value]) => [key, key === 'default' ? value : ordered(value, key === 'properties')]));
}

/** The rules of a root that is no zod schema. */
export function rootValidations(rules: readonly Rule[]): readonly Loose[] {
  return rules.flatMap((rule) => validation(rule, {}));
}
