import { expect, test } from '@jest/globals';
import { rfc3339Seconds } from './rfc3339.ts';

test('writes whole seconds in UTC, cutting the fraction off', () => {
  expect(rfc3339Seconds(Date.parse('2026-11-23T12:00:00.999Z'))).toBe('2026-11-23T12:00:00Z');
});
