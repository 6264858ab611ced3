import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

test.each<[string, number]>([
  ['30s', 30_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['1m0.5s', 60_500],
  ['0', 0],
  ['0s', 0],
])('reads %s as %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', '5 s', '1d', '-1s', '1h-30m', 's', '1hh', 'PT5S'])('refuses %j', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('what is formatted reads back the same', () => {
  expect([formatDuration(90_000), formatDuration(0), formatDuration(3_600_001)]).toEqual(['1m30s', '0s', '1h1ms']);
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
});
