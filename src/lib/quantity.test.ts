import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareQuantities, equalQuantities, formatBytes, formatCores, parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  test.each<[string | number, number]>([
    ['0', 0],
    ['1', 1],
    [3, 3],
    ['100m', 0.1],
    ['1100m', 1.1],
    ['250u', 0.00025],
    ['1.5', 1.5],
    ['.5Gi', 536_870_912],
    ['5.', 5],
    ['1Ki', 1024],
    ['20Gi', 20 * 2 ** 30],
    ['1k', 1000],
    ['2M', 2_000_000],
    ['1e3', 1000],
    ['1E3', 1000],
    ['12e-1', 1.2],
    ['1E', 1e18],
    ['1Ei', 2 ** 60],
    ['-1Ki', -1024],
    ['+2', 2],
  ])('reads %j as %p', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  test.each(['', ' ', '1 Gi', '1gi', '1KB', '16MB', 'Gi', '1e', '1.2.3', '1Gib', '0x10', 'NaN', '--1', '1Kim'])('refuses %j', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});

test('quantities compare by value', () => {
  expect(equalQuantities('1Gi', '1024Mi')).toBe(true);
  expect(equalQuantities('0.5', '500m')).toBe(true);
  expect(equalQuantities(1, '1000m')).toBe(true);
  expect(compareQuantities('1G', '1Gi')).toBeLessThan(0);
  expect(compareQuantities('2Gi', '1Gi')).toBeGreaterThan(0);
  expect(compareQuantities('x', '1Gi')).toBeUndefined();
});

test('formatBytes and parseQuantity round-trip', () => {
  expect([formatBytes(2 ** 30), formatBytes(1000), formatBytes(0), formatBytes(1536 * 2 ** 20)]).toEqual(['1Gi', '1000', '0', '1536Mi']);
  fc.assert(fc.property(fc.nat(), (n) => parseQuantity(formatBytes(n)) === n));
});

test('formatCores writes millicores and rounds up', () => {
  expect([2, 0.25, 1.1, 0.0001, 0].map(formatCores)).toEqual(['2', '250m', '1100m', '1m', '0']);
});
