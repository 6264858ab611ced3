import { backoffMs, type BackoffOptions } from '../lib/backoff.ts';
import type { Clock, TimerHandle } from '../lib/clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/**
 * Keys that want a pass. A key is with at most one worker at a time; what is added while it is in work is not lost but waits for `done`; what is
 * added twice is worked on once.
 */
export interface WorkQueue {
  /** The key wants a pass now. Supersedes a pending delay: the pass decides anew when to look again. */
  add(key: string): void;
  /** The key wants a pass in `ms`; of several wishes the earliest counts. Ignored when the key is waiting for a worker anyway. */
  addAfter(key: string, ms: number): void;
  /** As `addAfter`, with the key's own backoff, which grows with each call until `forget`. Returns the delay in ms. */
  addRateLimited(key: string): number;
  /** The key is well: its backoff starts anew. */
  forget(key: string): void;
  /** Calls of `addRateLimited` since the last `forget`. */
  failures(key: string): number;
  /** The next key, when there is one; undefined once the queue is shut down. The caller owns the key until `done`. */
  get(): Promise<string | undefined>;
  /** Gives the key back. */
  done(key: string): void;
  /** Keys waiting for a worker (without those delayed or in work). */
  depth(): number;
  /** No more keys are given out or taken in; waiting `get`s resolve with undefined. */
  shutDown(): void;
}

export interface WorkQueueOptions {
  /** Label of the metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
  readonly metrics?: Metrics;
  /** @default 5 ms doubling up to 16 min 40 s (client-go's), with a fifth of it random */
  readonly backoff?: BackoffOptions;
}

const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 5, capMs: 1_000_000, jitter: 0.2 };

/** See `WorkQueue`. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

interface Delayed {
  readonly key: string;
  readonly dueMs: number;
}

class KeyedQueue implements WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly labels: { readonly name: string };
  /** Keys for a worker, in order, with the time they were added. A Map keeps insertion order and removes from the front in O(1). */
  private readonly waiting = new Map<string, number>();
  /** Keys in work, with the time they were given out. */
  private readonly processing = new Map<string, number>();
  /** Keys in work that want another pass. */
  private readonly again = new Set<string>();
  /** The valid due time of each delayed key; entries of the heap that say otherwise are stale. */
  private readonly due = new Map<string, number>();
  private readonly heap: Delayed[] = [];
  private readonly attempts = new Map<string, number>();
  private readonly getters: ((key: string | undefined) => void)[] = [];
  private timer: { readonly handle: TimerHandle; readonly dueMs: number } | undefined;
  private isShutDown = false;

  constructor(options: WorkQueueOptions) {
    this.options = options;
    this.labels = { name: options.name };
    options.metrics?.beforeScrape.add(() => this.reportRunning());
  }

  add(key: string): void {
    if (this.isShutDown) return;
    this.due.delete(key);
    if (this.waiting.has(key) || this.again.has(key)) return;
    this.options.metrics?.queueAdds.inc(this.labels);
    if (this.processing.has(key)) {
      this.again.add(key);
      return;
    }
    this.waiting.set(key, this.nowMs());
    this.serve();
  }

  addAfter(key: string, ms: number): void {
    if (this.isShutDown || this.waiting.has(key) || this.again.has(key)) return;
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const dueMs = this.nowMs() + ms;
    if (dueMs >= (this.due.get(key) ?? Infinity)) return;
    this.due.set(key, dueMs);
    push(this.heap, { key, dueMs });
    this.arm();
  }

  addRateLimited(key: string): number {
    const attempt = this.failures(key);
    this.attempts.set(key, attempt + 1);
    const ms = backoffMs(this.options.backoff ?? DEFAULT_BACKOFF, attempt, this.options.random);
    this.options.metrics?.queueRetries.inc(this.labels);
    this.addAfter(key, ms);
    return ms;
  }

  forget(key: string): void {
    this.attempts.delete(key);
  }

  failures(key: string): number {
    return this.attempts.get(key) ?? 0;
  }

  get(): Promise<string | undefined> {
    if (this.isShutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.getters.push(resolve);
      this.serve();
    });
  }

  done(key: string): void {
    const startedMs = this.processing.get(key);
    if (startedMs === undefined) return;
    this.processing.delete(key);
    this.options.metrics?.workDuration.observe(this.labels, (this.nowMs() - startedMs) / 1000);
    if (!this.again.delete(key) || this.isShutDown) return;
    this.waiting.set(key, this.nowMs());
    this.serve();
  }

  depth(): number {
    return this.waiting.size;
  }

  shutDown(): void {
    this.isShutDown = true;
    this.options.clock.clearTimeout(this.timer?.handle);
    this.timer = undefined;
    for (const resolve of this.getters.splice(0)) resolve(undefined);
  }

  /** Durations and delays are measured on the monotonic clock: a step of the wall clock must not hold back every recheck. */
  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  private serve(): void {
    const { metrics } = this.options;
    for (const [key, addedMs] of this.waiting) {
      const resolve = this.getters.shift();
      if (resolve === undefined) break;
      this.waiting.delete(key);
      this.processing.set(key, this.nowMs());
      metrics?.queueDuration.observe(this.labels, (this.nowMs() - addedMs) / 1000);
      resolve(key);
    }
    metrics?.queueDepth.set(this.labels, this.waiting.size);
  }

  /** One timer, for the earliest valid entry of the heap. */
  private arm(): void {
    while (this.heap[0] !== undefined && this.due.get(this.heap[0].key) !== this.heap[0].dueMs) pop(this.heap);
    const next = this.heap[0];
    if (next === undefined || (this.timer !== undefined && this.timer.dueMs <= next.dueMs)) return;
    this.options.clock.clearTimeout(this.timer?.handle);
    const handle = this.options.clock.setTimeout(() => this.release(), next.dueMs - this.nowMs());
    this.timer = { handle, dueMs: next.dueMs };
  }

  private release(): void {
    this.timer = undefined;
    const nowMs = this.nowMs();
    // Node's timers may fire up to a millisecond early by the monotonic clock; without the slack we would arm a timer of 0 ms in a loop.
    while (this.heap[0] !== undefined && this.heap[0].dueMs <= nowMs + 1) {
      const entry = pop(this.heap);
      if (entry !== undefined && this.due.get(entry.key) === entry.dueMs) this.add(entry.key);
    }
    this.arm();
  }

  private reportRunning(): void {
    const nowMs = this.nowMs();
    const seconds = [...this.processing.values()].map((startedMs) => (nowMs - startedMs) / 1000);
    this.options.metrics?.unfinishedWork.set(
      this.labels,
      seconds.reduce((sum, each) => sum + each, 0),
    );
    this.options.metrics?.longestRunning.set(this.labels, Math.max(0, ...seconds));
  }
}

/** Binary heap, earliest first. */
function push(heap: Delayed[], entry: Delayed): void {
  let i = heap.push(entry) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.dueMs <= entry.dueMs) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: Delayed[]): Delayed | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let i = 0;
  for (;;) {
    const left = 2 * i + 1;
    const child = (heap[left + 1]?.dueMs ?? Infinity) < (heap[left]?.dueMs ?? Infinity) ? left + 1 : left;
    const below = heap[child];
    if (below === undefined || below.dueMs >= last.dueMs) break;
    heap[i] = below;
    i = child;
  }
  heap[i] = last;
  return first;
}
