import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { changedLines, changedPaths, changedValues } from './impact-difference.ts';

describe('lines', () => {
  test.each([
    ['equal', ['a', 'b'], ['a', 'b'], []],
    ['one added in front', ['a'], ['x', 'a'], ['+ x']],
    ['one taken away', ['a', 'b', 'c'], ['a', 'c'], ['- b']],
    ['one replaced', ['a', 'b', 'c'], ['a', 'x', 'c'], ['- b', '+ x']],
    ['two swapped, since order decides', ['a', 'b'], ['b', 'a'], ['- a', '+ a']],
  ])('%s', (_, before, after, expected) => {
    expect(changedLines(before, after)).toEqual(expected);
  });

  test('lead from one file to the other, whatever the two are', () => {
    const file = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 });
    fc.assert(
      fc.property(file, file, (before, after) => {
        const changes = changedLines(before, after);
        const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;
        for (const line of ['a', 'b', 'c', 'd']) {
          expect(count(before, line) - count(changes, `- ${line}`) + count(changes, `+ ${line}`)).toBe(count(after, line));
        }
      }),
    );
  });
});

describe('values', () => {
  test('are told with both sides, and without the side that has none', () => {
    expect(changedValues({ a: { b: 1, gone: [1] }, same: { x: null } }, { a: { b: 2, c: {} }, same: { x: null } })).toEqual([
      { path: ['a', 'b'], before: 1, after: 2 },
      { path: ['a', 'c'], after: {} },
      { path: ['a', 'gone'], before: [1] },
    ]);
  });

  test('of another shape count as gone and new', () => {
    expect(changedValues({ a: { b: 1 } }, { a: 2 })).toEqual([
      { path: ['a'], after: 2 },
      { path: ['a', 'b'], before: 1 },
    ]);
  });
});

describe('paths', () => {
  test('name the items of lists', () => {
    const pod = (memory: string, args: readonly string[]) => ({
      spec: { containers: [{ name: 'postgres', memory, args }, { name: 'other' }] },
    });
    expect(changedPaths(pod('1Gi', ['a']), pod('2Gi', ['b', 'c']))).toEqual([
      'spec.containers[postgres].memory',
      'spec.containers[postgres].args[0]',
      'spec.containers[postgres].args[1]',
    ]);
    expect(changedPaths(pod('1Gi', []), pod('1Gi', []))).toEqual([]);
  });
});
