import { randomUUID } from 'node:crypto';
import { OperatorError, toOperatorError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics, ReconcileResult } from '../telemetry/metrics.ts';
import type { WorkQueue } from './work-queue.ts';

/** How a pass ends when nothing failed. Waiting is a value: `recheck` comes back after `afterMs`, or earlier if something changes. */
export type Outcome = { readonly kind: 'settled' } | { readonly kind: 'recheck'; readonly afterMs: number; readonly reason: string };

/** What a pass is given besides its key. */
export interface PassContext {
  /** Aborts when the pass takes too long or the operator stops: hand it to every call. */
  readonly signal: AbortSignal;
  /** Ties together the log lines of the pass. */
  readonly reconcileId: string;
  /** Carries `reconcileId`, `controller` and `key`. */
  readonly logger: Logger;
}

export interface ControllerOptions {
  /** Label of metrics and logs. */
  readonly name: string;
  readonly queue: WorkQueue;
  /** Passes at a time, of different keys. */
  readonly workers: number;
  /** One pass. Thrown errors of class `terminal` wait for a change of the object; all others are tried again with the key's backoff. */
  readonly reconcile: (key: string, context: PassContext) => Promise<Outcome>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics?: Metrics;
  /** @default 600_000 ms */
  readonly timeoutMs?: number;
}

/** Workers that take keys from a queue. */
export interface Controller {
  start(): void;
  /**
   * Takes no more keys, lets passes under way finish for `drainMs`, then aborts them; resolves when every worker has ended.
   * @default 20_000 ms
   */
  stop(drainMs?: number): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_DRAIN_MS = 20_000;

/** See `Controller`. A pass that throws, whatever it throws, harms no other key. */
export function createController(options: ControllerOptions): Controller {
  const { name, queue, workers, clock, metrics } = options;
  const logger = options.logger.child({ component: 'runtime', controller: name });
  const labels = { controller: name };
  const stopping = new AbortController();
  let running: Promise<void>[] | undefined;

  const settle = (key: string, outcome: Outcome): ReconcileResult => {
    queue.forget(key);
    if (outcome.kind === 'settled') return 'success';
    queue.addAfter(key, outcome.afterMs);
    return 'requeue_after';
  };

  const fail = (key: string, error: OperatorError, pass: PassContext): ReconcileResult => {
    metrics?.reconcileErrors.inc(labels);
    if (error.code === 'ERR_RUNTIME_UNEXPECTED') metrics?.reconcilePanics.inc(labels);
    if (error.retry === 'terminal') {
      metrics?.reconcileTerminalErrors.inc(labels);
      queue.forget(key);
      pass.logger.error('pass failed, waiting for a change', { error });
      return 'terminal';
    }
    const retryInMs = Math.round(queue.addRateLimited(key));
    const facts = { error, retryInMs, failures: queue.failures(key) };
    if (error.code === 'ERR_RUNTIME_UNEXPECTED') pass.logger.error('pass failed unexpectedly, trying again', facts);
    // Losing a race against another writer is how optimistic concurrency works, not news.
    else if (error.code === 'ERR_KUBE_CONFLICT' || error.code === 'ERR_KUBE_ABORTED')
      pass.logger.debug('pass interrupted, trying again', facts);
    else pass.logger.warn('pass failed, trying again', facts);
    return 'error';
  };

  const pass = async (key: string): Promise<void> => {
    const startMs = clock.monotonicMs();
    const deadline = openDeadline(options, key, stopping.signal);
    const reconcileId = randomUUID();
    const context = { signal: deadline.signal, reconcileId, logger: logger.child({ reconcileId, key }) };
    metrics?.activeWorkers.inc(labels);
    let result: ReconcileResult;
    try {
      const outcome = await options.reconcile(key, context);
      result = settle(key, outcome);
    } catch (e) {
      result = fail(key, deadline.error(e), context);
    } finally {
      deadline.close();
    }
    metrics?.activeWorkers.dec(labels);
    metrics?.reconcileTotal.inc({ ...labels, result });
    metrics?.reconcileTime.observe(labels, (clock.monotonicMs() - startMs) / 1000);
    queue.done(key);
  };

  /**
   * Each pass begins in a turn of the event loop of its own. With many keys due at once the workers would otherwise go from pass to pass in microtasks, and sockets, timers and the
   * renewal of the Lease would wait (seen: 185 ms of work without a break at 400 clusters).
   */
  let lastTurn = Promise.resolve();
  const nextTurn = (): Promise<void> => (lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve))));

  const work = async (): Promise<void> => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      await nextTurn();
      await pass(key);
    }
  };

  return {
    start: () => {
      if (running !== undefined) return;
      metrics?.maxConcurrentReconciles.set(labels, workers);
      metrics?.activeWorkers.set(labels, 0);
      // Rates need a first sample: a counter that appears with its first error has no increase.
      for (const counter of [metrics?.reconcileErrors, metrics?.reconcileTerminalErrors, metrics?.reconcilePanics]) counter?.inc(labels, 0);
      running = Array.from({ length: workers }, work);
    },
    stop: async (drainMs = DEFAULT_DRAIN_MS) => {
      queue.shutDown();
      const timer = clock.setTimeout(() => stopping.abort(), drainMs);
      await Promise.all(running ?? []);
      clock.clearTimeout(timer);
    },
  };
}

interface Deadline {
  readonly signal: AbortSignal;
  /** The error of the pass: ERR_RUNTIME_RECONCILE_TIMEOUT when it was thrown because of the deadline. */
  error(thrown: unknown): OperatorError;
  close(): void;
}

/**
 * Aborts the pass when its time is up. It is not abandoned: a second pass of the same key must never run beside one that still acts, so a pass that
 * ignores its signal keeps its key (see workqueue_longest_running_processor_seconds).
 */
function openDeadline(options: ControllerOptions, key: string, stopping: AbortSignal): Deadline {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const controller = new AbortController();
  let isOverdue = false;
  const timer = options.clock.setTimeout(() => {
    isOverdue = true;
    options.logger.warn('pass takes too long, aborting it', { component: 'runtime', controller: options.name, key, timeoutMs });
    controller.abort();
  }, timeoutMs);
  const onStop = () => controller.abort();
  if (stopping.aborted) onStop();
  else stopping.addEventListener('abort', onStop, { once: true });
  return {
    signal: controller.signal,
    error: (thrown) =>
      isOverdue
        ? new OperatorError('ERR_RUNTIME_RECONCILE_TIMEOUT', { controller: options.name, key, timeoutMs }, { cause: thrown })
        : toOperatorError(thrown),
    close: () => {
      options.clock.clearTimeout(timer);
      stopping.removeEventListener('abort', onStop);
    },
  };
}
