import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, createBackoff } from './backoff.ts';

describe('backoffMs', () => {
  test('doubles up to the cap when there is no jitter', () => {
    const delays = [0, 1, 2, 3, 4, 1000].map((attempt) => backoffMs({ baseMs: 100, capMs: 1000, jitter: 0 }, attempt, () => 0.7));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test('stays positive and never above the cap', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.double({ min: 0, max: 0.999999, noNaN: true }), (attempt, r) => {
        const ms = backoffMs({ baseMs: 5, capMs: 1_000_000 }, attempt, () => r);
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(1_000_000);
      }),
    );
  });
});

test('createBackoff starts again after a reset', () => {
  const backoff = createBackoff({ baseMs: 10, capMs: 100, jitter: 0 }, Math.random);
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([10, 20, 40]);
  expect(backoff.failures()).toBe(3);
  backoff.reset();
  expect(backoff.next()).toBe(10);
});
