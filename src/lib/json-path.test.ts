import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { atPath, formatPath, isWithin, leavesOf, parsePath, valueAtPath, withoutPath } from './json-path.ts';

const key = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !/[[\]]/.test(text));

describe('a path as text', () => {
  test.each([
    [['log'], 'log'],
    [['postgresql', 'parameters', 'work_mem'], 'postgresql.parameters.work_mem'],
    [['postgresql', 'parameters', 'pg_stat_statements.max'], 'postgresql.parameters[pg_stat_statements.max]'],
    [['a.b', 'c'], '[a.b].c'],
  ])('%j is %s, both ways', (path, text) => {
    expect(formatPath(path)).toBe(text);
    expect(parsePath(text)).toEqual(path);
  });

  test.each(['', '.', 'a.', '.a', 'a..b', 'a[', 'a[]', 'a]b', 'a[b', '[a]b'])('%j is none', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  test('survives writing and reading', () => {
    fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (path) => expect(parsePath(formatPath(path))).toEqual(path)));
  });
});

describe('taking a path away', () => {
  test.each([
    ['a value', { a: 1, b: 2 }, ['a'], { b: 2 }],
    ['a section', { a: { b: 1 }, c: 2 }, ['a'], { c: 2 }],
    ['the last value of a section takes the section along', { a: { b: 1 }, c: 2 }, ['a', 'b'], { c: 2 }],
    ['one of several leaves the others in their order', { x: 1, a: { b: 1, c: 2 }, y: 3 }, ['a', 'b'], { x: 1, a: { c: 2 }, y: 3 }],
    ['what is not there changes nothing', { a: { b: 1 } }, ['a', 'z'], { a: { b: 1 } }],
    ['below a scalar changes nothing', { a: 1 }, ['a', 'b'], { a: 1 }],
  ])('%s', (_, object, path, expected) => {
    expect(JSON.stringify(withoutPath(object, path))).toBe(JSON.stringify(expected));
  });

  test('removes nothing but that path, and leaves nothing there', () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.dictionary(key, fc.integer())), fc.array(key, { minLength: 1, maxLength: 2 }), (object, path) => {
        const result = withoutPath(object, path);
        expect(valueAtPath(result, path)).toBeUndefined();
        for (const leaf of leavesOf(result)) expect(valueAtPath(object, leaf.path)).toEqual(leaf.value);
      }),
    );
  });
});

test('leaves are all that is not a filled object', () => {
  expect(leavesOf({ a: { b: 1, c: [1, { d: 2 }] }, e: {}, f: null })).toEqual([
    { path: ['a', 'b'], value: 1 },
    { path: ['a', 'c'], value: [1, { d: 2 }] },
    { path: ['e'], value: {} },
    { path: ['f'], value: null },
  ]);
});

test('a value put at a path is found there', () => {
  expect(atPath(['a', 'b'], 1)).toEqual({ a: { b: 1 } });
  expect(isWithin(['a', 'b'], ['a'])).toBe(true);
  expect(isWithin(['a'], ['a', 'b'])).toBe(false);
});
