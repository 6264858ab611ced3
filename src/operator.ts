import { randomBytes, randomInt } from 'node:crypto';
import { hostname } from 'node:os';

import type { RunSettings } from './cli/run/settings.ts';
import { createClusterInformers } from './controllers/cluster/informers.ts';
import { createClusterReconciler } from './controllers/cluster/reconcile.ts';
import type { Randomness } from './controllers/cluster/ports.ts';
import { loadKubeAccess } from './kube/client-node.ts';
import { createEventRecorder } from './kube/events.ts';
import { createKubeRest } from './kube/rest.ts';
import { createTransport } from './kube/transport.ts';
import { systemClock } from './lib/clock.ts';
import { createPatroniClients } from './patroni/client.ts';
import { editWarnings } from './resources/edit-warnings.ts';
import { ensureApplicationDatabase, readSettings } from './postgres/client.ts';
import { createController } from './runtime/controller.ts';
import { createHealthServer } from './runtime/health.ts';
import { createLeaderElector } from './runtime/leader-election.ts';
import { createShutdown } from './runtime/shutdown.ts';
import { createWorkQueue } from './runtime/work-queue.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createWebhook } from './webhook/webhook.ts';

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const systemRandomness: Randomness = {
  password: () => Array.from({ length: 32 }, () => ALPHANUMERIC.charAt(randomInt(ALPHANUMERIC.length))).join(''),
};

/** Joins the rooms and runs until a signal. Caches are warm before leadership, so that a standby takes over at once. */
export async function runOperator(options: RunSettings, version: string): Promise<void> {
  const clock = systemClock;
  const logger = createLogger({ level: options.logLevel }).child({ component: 'main' });
  const namespaces = options.watchNamespaces.length === 0 ? 'all' : options.watchNamespaces;
  const metrics = createMetrics({ processMetrics: true });
  const access = loadKubeAccess({ ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }), ...(options.context === undefined ? {} : { context: options.context }) });
  const transport = createTransport({ access, version, clock, metrics });
  const rest = createKubeRest(transport);
  const instance = options.podName ?? hostname();
  const events = createEventRecorder({ rest, controller: 'patroni-operator', instance, logger, clock, metrics });
  const informers = createClusterInformers({ namespaces, rest, logger, clock, random: Math.random, metrics });
  const patroni = createPatroniClients();
  const queue = createWorkQueue({ name: 'patronicluster', clock, random: Math.random, metrics, backoff: { baseMs: 50, capMs: 60_000, jitter: 0.2 } });
  const clusters = createClusterReconciler({
    rest,
    cache: informers.cache,
    patroni,
    ensureApplicationDatabase,
    readSettings,
    events,
    clock,
    random: systemRandomness,
    logger: logger.child({ component: 'controllers' }),
    operator: options.operator,
  });
  const controller = createController({ name: 'patronicluster', queue, workers: options.workers, reconcile: (key, { signal }) => clusters.reconcile(key, signal), logger, clock, metrics });
  const lead = () => {
    informers.onKey((key) => queue.add(key));
    controller.start();
  };
  const elector = createLeaderElector({
    rest,
    lease: { namespace: options.leaseNamespace ?? access.namespace, name: options.leaseName },
    identity: `${instance}_${randomBytes(4).toString('hex')}`,
    clock,
    random: Math.random,
    logger,
    metrics,
    onStartedLeading: lead,
    // Another operator may lead already: end at once, whatever is under way.
    onStoppedLeading: () => process.exit(1),
  });
  const healthOptions = { live: { process: () => true }, ready: { caches: () => informers.hasSynced() || 'caches are not synced' }, registry: metrics.registry, logger };
  const ports = [...new Set([options.healthPort, options.metricsPort])].filter((port) => port !== 0);
  const servers = ports.map((port) => createHealthServer({ ...healthOptions, port }));
  const webhook =
    options.webhook === undefined
      ? undefined
      : createWebhook({ settings: options.webhook, namespace: options.leaseNamespace ?? access.namespace, rest, clock, logger, metrics, operator: options.operator, warningsOf: (old, next) => editWarnings(old, next, options.operator) });
  const shutdown = createShutdown({
    steps: [
      { name: 'controller', run: () => controller.stop(10_000), timeoutMs: 12_000 },
      { name: 'events', run: () => events.stop() },
      { name: 'lease', run: () => elector.stop() },
      { name: 'informers', run: () => informers.stop() },
      // Not first: the API server goes on asking until it has heard that this pod is going.
      { name: 'webhook', run: () => webhook?.stop(), timeoutMs: 7000 },
      { name: 'servers', run: async () => { await Promise.all(servers.map((server) => server.stop())); } },
      { name: 'connections', run: async () => { patroni.close(); await transport.close(); } },
    ],
    logger,
    clock,
    exit: (code) => process.exit(code),
  });
  shutdown.listen(process);
  await Promise.all(servers.map((server) => server.start()));
  logger.info('starting', { version, server: access.server, namespaces });
  await webhook?.start();
  informers.start();
  while (!informers.hasSynced() && !shutdown.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
  if (shutdown.signal.aborted) return;
  logger.info('caches are warm', {});
  if (options.leaderElection) elector.start();
  else lead();
}
