import { describe, expect, test } from '@jest/globals';
import { createKeyedPool } from './keyed-pool.ts';

interface Resource {
  readonly id: number;
}

function pool(capacity: number) {
  const closed: number[] = [];
  let made = 0;
  const keyed = createKeyedPool<Resource>({ capacity, close: (r) => closed.push(r.id) });
  return { ...keyed, closed, take: (key: string, fingerprint = 'a') => keyed.get(key, fingerprint, () => ({ id: ++made })).id };
}

describe('a keyed pool', () => {
  test('hands out the same resource for the same key and fingerprint', () => {
    const p = pool(2);
    expect([p.take('x'), p.take('x'), p.closed.length]).toEqual([1, 1, 0]);
  });

  test('replaces and closes the resource when the fingerprint changes', () => {
    const p = pool(2);
    expect([p.take('x', 'a'), p.take('x', 'b')]).toEqual([1, 2]);
    expect(p.closed).toEqual([1]);
  });

  test('closes the least recently used one beyond its capacity', () => {
    const p = pool(2);
    p.take('x');
    p.take('y');
    p.take('x');
    p.take('z');
    expect(p.closed).toEqual([2]);
    expect(p.take('x')).toBe(1);
    expect(p.size()).toBe(2);
  });

  test('closes each resource once, on dispose and on clear', () => {
    const p = pool(3);
    p.take('x');
    p.take('y');
    p.dispose('x');
    p.dispose('x');
    p.clear();
    expect(p.closed).toEqual([1, 2]);
    expect(p.size()).toBe(0);
  });

  test('keeps the old resource when making the new one fails', () => {
    const p = createKeyedPool<Resource>({ capacity: 1, close: () => undefined });
    const first = p.get('x', 'a', () => ({ id: 1 }));
    expect(() =>
      p.get('x', 'b', () => {
        throw new TypeError('bad certificate');
      }),
    ).toThrow('bad certificate');
    expect(p.get('x', 'a', () => ({ id: 2 }))).toBe(first);
  });
});
