import type * as z from 'zod';

import { closestWord } from '../lib/closest-word.ts';
import { problem, type Problem } from './problem.ts';
import { knownFields, pathText } from './schema-walk.ts';

/** What zod found, in our words: one problem per field, each with what to do about it. */

type Issue = z.core.$ZodIssue;

/** `raw` is the value that was parsed by `schema` and found wanting; `prefix` is its path in the manifest, such as `['spec']`. */
export function schemaProblems(schema: z.ZodType, raw: unknown, error: z.ZodError, prefix: readonly PropertyKey[]): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) =>
        problem('ERR_SPEC_UNKNOWN_FIELD', pathText([...path, key]), unknownField(key, knownFields(schema, issue.path))),
      );
    }
    return [describe(issue, pathText(path), valueAt(raw, issue.path))];
  });
}

/** What to say about a field that does not exist. */
export function unknownField(key: string, known: readonly string[]): string {
  const meant = closestWord(key, known);
  return `is not a known field${meant === undefined ? ': remove it' : `: did you mean ${meant}?`}`;
}

function describe(issue: Issue, path: string, value: unknown): Problem {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? problem('ERR_SPEC_REQUIRED', path, 'is required: set it')
        : problem('ERR_SPEC_TYPE', path, wrongType(issue.expected, value));
    case 'invalid_value':
      return value === undefined
        ? problem('ERR_SPEC_REQUIRED', path, 'is required: set it')
        : problem('ERR_SPEC_VALUE', path, wrongChoice(issue.values, value));
    case 'too_small':
      return problem('ERR_SPEC_VALUE', path, tooSmall(issue.origin, Number(issue.minimum)));
    case 'too_big':
      return problem('ERR_SPEC_VALUE', path, tooBig(issue.origin, Number(issue.maximum)));
    case 'invalid_format':
      return problem(
        'ERR_SPEC_VALUE',
        path,
        issue.message.startsWith('Invalid ') ? `must match ${issue.pattern ?? issue.format}: correct it` : issue.message,
      );
    default:
      return problem('ERR_SPEC_VALUE', path, `${issue.message}: correct it`);
  }
}

function wrongType(expected: string, value: unknown): string {
  const want = TYPE_WORDS[expected] ?? expected;
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `must be ${want}, not ${word(value)}: write it in quotes, "${value}"`;
  if (typeof value === 'string' && value !== '' && ['number', 'int', 'boolean'].includes(expected))
    return `must be ${want}, not ${word(value)}: remove the quotes or correct it`;
  return `must be ${want}, not ${word(value)}: correct it`;
}

function wrongChoice(values: readonly unknown[], value: unknown): string {
  const choices = values.map(String);
  if (typeof value === 'number' && choices.includes(String(value))) return `must be a text: write it in quotes, "${value}"`;
  const meant = typeof value === 'string' ? closestWord(value, choices) : undefined;
  return `must be one of ${choices.join(', ')}${meant === undefined ? ': choose one of them' : `: did you mean ${meant}?`}`;
}

function tooSmall(origin: string, minimum: number): string {
  if (origin !== 'string') return `must be at least ${minimum}: raise it`;
  return minimum === 1 ? 'must not be empty: set it or leave the field out' : `must have at least ${minimum} characters: make it longer`;
}

function tooBig(origin: string, maximum: number): string {
  if (origin === 'string') return `must have at most ${maximum} characters: shorten it`;
  return origin === 'array' ? `must have at most ${maximum} items: remove some` : `must be at most ${maximum}: lower it`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function word(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a fraction';
  return TYPE_WORDS[typeof value] ?? typeof value;
}

/** What is at `path` in `raw`; undefined when there is nothing. */
export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined),
    raw,
  );
}
