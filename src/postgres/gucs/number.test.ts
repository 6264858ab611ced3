import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { parseGucInteger, parseGucReal, unitsOf } from './number.ts';

const BASES = ['B', 'kB', '8kB', 'MB', 'ms', 's', 'min'];

// Every row was judged alike by PostgreSQL 14 to 18.
describe('parseGucInteger', () => {
  test.each<[string, string | undefined, number]>([
    ['100', undefined, 100],
    [' \t\v\f\r+7 ', undefined, 7],
    ['0x1F', undefined, 31],
    ['0X1f', undefined, 31],
    ['0755', undefined, 493],
    ['-0', undefined, -0],
    ['1.5', undefined, 2],
    ['2.5', undefined, 2],
    ['-1.5', undefined, -2],
    ['.5', undefined, 0],
    ['5.', undefined, 5],
    ['1e3', undefined, 1000],
    ['0x10.8', undefined, 16],
    ['010.5', undefined, 10],
    ['2147483647', undefined, 2_147_483_647],
    ['2147483647.4', undefined, 2_147_483_647],
    ['128MB', '8kB', 16_384],
    ['128 MB ', '8kB', 16_384],
    ['1GB', 'kB', 1_048_576],
    ['0x10MB', 'kB', 16_384],
    ['1.5GB', 'kB', 1_572_864],
    ['30.1GB', 'kB', 31_561_728],
    ['30.1GB', 'MB', 30_822],
    ['4kB', '8kB', 0],
    ['12kB', '8kB', 2],
    ['1023B', 'kB', 1],
    ['5min', 's', 300],
    ['1d', 'ms', 86_400_000],
    ['1499us', 'ms', 1],
    ['90s', 'min', 2],
    ['1.5h', 'min', 90],
  ])('reads %j in %s as %p', (text, base, value) => {
    expect(parseGucInteger(text, base)).toEqual({ value });
  });

  test.each(['', ' ', 'x', '-.5', ' .5', '+.5', 'inf', 'nan', '1e400', '- 1', '--1', '٣'])('finds no number in %j', (text) => {
    expect(parseGucInteger(text, 'kB')).toEqual({ fault: 'syntax' });
  });

  test.each(['2147483648', '-2147483649', '0x80000000', '9223372036854775808', '1e10', '4TB'])('finds %j too large for 32 bits', (text) => {
    expect(parseGucInteger(text, 'kB')).toEqual({ fault: 'range' });
  });

  test.each<[string, string | undefined, number, string]>([
    ['10s', undefined, 10, 's'],
    ['16Mi', '8kB', 16, 'Mi'],
    ['16mb', '8kB', 16, 'mb'],
    ['16KB', '8kB', 16, 'KB'],
    ['16 M B', '8kB', 16, 'M B'],
    ['1MB', 's', 1, 'MB'],
    ['08', undefined, 0, '8'],
    ['09.5', undefined, 0, '9.5'],
    ['0b1', undefined, 0, 'b1'],
    ['0x', undefined, 0, 'x'],
    ['1_000', undefined, 1, '_000'],
    ['1e', undefined, 1, 'e'],
    ['5\u00a0', undefined, 5, '\u00a0'],
  ])('finds in %j for %s after the number %p the unit %j, which does not belong there', (text, base, number, unit) => {
    expect(parseGucInteger(text, base)).toEqual({ fault: 'unit', number, unit });
  });
});

describe('parseGucReal', () => {
  test.each<[string, string | undefined, number]>([
    ['0.90', undefined, 0.9],
    ['-.5', undefined, -0.5],
    [' .5', undefined, 0.5],
    ['1e-3', undefined, 0.001],
    ['08', undefined, 8],
    ['0x1p3', undefined, 8],
    ['0x1.8', undefined, 1.5],
    ['0x.8p1', undefined, 1],
    ['Infinity', undefined, Infinity],
    ['-inf', undefined, -Infinity],
    ['1.7976931348623157e308', undefined, Number.MAX_VALUE],
    ['2ms', 'ms', 2],
    ['2.5 ms', 'ms', 2.5],
    ['100us', 'ms', 0.1],
    ['1.0005s', 'ms', 1000],
  ])('reads %j in %s as %p', (text, base, value) => {
    expect(parseGucReal(text, base)).toEqual({ value });
  });

  test.each(['', 'nan', 'NaN(1)', '1e400', '1e-400', '5e-324', 'x'])('finds no number in %j', (text) => {
    expect(parseGucReal(text, undefined)).toEqual({ fault: 'syntax' });
  });
});

test('whole amounts keep their value in every unit that holds them', () => {
  const amounts = fc.record({ base: fc.constantFrom(...BASES), index: fc.nat(5), count: fc.integer({ min: 0, max: 2000 }) });
  fc.assert(
    fc.property(amounts, ({ base, index, count }) => {
      const [unit, size] = Object.entries(unitsOf(base)!)[index] ?? ['', 1];
      const inBase = count * size;
      fc.pre(Number.isInteger(inBase) && inBase < 2 ** 31);
      expect(parseGucInteger(`${count}${unit}`, base)).toEqual({ value: inBase });
      expect(parseGucInteger(`${inBase}`, base)).toEqual({ value: inBase });
    }),
  );
});

test('any text is read without an exception, and never as an integer beyond 32 bits', () => {
  const texts = fc.oneof(fc.string({ unit: fc.constantFrom(...'0123456789xXeE.+-pPabBkKMGinf \t'.split('')) }), fc.string());
  fc.assert(
    fc.property(texts, fc.constantFrom(undefined, ...BASES), (text, base) => {
      const read = parseGucInteger(text, base);
      expect('value' in read ? read.value === (read.value | 0) : true).toBe(true);
      parseGucReal(text, base);
    }),
  );
});
