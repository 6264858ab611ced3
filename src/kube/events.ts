import { errorCode } from '../errors.ts';
import { shortHash } from '../lib/canonical-json.ts';
import type { Clock, TimerHandle } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { microTime } from './micro-time.ts';
import type { KubeRest } from './rest.ts';
import { KINDS, keyOf, type KubeObject } from './types.ts';

/** What an event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

export interface EventFacts {
  readonly regarding: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase, for machines: why. */
  readonly reason: string;
  /** UpperCamelCase: what was done or refused. */
  readonly action: string;
  /** For humans, without secrets; at most 1,024 bytes are kept. */
  readonly message: string;
}

/** Tells users what happened, through Kubernetes Events. */
export interface EventRecorder {
  /** Never throws and never waits. Events that say the same are counted on one object; a reason that is told of one object too often is cut short. */
  record(facts: EventFacts): void;
  /** Writes what is pending; resolves when done, also when the API server refuses. */
  flush(): Promise<void>;
  /** As `flush`; afterwards nothing is recorded any more. */
  stop(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly rest: Pick<KubeRest, 'create' | 'patch'>;
  /** `reportingController` of the events. */
  readonly controller: string;
  /** Name of the pod of the operator. */
  readonly instance: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics?: Metrics;
}

/** Per object and reason: this many at once, then one more every five minutes (client-go's EventSourceObjectSpamFilter, whose budget all reasons share: a chatty one would silence the others). */
const BURST = 25;
const REFILL_MS = 300_000;
/** Two equal events further apart than this are two incidents, each with an object of its own (client-go: six minutes). */
const SERIES_GAP_MS = 360_000;
/** Small enough to look immediate, long enough to write a burst of equal events once. */
const FLUSH_DELAY_MS = 200;
const MAX_PENDING = 1000;
const MAX_MESSAGE_BYTES = 1024;

/** Equal events so far. `written` is what the API server has. */
interface Series {
  readonly facts: EventFacts;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  writtenCount: number;
  /** Name of the Event object, once created. */
  name: string | undefined;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** See `EventRecorder`. Events are of `events.k8s.io/v1`, which `kubectl get events` and `kubectl describe` show as well. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, logger, metrics } = options;
  const series = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();
  let timer: TimerHandle;
  let isStopped = false;
  let flushing = Promise.resolve();

  const schedule = (): void => {
    timer ??= clock.setTimeout(() => {
      timer = undefined;
      void flush();
    }, FLUSH_DELAY_MS);
  };

  const write = async (each: Series): Promise<void> => {
    const { count, lastMs } = each;
    const namespace = each.facts.regarding.namespace ?? 'default';
    try {
      if (each.name === undefined) {
        const event = newEvent(each, namespace, options);
        await options.rest.create(KINDS.Event, event);
        each.name = event.metadata.name;
      } else {
        const body = { series: { count, lastObservedTime: microTime(lastMs) } };
        await options.rest.patch(KINDS.Event, { namespace, name: each.name }, { type: 'merge', body });
      }
    } catch (error) {
      // An Event is forgotten by the API server after an hour: then the next equal one begins a new object.
      if (errorCode(error) === 'ERR_KUBE_NOT_FOUND') each.name = undefined;
      metrics?.eventsDropped.inc({ why: 'refused' });
      logger.debug('event was not written', { component: 'kube', reason: each.facts.reason, error });
    }
    // Written or not, it is not tried again: events are a courtesy, and a queue of them must not outlive an outage.
    each.writtenCount = count;
  };

  const flushOnce = async (): Promise<void> => {
    for (const each of [...series.values()]) if (each.count > each.writtenCount) await write(each);
    const nowMs = clock.nowMs();
    for (const [key, each] of series) if (nowMs - each.lastMs > SERIES_GAP_MS) series.delete(key);
    for (const [key, bucket] of buckets) if (refill(bucket, nowMs) >= BURST) buckets.delete(key);
  };

  const flush = (): Promise<void> => {
    flushing = flushing.then(flushOnce);
    return flushing;
  };

  const isWithinRate = (key: string, nowMs: number): boolean => {
    const bucket = buckets.get(key) ?? { tokens: BURST, atMs: nowMs };
    bucket.tokens = refill(bucket, nowMs);
    bucket.atMs = nowMs;
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };

  return {
    record: (facts) => {
      if (isStopped) return;
      const nowMs = clock.nowMs();
      const { regarding, type, reason, action, message } = facts;
      const subject = `${regarding.kind}/${keyOf(regarding)}/${regarding.uid ?? ''}`;
      const key = [subject, type, reason, action, message].join('\n');
      const known = series.get(key);
      if (!isWithinRate(`${subject} ${reason}`, nowMs) || (known === undefined && series.size >= MAX_PENDING)) {
        metrics?.eventsDropped.inc({ why: 'rate' });
        return;
      }
      if (known !== undefined && nowMs - known.lastMs <= SERIES_GAP_MS) {
        known.count++;
        known.lastMs = nowMs;
      } else {
        series.set(key, { facts, firstMs: nowMs, lastMs: nowMs, count: 1, writtenCount: 0, name: undefined });
      }
      schedule();
    },
    flush,
    stop: async () => {
      isStopped = true;
      clock.clearTimeout(timer);
      await flush();
    },
  };
}

function refill(bucket: Bucket, nowMs: number): number {
  return Math.min(BURST, bucket.tokens + (nowMs - bucket.atMs) / REFILL_MS);
}

function newEvent(each: Series, namespace: string, options: EventRecorderOptions): KubeObject {
  const { regarding, type, reason, action, message } = each.facts;
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      namespace,
      name: `${regarding.name}.${shortHash(`${each.firstMs} ${options.instance} ${type} ${reason} ${action} ${message} ${regarding.uid ?? ''}`, 16)}`,
    },
    eventTime: microTime(each.firstMs),
    reportingController: options.controller,
    reportingInstance: options.instance,
    regarding,
    type,
    reason,
    action,
    note: clip(message),
    ...(each.count > 1 ? { series: { count: each.count, lastObservedTime: microTime(each.lastMs) } } : {}),
  };
  return event;
}

/** At most 1,024 bytes of UTF-8, not ending inside a character. */
function clip(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_MESSAGE_BYTES) return text;
  return `${bytes
    .subarray(0, MAX_MESSAGE_BYTES - 4)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}
