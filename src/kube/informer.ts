import { delay, type Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Cache, type CacheEvent, type CacheReader, type IndexFunction } from './cache.ts';
import { createReflector, type ReflectorTuning } from './reflector.ts';
import type { KubeRest } from './rest.ts';
import { trimObject } from './trim.ts';
import type { KubeObject, ResourceKind } from './types.ts';

export interface InformerOptions<T extends KubeObject> {
  readonly kind: ResourceKind;
  /** One reflector per namespace, behind one cache; `all` needs a ClusterRole. */
  readonly namespaces: readonly string[] | 'all';
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Fetch and keep only metadata: for Secrets. Objects are PartialObjectMetadata. */
  readonly metadataOnly?: boolean;
  /** Applied to each object before it is kept. @default trimObject */
  readonly transform?: (object: KubeObject) => T;
  /** Keep objects as text; see `CacheOptions.packed`. */
  readonly packed?: boolean;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  readonly rest: Pick<KubeRest, 'list' | 'watch'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics?: Metrics;
  readonly tuning?: Partial<ReflectorTuning>;
}

/** A cache that follows the API server, and tells of changes. */
export interface Informer<T extends KubeObject> extends CacheReader<T> {
  /** Begins to list and watch. */
  start(): void;
  /** Whether all namespaces have been listed once. */
  hasSynced(): boolean;
  /** Resolves with true once synced, with false when `signal` aborts first. */
  waitForSync(signal: AbortSignal): Promise<boolean>;
  /** Calls `handler` for what is in the cache (as added) and for every change from now on. One that throws is logged and does no further harm. */
  onEvent(handler: (event: CacheEvent<T>) => void): void;
  stop(): Promise<void>;
}

const SYNC_POLL_MS = 50;

export function createInformer<T extends KubeObject = KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { kind, logger, clock, metrics } = options;
  const handlers: ((event: CacheEvent<T>) => void)[] = [];

  const tell = (handler: (event: CacheEvent<T>) => unknown, event: CacheEvent<T>): void => {
    try {
      // A handler should be synchronous; should one be async all the same, its rejection must not end the process.
      const result = handler(event);
      if (result instanceof Promise) result.catch(failed);
    } catch (e) {
      failed(e);
    }
  };
  const failed = (error: unknown): void => {
    metrics?.handlerErrors.inc({ kind: kind.kind });
    logger.error('event handler failed', { component: 'kube', kind: kind.kind, error });
  };

  const cache = new Cache<T>({
    onEvent: (event) => {
      metrics?.cacheObjects.set({ kind: kind.kind }, cache.size());
      for (const handler of handlers) tell(handler, event);
    },
    ...(options.indexes === undefined ? {} : { indexes: options.indexes }),
    ...(options.packed === undefined ? {} : { packed: options.packed }),
  });

  const namespaces: readonly (string | undefined)[] = options.namespaces === 'all' ? [undefined] : options.namespaces;
  const reflectors = namespaces.map((namespace) =>
    createReflector<T>({
      kind,
      namespace,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      ...(options.metadataOnly === undefined ? {} : { metadataOnly: options.metadataOnly }),
      ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
      transform: options.transform ?? ((object) => trimObject(object) as T),
      sink: cache,
      rest: options.rest,
      logger,
      clock,
      random: options.random,
      metrics,
    }),
  );
  const hasSynced = (): boolean => reflectors.every((reflector) => reflector.hasSynced());

  return {
    get: (namespace, name) => cache.get(namespace, name),
    list: (namespace) => cache.list(namespace),
    byIndex: (index, value) => cache.byIndex(index, value),
    versionsByIndex: (index, value) => cache.versionsByIndex(index, value),
    size: () => cache.size(),
    start: () => reflectors.forEach((reflector) => reflector.start()),
    hasSynced,
    waitForSync: async (signal) => {
      while (!hasSynced() && !signal.aborted) await delay(clock, SYNC_POLL_MS, signal);
      return hasSynced();
    },
    onEvent: (handler) => {
      handlers.push(handler);
      for (const object of cache.list()) tell(handler, { type: 'added', object, previous: undefined });
    },
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
  };
}
