import { expect, test } from '@jest/globals';

import { closestWord } from './closest-word.ts';

const fields = ['replicas', 'storage', 'resources', 'pod', 'maxLag'];

test.each([
  ['replica', 'replicas'],
  ['repilcas', 'replicas'],
  ['maxlag', 'maxLag'],
  ['storgae', 'storage'],
  ['pods', 'pod'],
])('takes %s for %s', (typed, meant) => {
  expect(closestWord(typed, fields)).toBe(meant);
});

test.each(['', 'x', 'image', 'r'.repeat(100_000)])('offers nothing for a word that is close to none', (typed) => {
  expect(closestWord(typed, fields)).toBeUndefined();
});
