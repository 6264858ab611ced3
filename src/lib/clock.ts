/** Handle of a pending timer; opaque, only for `Clock.clearTimeout`. */
export type TimerHandle = unknown;

/** Time as an argument: everything that waits or reads the time takes one of these, so that tests need no sleeping. */
export interface Clock {
  /** Milliseconds since the epoch, as `Date.now()`. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment, never set back or forward: for measuring how long something takes or has been. */
  monotonicMs(): number;
  setTimeout(fn: () => void, ms: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}

/** The longest delay `setTimeout` of Node takes; anything longer fires at once, so we clamp (about 24.8 days). */
const MAX_DELAY_MS = 2_147_483_647;

/** Wall clock and Node's timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(Math.max(ms, 0), MAX_DELAY_MS)),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
};

/** Resolves after `ms` on `clock`, or at once when `signal` aborts; never rejects. Ask `signal.aborted` afterwards. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
