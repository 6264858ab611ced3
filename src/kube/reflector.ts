import { errorCode, isOperatorError, OperatorError } from '../errors.ts';
import { createBackoff, type Backoff, type BackoffOptions } from '../lib/backoff.ts';
import { delay, type Clock, type TimerHandle } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CacheWriter } from './cache.ts';
import type { KubeRest } from './rest.ts';
import { keyOf, type KubeObject, type ResourceKind } from './types.ts';
import type { WatchEvent } from './watch-stream.ts';

/** What is watched, and with what. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly kind: ResourceKind;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly metadataOnly?: boolean;
  /** Applied to each object before it is kept. */
  readonly transform: (object: KubeObject) => T;
  readonly sink: CacheWriter<T>;
  readonly rest: Pick<KubeRest, 'list' | 'watch'>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
  readonly metrics?: Metrics | undefined;
  readonly tuning?: Partial<ReflectorTuning>;
}

export interface ReflectorTuning {
  /** Objects per page of a paged list. @default 500 */
  readonly pageSize: number;
  /** The server ends a watch after a random time between this and twice this. @default 300 s */
  readonly watchSeconds: number;
  /** A watch that has sent bookmarks before (about one a minute) and is silent for longer than this is dead. @default 150_000 ms */
  readonly silenceMs: number;
  /** As `silenceMs`, while the first objects of a streaming list arrive. @default 60_000 ms */
  readonly initialSilenceMs: number;
  readonly backoff: BackoffOptions;
}

const DEFAULT_TUNING: ReflectorTuning = {
  pageSize: 500,
  watchSeconds: 300,
  silenceMs: 150_000,
  initialSilenceMs: 60_000,
  backoff: { baseMs: 500, capMs: 30_000 },
};

/** Grace after timeoutSeconds before a connection that the server should have ended counts as dead. */
const OVERDUE_MS = 30_000;
/** A watch that ends cleanly but sooner than this without a word gets a pause before the next. */
const SHORT_WATCH_MS = 1000;
/** After this many refusals in a row of the same resourceVersion it is given up, e.g. when etcd was restored from a backup. */
const MAX_RESUME_FAILURES = 5;
/** After this many streaming lists that did not come to an end, pages are asked for instead. */
const MAX_STREAM_FAILURES = 2;
/** A continue token that expires this often means pages take too long: ask for all at once. */
const MAX_PAGE_RESTARTS = 2;

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** Keeps a cache equal to what the API server has. */
export interface Reflector {
  start(): void;
  /** Whether the sink has had the whole contents once. */
  hasSynced(): boolean;
  /** Ends the watch; resolves when no further call to the sink can come. */
  stop(): Promise<void>;
}

/**
 * List, then watch, for ever. Lists are streamed (`sendInitialEvents`) where the server can, else paged. Whatever fails is tried again with jittered
 * backoff: the present resourceVersion is kept unless the server says it is gone. resourceVersions are never parsed.
 */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  return new ReflectorLoop(options);
}

class ReflectorLoop<T extends KubeObject> implements Reflector {
  private readonly options: ReflectorOptions<T>;
  private readonly tuning: ReflectorTuning;
  private readonly logger: Logger;
  private readonly backoff: Backoff;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private synced = false;
  /** Where the next watch begins; undefined: list first. */
  private resumeFrom: string | undefined;
  private resumeFailures = 0;
  private canStream = true;
  private streamFailures = 0;
  /** Some servers and proxies never send bookmarks; silence proves nothing until one was seen. */
  private hasSeenBookmark = false;

  constructor(options: ReflectorOptions<T>) {
    this.options = options;
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.backoff = createBackoff(this.tuning.backoff, options.random);
    this.logger = options.logger.child({
      component: 'kube',
      kind: options.kind.kind,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    });
  }

  start(): void {
    this.running ??= this.run();
  }

  hasSynced(): boolean {
    return this.synced;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.isStopping()) {
      const waitMs = await this.pass();
      if (waitMs > 0) await delay(this.options.clock, waitMs, this.stopping.signal);
    }
  }

  /** One list or watch, to its end. Returns how long to wait before the next, in ms; never throws. */
  private async pass(): Promise<number> {
    const startMs = this.options.clock.nowMs();
    const wasStreaming = this.resumeFrom === undefined && this.canStream;
    try {
      if (this.resumeFrom === undefined && !this.canStream) await this.listPages();
      else if ((await this.follow()) === 0 && this.options.clock.nowMs() - startMs < SHORT_WATCH_MS) return this.backoff.next();
      return 0;
    } catch (e) {
      return this.isStopping() ? 0 : this.recover(e, wasStreaming);
    }
  }

  private recover(e: unknown, wasStreaming: boolean): number {
    const code = errorCode(e);
    if (wasStreaming && this.resumeFrom === undefined) {
      if (code === 'ERR_KUBE_BAD_REQUEST' || code === 'ERR_KUBE_INVALID') {
        // Kubernetes before 1.34 (or with the gate off, as 1.33 has it) refuses sendInitialEvents: not a failure, and final for this server.
        this.canStream = false;
        this.logger.debug('server has no streaming lists, using pages');
        return 0;
      }
      if (code === 'ERR_KUBE_WATCH_SILENT' || code === 'ERR_KUBE_PROTOCOL') this.streamFailures++;
      if (this.streamFailures >= MAX_STREAM_FAILURES) this.canStream = false;
    }
    this.forgetResumePoint(code);
    this.options.metrics?.reflectorErrors.inc({ kind: this.options.kind.kind, code });
    const waitMs = this.backoff.next();
    // A single hiccup is business as usual; what lasts, or keeps the first list from us, is worth a look.
    const level = this.backoff.failures() >= 3 ? 'warn' : 'debug';
    this.logger[level]('list or watch failed, trying again', {
      error: e,
      retryInMs: Math.round(waitMs),
      failures: this.backoff.failures(),
    });
    return waitMs;
  }

  private forgetResumePoint(code: string): void {
    if (this.resumeFrom === undefined) return;
    const isAnswered = code !== 'ERR_KUBE_UNAVAILABLE' && code !== 'ERR_KUBE_WATCH_SILENT' && code !== 'ERR_KUBE_THROTTLED';
    if (isAnswered) this.resumeFailures++;
    if (code === 'ERR_KUBE_GONE' || this.resumeFailures >= MAX_RESUME_FAILURES) {
      this.resumeFrom = undefined;
      this.resumeFailures = 0;
    }
  }

  /** The whole contents in pages; afterwards a watch can begin. */
  private async listPages(): Promise<void> {
    const { kind, namespace, labelSelector, fieldSelector, metadataOnly, rest, metrics } = this.options;
    let limit: number | undefined = this.tuning.pageSize;
    let seen = new Set<string>();
    let next: string | undefined;
    for (let restarts = 0; ;) {
      try {
        const page = await rest.list<KubeObject>(kind, {
          namespace,
          labelSelector,
          fieldSelector,
          ...(limit === undefined ? {} : { limit }),
          ...(metadataOnly === undefined ? {} : { metadataOnly }),
          continue: next,
          signal: this.stopping.signal,
        });
        for (const item of page.items) this.keep(item, seen);
        next = page.continue;
        if (next !== undefined) continue;
        metrics?.reflectorLists.inc({ kind: kind.kind, how: 'pages' });
        this.complete(seen, page.resourceVersion);
        return;
      } catch (e) {
        // The token lives for about five minutes; with it goes the consistent view, so all starts over.
        if (next === undefined || !isOperatorError(e, 'ERR_KUBE_GONE')) throw e;
        if (++restarts >= MAX_PAGE_RESTARTS) limit = undefined;
        seen = new Set();
        next = undefined;
      }
    }
  }

  /**
   * Objects of a list go into the cache one by one as they arrive, on top of what is there: no second copy of everything in memory, and no long
   * stretch of work at the end (45,000 objects at once stalled the event loop for 300 ms). Until the end the cache holds a mixture of old and new,
   * each object in a state it really had.
   */
  private keep(object: KubeObject, seen: Set<string>): void {
    seen.add(keyOf(object.metadata));
    this.options.sink.upsert(this.options.transform(object));
  }

  private complete(seen: ReadonlySet<string>, resourceVersion: string | undefined): void {
    this.options.sink.retain(this.options.namespace, seen);
    this.synced = true;
    this.resumeFrom = resourceVersion;
    this.resumeFailures = 0;
    this.streamFailures = 0;
    this.backoff.reset();
  }

  /** One watch to its end, from `resumeFrom` or, without it, as a streaming list. Returns the number of events. */
  private async follow(): Promise<number> {
    const { kind, namespace, labelSelector, fieldSelector, metadataOnly, rest, metrics } = this.options;
    const timeoutSeconds = Math.round(this.tuning.watchSeconds * (1 + this.options.random()));
    const initial = this.resumeFrom === undefined ? new Set<string>() : undefined;
    const watchdog = new Watchdog(this.options.clock, timeoutSeconds * 1000 + OVERDUE_MS, this.stopping.signal);
    const progress = { initial, events: 0 };
    metrics?.reflectorWatches.inc({ kind: kind.kind });
    try {
      watchdog.expect(this.silenceLimitMs(progress.initial));
      const events = rest.watch<KubeObject>(kind, {
        namespace,
        labelSelector,
        fieldSelector,
        ...(metadataOnly === undefined ? {} : { metadataOnly }),
        timeoutSeconds,
        ...(initial === undefined ? { resourceVersion: this.resumeFrom } : { sendInitialEvents: true }),
        signal: watchdog.signal,
      });
      for await (const event of events) {
        progress.events++;
        this.take(event, progress);
        watchdog.expect(this.silenceLimitMs(progress.initial));
      }
    } catch (e) {
      throw watchdog.firedAfterMs === undefined ? e : this.silent(watchdog.firedAfterMs);
    } finally {
      watchdog.close();
    }
    if (progress.initial !== undefined && !this.isStopping()) {
      throw new OperatorError('ERR_KUBE_PROTOCOL', { method: 'WATCH', path: kind.plural, detail: 'the list ended before its last object' });
    }
    return progress.events;
  }

  private silenceLimitMs(initial: unknown): number | undefined {
    if (initial !== undefined) return this.tuning.initialSilenceMs;
    return this.hasSeenBookmark ? this.tuning.silenceMs : undefined;
  }

  private silent(silentMs: number): OperatorError {
    return new OperatorError('ERR_KUBE_WATCH_SILENT', { resource: this.options.kind.plural, silentMs });
  }

  private take(event: WatchEvent<KubeObject>, progress: { initial: Set<string> | undefined }): void {
    const { kind, sink, transform, metrics } = this.options;
    const { metadata } = event.object;
    metrics?.reflectorEvents.inc({ kind: kind.kind, type: event.type });
    if (event.type === 'BOOKMARK') {
      if (progress.initial === undefined) this.hasSeenBookmark = true;
      else if (metadata.annotations?.[INITIAL_EVENTS_END] === 'true') {
        metrics?.reflectorLists.inc({ kind: kind.kind, how: 'stream' });
        this.complete(progress.initial, metadata.resourceVersion);
        progress.initial = undefined;
      }
    } else if (event.type === 'DELETED') {
      progress.initial?.delete(keyOf(metadata));
      sink.remove(metadata);
    } else if (progress.initial !== undefined) this.keep(event.object, progress.initial);
    else sink.upsert(transform(event.object));
    if (progress.initial !== undefined) return;
    this.resumeFrom = metadata.resourceVersion;
    this.resumeFailures = 0;
    this.backoff.reset();
  }
}

/** Aborts a connection that is silent for too long or lives longer than asked for. */
class Watchdog {
  /** How long the silence was, once it has fired. */
  firedAfterMs: number | undefined;
  private readonly clock: Clock;
  private readonly controller = new AbortController();
  private readonly lifetime: TimerHandle;
  private readonly parent: AbortSignal;
  private readonly onParentAbort = () => this.controller.abort();
  private silence: TimerHandle;

  constructor(clock: Clock, lifetimeMs: number, parent: AbortSignal) {
    this.clock = clock;
    this.parent = parent;
    this.lifetime = clock.setTimeout(() => this.fire(lifetimeMs), lifetimeMs);
    if (parent.aborted) this.controller.abort();
    else parent.addEventListener('abort', this.onParentAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** From now on, at most `limitMs` to the next event; undefined: any time. */
  expect(limitMs: number | undefined): void {
    this.clock.clearTimeout(this.silence);
    this.silence = limitMs === undefined ? undefined : this.clock.setTimeout(() => this.fire(limitMs), limitMs);
  }

  close(): void {
    this.clock.clearTimeout(this.silence);
    this.clock.clearTimeout(this.lifetime);
    this.parent.removeEventListener('abort', this.onParentAbort);
  }

  private fire(afterMs: number): void {
    this.firedAfterMs = afterMs;
    this.controller.abort();
  }
}
