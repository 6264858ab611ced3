import { describe, expect, test } from '@jest/globals';

import { recheckAfterMs } from './recheck.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');

describe('a cluster is looked at again', () => {
  test.each([
    ['when idle among few', 10_000, 100, 10_000],
    ['when busy among a thousand', 1_000, 1_000, 1_000],
  ])('%s, after what was decided', (_, decidedMs, clusters, expected) => {
    expect(recheckAfterMs(decidedMs, { key: 'shop/orders', clusters, nowMs: NOW })).toBe(expected);
  });

  test('when idle among a thousand, once in each round of 25 s', () => {
    const first = recheckAfterMs(10_000, { key: 'shop/orders', clusters: 1_000, nowMs: NOW });
    expect(first).toBeGreaterThanOrEqual(12_500);
    expect(first).toBeLessThanOrEqual(37_500);
    // A pass that took 80 ms does not move its place.
    expect(recheckAfterMs(10_000, { key: 'shop/orders', clusters: 1_000, nowMs: NOW + first + 80 })).toBeCloseTo(25_000 - 80, -1);
  });

  test('spread over the round, even when a thousand became ready in one moment', () => {
    const due = Array.from({ length: 1_000 }, (_, n) => recheckAfterMs(10_000, { key: `bench/pg${n}`, clusters: 1_000, nowMs: NOW }) % 25_000);
    const perSecond = Array.from({ length: 25 }, (_, second) => due.filter((ms) => Math.floor(ms / 1_000) === second).length);
    expect(Math.max(...perSecond)).toBeLessThan(80);
    expect(Math.min(...perSecond)).toBeGreaterThan(15);
  });
});
