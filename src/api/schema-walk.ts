import type * as z from 'zod';

import { problem, type Problem } from './problem.ts';
import { rulesOf } from './rule.ts';

/** Walks a schema beside a value. `_zod.def` is zod's interface for tools (zod.dev/library-authors); it is read here and nowhere else. */

type Schema = z.core.$ZodType;
type Path = readonly PropertyKey[];

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
}

const definition = (schema: Schema): Definition => schema._zod.def;

/** The schema itself and those it wraps (optional, default), outermost first. */
function layers(schema: Schema): readonly Schema[] {
  const inner = definition(schema).innerType;
  return inner === undefined ? [schema] : [schema, ...layers(inner)];
}

const core = (schema: Schema): Definition => definition(layers(schema).at(-1) ?? schema);

/** Fields of the object schema at `path` below `schema`; none where there is no object with known fields. */
export function knownFields(schema: Schema, path: Path): readonly string[] {
  const { shape, element, valueType } = core(schema);
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(shape ?? {});
  const next = shape?.[String(step)] ?? element ?? valueType;
  return next === undefined ? [] : knownFields(next, rest);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `spec.etcd.replicas`, `spec.pod.tolerations[0]`, and `spec.pod.labels[example.com/team]` for keys that hold a dot. */
export function pathText(path: Path): string {
  const steps = path.map((step) =>
    typeof step === 'number' || /[^A-Za-z0-9_-]/.test(String(step)) ? `[${String(step)}]` : `.${String(step)}`,
  );
  return steps.join('').replace(/^\./, '');
}

interface Node {
  readonly schema: Schema;
  readonly self: unknown;
  /** The same node before the update; absent on creation, where the field was not there before, and below lists (their items do not correspond). */
  readonly old?: unknown;
  readonly path: Path;
}

/** Every rule of the schema that `self` breaks. `self` (and `old`) must have been parsed by the schema. Rules about updates are judged only where `old` has the node too. */
export function brokenRules(node: Node): readonly Problem[] {
  const { schema, self, old, path } = node;
  if (self === undefined) return [];
  const own = layers(schema)
    .flatMap(rulesOf)
    .filter((r) => !(r.onUpdate && old === undefined) && !r.holds(self, old))
    .map((r) =>
      problem(
        r.code,
        pathText(r.field === undefined ? path : [...path, ...r.field.split('.')]),
        r.messageWith?.text(self, old) ?? r.message,
      ),
    );
  return [...own, ...children(node).flatMap(brokenRules)];
}

function children({ schema, self, old, path }: Node): readonly Node[] {
  const { shape, element, valueType } = core(schema);
  if (Array.isArray(self))
    return element === undefined ? [] : self.map((item: unknown, i) => ({ schema: element, self: item, path: [...path, i] }));
  if (!isObject(self)) return [];
  const before = isObject(old) ? old : {};
  return Object.entries(self).flatMap(([key, value]): Node[] => {
    const child = shape?.[key] ?? valueType;
    return child === undefined ? [] : [{ schema: child, self: value, old: before[key], path: [...path, key] }];
  });
}

/**
 * `value` without the nulls that the API server drops: members of objects with known fields (`nullable` is nowhere set), so that an empty `storage:` in YAML means its
 * default. Source: k8s.io/apiextensions-apiserver structural defaulting, PruneNonNullableNullsWithoutDefaults.
 */
export function withoutNulls(schema: Schema, value: unknown): unknown {
  const { shape, element, valueType } = core(schema);
  if (Array.isArray(value)) return element === undefined ? value : value.map((item: unknown) => withoutNulls(element, item));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, member]) => member !== null || shape?.[key] === undefined);
  return Object.fromEntries(
    kept.map(([key, member]) => {
      const child = shape?.[key] ?? valueType;
      return [key, child === undefined ? member : withoutNulls(child, member)];
    }),
  );
}
