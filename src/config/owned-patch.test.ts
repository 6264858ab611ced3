import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { deepMerge, isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { leavesOf, valueAtPath } from '../lib/json-path.ts';
import { foreignPaths, isSame, ownedPatch, ownedPaths } from './owned-patch.ts';

describe('what is sent to PATCH /config', () => {
  test.each([
    ['nothing when all is as wanted', { owned: ['ttl'], wanted: { ttl: 20 }, live: { ttl: 20 } }, undefined],
    ['a key that is missing', { owned: [], wanted: { ttl: 20 }, live: {} }, { ttl: 20 }],
    ['an owned key that somebody changed, put back', { owned: ['ttl'], wanted: { ttl: 20 }, live: { ttl: 99 } }, { ttl: 20 }],
    ['an owned key that left the spec, taken away', { owned: ['ttl', 'loop_wait'], wanted: { ttl: 20 }, live: { ttl: 20, loop_wait: 5 } }, { loop_wait: null }],
    ['nothing about the pause', { owned: ['ttl'], wanted: { ttl: 20 }, live: { ttl: 20, pause: true } }, undefined],
    ['nothing about a key of somebody else', { owned: [], wanted: { a: { x: 1 } }, live: { a: { x: 1, y: 2 } } }, undefined],
    ['a key of somebody else once the spec names it', { owned: [], wanted: { a: { y: 3 } }, live: { a: { x: 1, y: 2 } } }, { a: { y: 3 } }],
    ['a whole list when one item differs', { owned: ['a'], wanted: { a: [1, 2] }, live: { a: [1] } }, { a: [1, 2] }],
    ['the last owned key of a map takes the map along', { owned: ['p.a'], wanted: {}, live: { p: { a: 1 } } }, { p: null }],
    ['no null for a key that is gone already', { owned: ['p.a'], wanted: {}, live: {} }, undefined],
    ['everything when the store was wiped', { owned: ['ttl', 'p.a'], wanted: { ttl: 20, p: { a: 1 } }, live: {} }, { ttl: 20, p: { a: 1 } }],
    ['nothing for a number that is there as a text', { owned: ['p.a'], wanted: { p: { a: 25 } }, live: { p: { a: '25' } } }, undefined],
  ])('%s', (_, configs, expected) => {
    expect(ownedPatch(configs)).toEqual(expected);
  });
});

/** Patroni 4.1 `patch_config`. */
function patched(config: JsonObject, patch: JsonObject): JsonObject {
  const result = new Map(Object.entries(config));
  for (const [key, value] of Object.entries(patch)) {
    const there = result.get(key);
    if (value === null) result.delete(key);
    else result.set(key, isJsonObject(value) && isJsonObject(there) ? patched(there, value) : isSame(there, value) ? there : value);
  }
  return Object.fromEntries(result);
}

const key = fc.constantFrom('a', 'b', 'c', 'd.e');
const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('0', '1', 'x'), fc.boolean(), fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }));
const config = fc.letrec<{ tree: JsonObject }>((tie) => ({ tree: fc.dictionary(key, fc.oneof({ depthSize: 'small' }, scalar, tie('tree')), { maxKeys: 3 }) })).tree;

describe('after the patch', () => {
  test('everything wanted is there, in one step', () => {
    fc.assert(
      fc.property(config, config, config, (before, wanted, live) => {
        const owned = ownedPaths(before);
        const after = patched(live, ownedPatch({ owned, wanted, live }) ?? {});
        for (const leaf of leavesOf(wanted)) {
          if (isJsonObject(leaf.value)) continue;
          expect(isSame(valueAtPath(after, leaf.path), leaf.value)).toBe(true);
        }
        expect(ownedPatch({ owned, wanted, live: after })).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test('keys that were never ours and are not wanted are as before', () => {
    fc.assert(
      fc.property(config, config, (wanted, live) => {
        const after = patched(live, ownedPatch({ owned: [], wanted, live }) ?? {});
        for (const leaf of leavesOf(live)) {
          const merged = valueAtPath(deepMerge(live, wanted), leaf.path);
          expect(valueAtPath(after, leaf.path) ?? null).toEqual(isSame(valueAtPath(live, leaf.path), merged) ? leaf.value : (merged ?? null));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing of ours is left that is not wanted any more', () => {
    fc.assert(
      fc.property(config, config, (ours, foreign) => {
        const live = deepMerge(foreign, ours);
        const after = patched(live, ownedPatch({ owned: ownedPaths(ours), wanted: {}, live }) ?? {});
        for (const leaf of leavesOf(ours)) expect(valueAtPath(after, leaf.path)).toBeUndefined();
      }),
    );
  });
});

test('keys of others are told, those of the operator and of the spec are not', () => {
  const live = { ttl: 20, pause: true, postgresql: { parameters: { work_mem: '8MB', jit: 'off' } }, slots: { a: { type: 'physical' } } };
  expect(foreignPaths({ owned: ['postgresql.parameters.jit'], wanted: { ttl: 20, slots: { a: { type: 'physical' } } }, live })).toEqual(['pause', 'postgresql.parameters.work_mem']);
});
