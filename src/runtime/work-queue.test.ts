import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../lib/fake-clock.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

function setUp(): { clock: FakeClock; queue: WorkQueue } {
  const clock = new FakeClock();
  return { clock, queue: createWorkQueue({ name: 'q', clock, random: () => 0, backoff: { baseMs: 5, capMs: 1000, jitter: 0 } }) };
}

/** The key that `get` gives at once, or undefined when it would wait. */
async function take(clock: FakeClock, queue: WorkQueue): Promise<string | undefined> {
  if (queue.depth() === 0) await clock.settle();
  return queue.depth() === 0 ? undefined : queue.get();
}

describe('work queue', () => {
  test('gives keys in the order they came, each once', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth()).toBe(3);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', 'c']);
  });

  test('hands a key to a worker that was waiting', async () => {
    const { queue } = setUp();
    const waiting = queue.get();
    queue.add('a');
    expect(await waiting).toBe('a');
  });

  test('holds back a key that is in work, and gives it again after done', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(await take(clock, queue)).toBeUndefined();
    queue.done('a');
    expect(await take(clock, queue)).toBe('a');
    queue.done('a');
    expect(await take(clock, queue)).toBeUndefined();
  });

  test('gives delayed keys when their time comes, in that order', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('late', 300);
    queue.addAfter('soon', 100);
    queue.addAfter('middle', 200);
    queue.addAfter('now', 0);
    expect(await take(clock, queue)).toBe('now');
    expect(clock.pendingMs()).toEqual([100]);
    await clock.advance(250);
    expect([await take(clock, queue), await take(clock, queue), await take(clock, queue)]).toEqual(['soon', 'middle', undefined]);
    await clock.advance(50);
    expect(await take(clock, queue)).toBe('late');
    expect(clock.pendingMs()).toEqual([]);
  });

  test('keeps the earliest of several delays', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    queue.addAfter('a', 50);
    await clock.advance(50);
    expect(await take(clock, queue)).toBe('a');
    queue.done('a');
    await clock.advance(1000);
    expect(await take(clock, queue)).toBeUndefined();
  });

  test('drops the delay of a key that is added right away', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 100);
    queue.add('a');
    expect(await take(clock, queue)).toBe('a');
    queue.done('a');
    await clock.advance(1000);
    expect(await take(clock, queue)).toBeUndefined();
  });

  test('keeps a delay asked for while the key is in work', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    await queue.get();
    queue.addAfter('a', 10);
    queue.done('a');
    await clock.advance(10);
    expect(await take(clock, queue)).toBe('a');
  });

  test('backs off per key until forgotten', () => {
    const { queue } = setUp();
    expect([1, 2, 3, 4].map(() => queue.addRateLimited('a'))).toEqual([5, 10, 20, 40]);
    expect(queue.addRateLimited('b')).toBe(5);
    expect(queue.failures('a')).toBe(4);
    for (let i = 0; i < 20; i++) queue.addRateLimited('a');
    expect(queue.addRateLimited('a')).toBe(1000);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(5);
  });

  test('is not moved by a step of the wall clock', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 100);
    clock.jumpTo(0);
    await clock.advance(100);
    expect(await take(clock, queue)).toBe('a');
  });

  test('lets all workers go when shut down, and takes nothing in any more', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('later', 10);
    const waiting = [queue.get(), queue.get()];
    queue.shutDown();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    queue.add('a');
    queue.addAfter('b', 1);
    expect(await queue.get()).toBeUndefined();
    expect(clock.pendingMs()).toEqual([]);
  });

  test('reports depth, waiting time and what is running', async () => {
    const clock = new FakeClock();
    const metrics = createMetrics({ processMetrics: false });
    const queue = createWorkQueue({ name: 'q', clock, random: Math.random, metrics });
    queue.add('a');
    queue.add('b');
    await clock.advance(2000);
    await queue.get();
    await clock.advance(3000);
    const text = await metrics.registry.metrics();
    expect(text).toContain('workqueue_depth{name="q"} 1');
    expect(text).toContain('workqueue_adds_total{name="q"} 2');
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="q"} 2');
    expect(text).toContain('workqueue_unfinished_work_seconds{name="q"} 3');
    expect(text).toContain('workqueue_longest_running_processor_seconds{name="q"} 3');
  });
});

type Step =
  | { readonly do: 'add' | 'retry' | 'get' | 'finish'; readonly key: string }
  | { readonly do: 'after'; readonly key: string; readonly ms: number }
  | { readonly do: 'wait'; readonly ms: number };

const keys = fc.constantFrom('a', 'b', 'c', 'd');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('add' as const, 'retry' as const, 'get' as const, 'finish' as const), key: keys }),
    fc.record({ do: fc.constant('after' as const), key: keys, ms: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }),
  ),
  { maxLength: 60 },
);

test('whatever happens, no key is with two workers and no wish is lost', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { clock, queue } = setUp();
      const inWork = new Set<string>();
      /** Keys for which a pass was wished for since one last began. */
      const wished = new Set<string>();
      const begin = (key: string) => {
        expect(inWork.has(key)).toBe(false);
        expect(wished.has(key)).toBe(true);
        inWork.add(key);
        wished.delete(key);
      };
      for (const step of script) {
        if (step.do === 'wait') await clock.advance(step.ms);
        else if (step.do === 'get') {
          const key = await take(clock, queue);
          if (key !== undefined) begin(key);
        } else if (step.do === 'finish') {
          if (inWork.delete(step.key)) queue.done(step.key);
        } else {
          wished.add(step.key);
          if (step.do === 'add') queue.add(step.key);
          else if (step.do === 'retry') queue.addRateLimited(step.key);
          else queue.addAfter(step.key, (step as { readonly ms: number }).ms);
        }
      }
      // Let everything run out: all that was wished for must come, and nothing else.
      for (let round = 0; round < 10; round++) {
        for (const key of inWork) queue.done(key);
        inWork.clear();
        await clock.advance(2000);
        for (let key = await take(clock, queue); key !== undefined; key = await take(clock, queue)) begin(key);
      }
      expect([...wished]).toEqual([]);
      expect([...inWork]).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
