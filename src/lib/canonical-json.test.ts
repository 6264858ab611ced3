import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, sha256Hex, shortHash } from './canonical-json.ts';

describe('canonicalJson', () => {
  test.each([
    [{ b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
    [[3, undefined, 'x'], '[3,null,"x"]'],
    [{ a: undefined, b: true }, '{"b":true}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [-0, '0'],
    ['ü"\n', '"ü\\"\\n"'],
    [{ __proto__: null, __proto: 1 }, '{"__proto":1}'],
  ])('writes %j as %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test('gives equal bytes whatever the order of insertion', () => {
    const shuffled = fc
      .dictionary(fc.string(), fc.jsonValue())
      .map((value) => ({ value, reversed: Object.fromEntries(Object.entries(value).reverse()) }));
    fc.assert(fc.property(shuffled, ({ value, reversed }) => canonicalJson(value) === canonicalJson(reversed)));
  });

  test('loses nothing', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))));
  });

  test.each([[NaN], [Infinity], [10n], [undefined], [() => 1]])('refuses %p', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test('refuses a cycle but not the same object twice', () => {
    const shared = { a: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(() => canonicalJson(cyclic)).toThrow(/cycle/);
  });
});

test('hashes are of the UTF-8 bytes', () => {
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256Hex('é')).toBe(sha256Hex('\u00e9'));
  expect(shortHash('')).toBe('e3b0c44298');
  expect(shortHash('', 4)).toBe('e3b0');
});
