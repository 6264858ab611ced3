import type { Clock, TimerHandle } from './clock.ts';

interface Timer {
  readonly id: number;
  readonly dueMs: number;
  readonly fn: () => void;
}

/** A clock that stands still until told otherwise. For tests only. */
export class FakeClock implements Clock {
  private now: number;
  /** What `jumpTo` has added to the wall clock; timers and monotonicMs do not see it. */
  private jumpedMs = 0;
  private nextId = 1;
  private readonly timers = new Map<number, Timer>();

  /** @param startMs time shown first, in ms since the epoch. @default 2026-01-01T00:00:00Z */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.now = startMs;
  }

  nowMs(): number {
    return this.now + this.jumpedMs;
  }

  monotonicMs(): number {
    return this.now;
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const id = this.nextId++;
    this.timers.set(id, { id, dueMs: this.now + Math.max(ms, 0), fn });
    return id;
  }

  clearTimeout(handle: TimerHandle): void {
    this.timers.delete(handle as number);
  }

  /** Delays in ms, from now, of all pending timers, soonest first. */
  pendingMs(): number[] {
    return [...this.timers.values()].map((t) => t.dueMs - this.now).sort((a, b) => a - b);
  }

  /** Sets the wall clock, as NTP or an administrator would: timers keep their delays. */
  jumpTo(ms: number): void {
    this.jumpedMs = ms - this.now;
  }

  /** Moves time on by `ms`, firing timers in order of their due time; promises settle before and after each of them. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.now + ms;
    await this.settle();
    for (;;) {
      const next = this.nextDue(untilMs);
      if (next === undefined) break;
      this.timers.delete(next.id);
      this.now = Math.max(this.now, next.dueMs);
      next.fn();
      await this.settle();
    }
    this.now = untilMs;
    await this.settle();
  }

  /** Lets pending promises and immediate callbacks run; time stands still. */
  async settle(): Promise<void> {
    // Three turns of the event loop: the first drains microtasks, the others what setImmediate callbacks queued (a pass of a controller begins in one).
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  private nextDue(untilMs: number): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.timers.values()) {
      if (timer.dueMs > untilMs) continue;
      if (best === undefined || timer.dueMs < best.dueMs || (timer.dueMs === best.dueMs && timer.id < best.id)) best = timer;
    }
    return best;
  }
}
