import { expect, test } from '@jest/globals';
import * as z from 'zod';

import { rule } from './rule.ts';
import { brokenRules, knownFields, pathText, withoutNulls } from './schema-walk.ts';

const small = rule<number>({ code: 'ERR_SPEC_VALUE', cel: 'self < 10', message: 'too big: lower it', holds: (self) => self < 10 });
const grows = rule<number>({
  code: 'ERR_SPEC_IMMUTABLE',
  cel: 'self >= oldSelf',
  message: 'shrank: raise it',
  holds: (self, old) => self >= old,
});
const number = z.int().meta({ rules: [small, grows] });
const schema = z.strictObject({
  plain: number.default(1),
  below: z.strictObject({ optional: number.optional() }).prefault({}),
  list: z.array(z.strictObject({ item: number })).optional(),
  map: z.record(z.string(), number).optional(),
});

const found = (self: unknown, old?: unknown) =>
  brokenRules({ schema, self, old, path: ['spec'] }).map(({ path, message }) => `${path}: ${message}`);

test('rules are found below defaults, options, lists and maps', () => {
  expect(found({ plain: 10, below: { optional: 11 }, list: [{ item: 1 }, { item: 12 }], map: { 'a.b': 13 } })).toEqual([
    'spec.plain: too big: lower it',
    'spec.below.optional: too big: lower it',
    'spec.list[1].item: too big: lower it',
    'spec.map[a.b]: too big: lower it',
  ]);
});

test('rules about updates are judged where both objects have the field, and never in lists', () => {
  expect(found({ plain: 1, below: { optional: 1 } }, { plain: 2, below: { optional: 2 } })).toEqual([
    'spec.plain: shrank: raise it',
    'spec.below.optional: shrank: raise it',
  ]);
  expect(found({ plain: 3, below: { optional: 1 } }, { plain: 2, below: {} })).toEqual([]);
  expect(found({ plain: 3, below: {}, list: [{ item: 1 }] }, { plain: 2, below: {}, list: [{ item: 2 }] })).toEqual([]);
});

test('known fields are those of the object at a path', () => {
  expect(knownFields(schema, [])).toEqual(['plain', 'below', 'list', 'map']);
  expect(knownFields(schema, ['below'])).toEqual(['optional']);
  expect(knownFields(schema, ['list', 0])).toEqual(['item']);
  expect(knownFields(schema, ['map', 'x'])).toEqual([]);
  expect(knownFields(schema, ['nowhere', 'at', 'all'])).toEqual([]);
});

test('nulls are dropped where the API server drops them', () => {
  expect(withoutNulls(schema, { plain: null, below: { optional: null }, list: [{ item: null }], unknown: null })).toEqual({
    below: {},
    list: [{}],
    unknown: null,
  });
  expect(withoutNulls(schema, null)).toBeNull();
});

test('paths are written as Kubernetes writes them', () => {
  expect(pathText(['spec', 'pod', 'labels', 'example.com/team'])).toBe('spec.pod.labels[example.com/team]');
  expect(pathText([])).toBe('');
});
