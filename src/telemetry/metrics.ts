import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** How a pass ended; the words of controller-runtime. */
export type ReconcileResult = 'success' | 'error' | 'requeue_after' | 'terminal';

/** From one millisecond to ten minutes, in seconds. */
const RECONCILE_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const QUEUE_BUCKETS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];
const REQUEST_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Every metric of the operator, in a registry of its own. Names and labels are those of controller-runtime v0.21 and client-go, so that existing
 * dashboards and alerts fit. `processMetrics` adds the process' and Node's own (CPU, RSS, heap, GC, `nodejs_eventloop_lag_*` from
 * perf_hooks.monitorEventLoopDelay since the last scrape); tests leave them out.
 */
export function createMetrics(options: { readonly processMetrics: boolean }) {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  /** Called before each scrape, for gauges that nobody sets in between. */
  const beforeScrape = new Set<() => void>();
  return {
    registry,
    beforeScrape,
    ...controllerMetrics(registers),
    ...queueMetrics(registers, beforeScrape),
    ...clientMetrics(registers),
    ...cacheMetrics(registers),
    ...webhookMetrics(registers),
  };
}

/** See `createMetrics`. */
export type Metrics = ReturnType<typeof createMetrics>;

function controllerMetrics(registers: Registry[]) {
  const labelNames = ['controller'] as const;
  return {
    reconcileTotal: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Passes per controller and result',
      labelNames: ['controller', 'result'] as const,
      registers,
    }),
    reconcileErrors: new Counter({ name: 'controller_runtime_reconcile_errors_total', help: 'Passes that failed', labelNames, registers }),
    reconcileTerminalErrors: new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Passes that failed in a way that only a change of the object can cure',
      labelNames,
      registers,
    }),
    reconcilePanics: new Counter({
      name: 'controller_runtime_reconcile_panics_total',
      help: 'Passes that threw something that is not in the table of errors',
      labelNames,
      registers,
    }),
    reconcileTime: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of a pass',
      labelNames,
      buckets: RECONCILE_BUCKETS,
      registers,
    }),
    activeWorkers: new Gauge({ name: 'controller_runtime_active_workers', help: 'Workers busy now', labelNames, registers }),
    maxConcurrentReconciles: new Gauge({ name: 'controller_runtime_max_concurrent_reconciles', help: 'Workers', labelNames, registers }),
    leaderElectionStatus: new Gauge({
      name: 'leader_election_master_status',
      help: '1 when this replica holds the lease',
      labelNames: ['name'] as const,
      registers,
    }),
  };
}

function queueMetrics(registers: Registry[], beforeScrape: ReadonlySet<() => void>) {
  const labelNames = ['name'] as const;
  return {
    queueDepth: new Gauge({ name: 'workqueue_depth', help: 'Keys waiting for a worker', labelNames, registers }),
    queueAdds: new Counter({ name: 'workqueue_adds_total', help: 'Keys added', labelNames, registers }),
    queueRetries: new Counter({ name: 'workqueue_retries_total', help: 'Keys added again with backoff', labelNames, registers }),
    queueDuration: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'Time a key waits for a worker',
      labelNames,
      buckets: QUEUE_BUCKETS,
      registers,
    }),
    workDuration: new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'Time a worker spends on a key',
      labelNames,
      buckets: QUEUE_BUCKETS,
      registers,
    }),
    unfinishedWork: new Gauge({
      name: 'workqueue_unfinished_work_seconds',
      help: 'Sum of the time spent so far on keys in work',
      labelNames,
      registers,
      collect: () => beforeScrape.forEach((update) => update()),
    }),
    longestRunning: new Gauge({
      name: 'workqueue_longest_running_processor_seconds',
      help: 'Time spent so far on the key that has been in work longest',
      labelNames,
      registers,
    }),
  };
}

function clientMetrics(registers: Registry[]) {
  return {
    restClientRequests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the Kubernetes API; code is <error> when there was no answer',
      labelNames: ['code', 'method', 'host'] as const,
      registers,
    }),
    restClientDuration: new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Time to the answer of the Kubernetes API; for a watch, to its first byte',
      labelNames: ['verb', 'host'] as const,
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    eventsDropped: new Counter({
      name: 'patroni_operator_events_dropped_total',
      help: 'Kubernetes Events held back or lost',
      labelNames: ['why'] as const,
      registers,
    }),
  };
}

function webhookMetrics(registers: Registry[]) {
  return {
    webhookRequests: new Counter({
      name: 'controller_runtime_webhook_requests_total',
      help: 'Admission requests by HTTP status',
      labelNames: ['webhook', 'code'] as const,
      registers,
    }),
    webhookLatency: new Histogram({
      name: 'controller_runtime_webhook_latency_seconds',
      help: 'Time to answer an admission request',
      labelNames: ['webhook'] as const,
      buckets: REQUEST_BUCKETS,
      registers,
    }),
  };
}

function cacheMetrics(registers: Registry[]) {
  const labelNames = ['kind'] as const;
  return {
    reflectorLists: new Counter({
      name: 'reflector_lists_total',
      help: 'Full lists, streamed or paged',
      labelNames: ['kind', 'how'] as const,
      registers,
    }),
    reflectorWatches: new Counter({ name: 'reflector_watches_total', help: 'Watches opened', labelNames, registers }),
    reflectorEvents: new Counter({
      name: 'reflector_events_total',
      help: 'Watch events',
      labelNames: ['kind', 'type'] as const,
      registers,
    }),
    reflectorErrors: new Counter({
      name: 'reflector_errors_total',
      help: 'Lists and watches that failed',
      labelNames: ['kind', 'code'] as const,
      registers,
    }),
    handlerErrors: new Counter({ name: 'reflector_handler_errors_total', help: 'Event handlers that threw', labelNames, registers }),
    cacheObjects: new Gauge({ name: 'cache_objects', help: 'Objects in the cache', labelNames, registers }),
  };
}
