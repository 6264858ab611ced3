import { expect, test } from '@jest/globals';

import { perObject } from './per-object.ts';

test('perObject computes once for each object, undefined included', () => {
  const seen: number[] = [];
  const half = perObject(({ n }: { readonly n: number }) => {
    seen.push(n);
    return n % 2 === 0 ? n / 2 : undefined;
  });
  const [four, three] = [{ n: 4 }, { n: 3 }];
  expect([half(four), half(three), half(four), half(three), half({ n: 4 })]).toEqual([2, undefined, 2, undefined, 2]);
  expect(seen).toEqual([4, 3, 4]);
});
