import { expect, test } from '@jest/globals';

import { recheckAfterMs } from './recheck.ts';

test.each([
  ['an idle cluster among few', 10_000, 100, 10_000],
  ['an idle cluster among a thousand', 10_000, 1_000, 25_000],
  ['a busy cluster among a thousand', 1_000, 1_000, 1_000],
])('%s is looked at again in time', (_, decidedMs, clusters, expected) => {
  expect(recheckAfterMs(decidedMs, clusters)).toBe(expected);
});
