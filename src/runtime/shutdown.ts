import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

/** One thing to stop, in the order given: first what takes new work, last what the others need (the lease, the connections, the logs). */
export interface ShutdownStep {
  readonly name: string;
  readonly run: () => Promise<void> | void;
  /** After this long the next step begins all the same. @default 5_000 ms */
  readonly timeoutMs?: number;
}

export interface ShutdownOptions {
  readonly steps: readonly ShutdownStep[];
  /** Time for all steps together; below terminationGracePeriodSeconds of the pod. @default 25_000 ms */
  readonly deadlineMs?: number;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

/** Where signals come from; `process` has this shape. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

export interface Shutdown {
  /** Aborts when the shutdown begins. */
  readonly signal: AbortSignal;
  /** Stops everything, once, then exits with `exitCode`; later calls change nothing. */
  begin(reason: string, exitCode: number): Promise<void>;
  /** Begins on SIGTERM or SIGINT; a second signal exits at once, with 1. */
  listen(source: SignalSource): void;
}

const DEFAULT_STEP_MS = 5000;
const DEFAULT_DEADLINE_MS = 25_000;

/** Orderly end of the process. A step that fails or hangs is logged and passed over. */
export function createShutdown(options: ShutdownOptions): Shutdown {
  const { clock, exit } = options;
  const logger = options.logger.child({ component: 'runtime' });
  const begun = new AbortController();
  let ending: Promise<void> | undefined;

  const end = async (reason: string, exitCode: number): Promise<void> => {
    logger.info('stopping', { reason });
    begun.abort();
    const untilMs = clock.monotonicMs() + (options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    for (const step of options.steps) {
      const leftMs = Math.max(untilMs - clock.monotonicMs(), 0);
      await runStep(step, Math.min(step.timeoutMs ?? DEFAULT_STEP_MS, leftMs));
    }
    logger.info('stopped', { reason });
    exit(exitCode);
  };

  const runStep = async (step: ShutdownStep, timeoutMs: number): Promise<void> => {
    let timer: unknown;
    const overdue = new Promise<'overdue'>((resolve) => {
      timer = clock.setTimeout(() => resolve('overdue'), timeoutMs);
    });
    try {
      // The arrow function turns a synchronous throw into a rejection as well.
      const result = await Promise.race([(async () => step.run())(), overdue]);
      if (result === 'overdue') logger.warn('step of the shutdown took too long', { step: step.name, timeoutMs });
    } catch (error) {
      logger.warn('step of the shutdown failed', { step: step.name, error });
    } finally {
      clock.clearTimeout(timer);
    }
  };

  const begin = (reason: string, exitCode: number): Promise<void> => {
    ending ??= end(reason, exitCode);
    return ending;
  };

  return {
    signal: begun.signal,
    begin,
    listen: (source) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) {
        source.on(name, () => {
          if (ending === undefined) void begin(name, 0);
          else exit(1);
        });
      }
    },
  };
}
