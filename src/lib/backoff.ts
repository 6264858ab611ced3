/** Shape of an exponential backoff. All times in milliseconds. */
export interface BackoffOptions {
  /** Delay before the first retry. */
  readonly baseMs: number;
  /** No delay is longer than this, jitter included. */
  readonly capMs: number;
  /** Growth per attempt. @default 2 @minimum 1 */
  readonly factor?: number;
  /** Share of the delay that is random: 0 is none, 1 spreads over (0, delay]. @default 0.5 */
  readonly jitter?: number;
}

/**
 * Delay in ms before retry number `attempt` (0 is the first). The random share is taken off, not added, so that the cap holds and
 * clients that failed together do not come back together.
 * @param random returns a number in [0, 1), as Math.random does.
 */
export function backoffMs(options: BackoffOptions, attempt: number, random: () => number): number {
  const factor = options.factor ?? 2;
  // Exponents beyond this overflow to Infinity for any base; Math.min would still hold, but 0 * Infinity is NaN.
  const full = Math.min(options.baseMs * factor ** Math.min(attempt, 64), options.capMs);
  return full * (1 - (options.jitter ?? 0.5) * random());
}

/** Counts consecutive failures and tells how long to wait after each; `reset` on success. */
export interface Backoff {
  /** Delay in ms after one more failure. */
  next(): number;
  reset(): void;
  /** Failures since the last reset. */
  failures(): number;
}

export function createBackoff(options: BackoffOptions, random: () => number): Backoff {
  let attempt = 0;
  return {
    next: () => backoffMs(options, attempt++, random),
    reset: () => {
      attempt = 0;
    },
    failures: () => attempt,
  };
}
