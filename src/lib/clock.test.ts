import { describe, expect, test } from '@jest/globals';
import { delay } from './clock.ts';
import { FakeClock } from './fake-clock.ts';

describe('FakeClock', () => {
  test('fires timers in order of due time, including those set while advancing', async () => {
    const clock = new FakeClock(0);
    const seen: string[] = [];
    clock.setTimeout(() => {
      seen.push(`a@${clock.nowMs()}`);
      clock.setTimeout(() => seen.push(`c@${clock.nowMs()}`), 5);
    }, 10);
    clock.setTimeout(() => seen.push(`b@${clock.nowMs()}`), 12);
    const cancelled = clock.setTimeout(() => seen.push('never'), 11);
    clock.clearTimeout(cancelled);
    await clock.advance(20);
    expect(seen).toEqual(['a@10', 'b@12', 'c@15']);
    expect(clock.nowMs()).toBe(20);
    expect(clock.pendingMs()).toEqual([]);
  });
});

describe('delay', () => {
  test('resolves when its time has come', async () => {
    const clock = new FakeClock();
    let done = false;
    void delay(clock, 100).then(() => (done = true));
    await clock.advance(99);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(done).toBe(true);
  });

  test('resolves at once on abort and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const waiting = delay(clock, 100, abort.signal);
    abort.abort();
    await waiting;
    expect(clock.pendingMs()).toEqual([]);
    await delay(clock, 100, abort.signal);
    expect(clock.pendingMs()).toEqual([]);
  });
});
