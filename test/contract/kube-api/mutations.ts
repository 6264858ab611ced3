/** Wrong and right values for every field of a schema: what a fuzz of validation is made of. */
import { asArray, asRecord, asString, isRecord, type JsonObject, type JsonValue } from '../../support/apiserver/json.ts';

export interface Mutation {
  readonly path: readonly (string | number)[];
  readonly value: JsonValue;
}

/** The least that a schema accepts, CEL rules aside. */
const least = (schema: JsonObject): JsonValue => {
  if (schema['default'] !== undefined) return schema['default'];
  const [first] = asArray(schema['enum']);
  if (first !== undefined) return first;
  switch (schema['type']) {
    case 'object':
      return Object.fromEntries(
        asArray(schema['required']).map((key) => [asString(key), least(asRecord(asRecord(schema['properties'])[asString(key)]))]),
      );
    case 'array':
      return Array.from({ length: Number(schema['minItems'] ?? 0) }, () => least(asRecord(schema['items'])));
    case 'string':
      return 'a'.repeat(Math.max(1, Number(schema['minLength'] ?? 1)));
    case 'integer':
      return Number(schema['minimum'] ?? 1);
    case 'boolean':
      return true;
    default:
      return 'x';
  }
};

const valuesFor = (schema: JsonObject): JsonValue[] => {
  const choices = asArray(schema['enum']);
  const more: JsonValue[] = choices.length === 0 ? [null] : [null, 'no-such-choice', ...choices];
  switch (schema['type']) {
    case 'string':
      return [5, '', 'x'.repeat(3_000), 'A_B c!', '1Gi', 'ok-name', ...more];
    case 'integer':
      return ['x', -99_999, 99_999_999, 1.5, 0, 7, ...more];
    case 'boolean':
      return ['true', false, true, ...more];
    case 'array':
      return [{}, 'x', [], Array.from({ length: 200 }, () => least(asRecord(schema['items']))), ...more];
    case 'object':
      return [[], 'x', {}, { nonsense: 1 }, ...more];
    default:
      return [true, '50%', -1, 'zz', ...more];
  }
};

/** All mutations of the fields below a path. */
export const mutationsOf = (schema: JsonObject, path: readonly (string | number)[]): Mutation[] => {
  const own = valuesFor(schema).map((value) => ({ path, value }));
  const fields = Object.entries(asRecord(schema['properties'])).flatMap(([key, each]) => mutationsOf(asRecord(each), [...path, key]));
  const items = isRecord(schema['items']) ? mutationsOf(schema['items'], [...path, 0]) : [];
  const values = isRecord(schema['additionalProperties']) ? mutationsOf(schema['additionalProperties'], [...path, 'key']) : [];
  return [...own, ...fields, ...items, ...values];
};

/** An object with a value put at a path; what is missing on the way there is the least that is valid. */
export const mutated = (
  schema: JsonObject,
  object: JsonValue | undefined,
  path: readonly (string | number)[],
  value: JsonValue,
): JsonValue => {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const [first, ...others] = asArray(object);
    return [mutated(asRecord(schema['items']), first ?? least(asRecord(schema['items'])), rest, value), ...others];
  }
  const below = asRecord(asRecord(schema['properties'])[key] ?? schema['additionalProperties']);
  const here = asRecord(object);
  const before = here[key] ?? (rest.length === 0 ? undefined : least(below));
  return { ...here, [key]: mutated(below, before, rest, value) };
};
