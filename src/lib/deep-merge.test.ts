import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deepMerge, isJsonObject, type JsonObject } from './deep-merge.ts';

const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<JsonObject>;

describe('deepMerge', () => {
  test('merges objects and replaces everything else', () => {
    const base = { a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } };
    expect(deepMerge(base, { a: { c: [3], g: null }, e: 'scalar', d: undefined })).toEqual({
      a: { b: 1, c: [3], g: null },
      d: 'x',
      e: 'scalar',
    });
    expect(base).toEqual({ a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } });
  });

  test('is idempotent, and an empty overlay or base changes nothing', () => {
    fc.assert(
      fc.property(json, json, (base, overlay) => {
        const once = deepMerge(base, overlay);
        expect(deepMerge(once, overlay)).toEqual(once);
        expect(deepMerge(base, {})).toEqual({ ...base });
        expect(deepMerge({}, overlay)).toEqual({ ...overlay });
      }),
    );
  });

  test('never removes a key that the overlay does not have', () => {
    fc.assert(
      fc.property(json, json, (base, overlay) => {
        const merged = deepMerge(base, overlay);
        for (const key of Object.keys(base)) if (!Object.hasOwn(overlay, key)) expect(merged[key]).toEqual(base[key]);
      }),
    );
  });

  test('cannot be used to reach a prototype', () => {
    const evil = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as JsonObject;
    const merged = deepMerge({ a: 1 }, evil);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((merged as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.hasOwn(merged, '__proto__')).toBe(true);
  });
});

test('isJsonObject takes plain objects only', () => {
  expect([{}, { a: 1 }, Object.create(null), JSON.parse('{}')].map(isJsonObject)).toEqual([true, true, true, true]);
  expect([null, [], 'x', 1, undefined, new Date(), new Map(), () => 1].map(isJsonObject)).toEqual(Array(8).fill(false));
});
