import { expect, test } from '@jest/globals';

import { shorten } from './shorten.ts';

test.each([
  ['abcd', 4, 'abcd'],
  ['abcde', 4, 'abc…'],
  ['', 4, ''],
])('%j in %i is %j', (text, length, expected) => {
  expect(shorten(text, length)).toBe(expected);
});
