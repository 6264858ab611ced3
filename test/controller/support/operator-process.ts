import { randomBytes } from 'node:crypto';

import type { OperatorConfig } from '../../../src/api/effective.ts';
import { createClusterInformers } from '../../../src/controllers/cluster/informers.ts';
import type { ClusterControllerPorts } from '../../../src/controllers/cluster/ports.ts';
import { createClusterReconciler } from '../../../src/controllers/cluster/reconcile.ts';
import type { KubeAccess } from '../../../src/kube/client-node.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { createKubeRest, type KubeRest } from '../../../src/kube/rest.ts';
import { createTransport, type Transport } from '../../../src/kube/transport.ts';
import type { Clock, TimerHandle } from '../../../src/lib/clock.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { createPatroniClients } from '../../../src/patroni/client.ts';
import { createController } from '../../../src/runtime/controller.ts';
import { createWorkQueue } from '../../../src/runtime/work-queue.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { InProcessDispatcher, type MemberHandler } from '../../support/member-http.ts';

/** What an operator needs of the world around it. */
export interface Surroundings {
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly patroni: MemberHandler;
  readonly ensureApplicationDatabase: ClusterControllerPorts['ensureApplicationDatabase'];
  readonly readSettings: ClusterControllerPorts['readSettings'];
  readonly operator: OperatorConfig;
  readonly logger: Logger;
}

/** One operator "process": the rooms joined as `operator.ts` joins them, without a Lease, on connections of its own. */
export interface OperatorProcess {
  readonly version: string;
  /** Passes that have begun. */
  passes(): number;
  /** Whether it computes or waits for the API server: then time must not move on. Waiting for Patroni is no work. */
  isBusy(): boolean;
  hasSynced(): boolean;
  /** As SIGKILL: connections break, timers are gone, no code of it runs on. */
  kill(): void;
  readonly isAlive: () => boolean;
  /** As SIGTERM. */
  stop(): Promise<void>;
}

function kubeAccess(url: string): Pick<KubeAccess, 'server' | 'credentials' | 'refresh'> {
  return {
    server: url,
    credentials: () => Promise.resolve({ headers: new Secret({}), tls: {}, tlsHash: '' }),
    refresh: () => undefined,
  };
}

/** Somebody with kubectl. */
export function createAdmin(url: string, clock: Clock): { readonly rest: KubeRest; readonly close: () => Promise<void> } {
  const transport = createTransport({ access: kubeAccess(url), version: 'admin', clock });
  return { rest: createKubeRest(transport), close: () => transport.close() };
}

const NEVER = new Promise<never>(() => undefined);

export function startOperator(around: Surroundings, version: string): OperatorProcess {
  const life = { isDead: false, requests: 0, passes: 0, begun: 0, patroni: 0, throttled: 0 };
  const own = processClock(around.clock, life);
  const { clock } = own;
  const isDead = (): boolean => life.isDead;
  const { logger } = around;
  const inner = createTransport({ access: kubeAccess(around.apiUrl), version, clock: throttleClock(clock, life) });
  const transport = mortal(inner, life);
  const rest = createKubeRest(transport);
  const events = createEventRecorder({ rest, controller: 'patroni-operator', instance: version, logger, clock });
  const informers = createClusterInformers({ namespaces: 'all', rest, logger, clock, random: Math.random });
  const handle: MemberHandler = async (request) => {
    if (isDead()) return { kind: 'hang' };
    life.patroni++;
    const reply = await around.patroni(request);
    life.patroni--;
    return isDead() ? { kind: 'hang' } : reply;
  };
  const patroni = createPatroniClients({ createDispatcher: ({ tls }) => new InProcessDispatcher(handle, { hasClientCertificate: tls?.cert !== undefined }) });
  const queue = createWorkQueue({ name: 'patronicluster', clock, random: Math.random, backoff: { baseMs: 50, capMs: 60_000, jitter: 0.2 } });
  const clusters = createClusterReconciler({
    rest,
    cache: informers.cache,
    patroni,
    ensureApplicationDatabase: async (...args) => (life.isDead ? NEVER : around.ensureApplicationDatabase(...args)),
    readSettings: async (...args) => (life.isDead ? NEVER : around.readSettings(...args)),
    events,
    clock,
    random: { password: () => randomBytes(24).toString('hex').slice(0, 32) },
    logger,
    operator: around.operator,
  });
  const controller = createController({
    name: 'patronicluster',
    queue,
    workers: 2,
    logger,
    clock,
    reconcile: async (key, { signal }) => {
      if (life.isDead) return NEVER;
      life.begun++;
      life.passes++;
      try {
        return await clusters.reconcile(key, signal);
      } finally {
        life.passes--;
      }
    },
  });
  informers.start();
  const lead = async (): Promise<void> => {
    while (!informers.hasSynced() && !life.isDead) await new Promise((resolve) => setImmediate(resolve));
    if (life.isDead) return;
    informers.onKey((key) => queue.add(key));
    controller.start();
  };
  void lead();
  const end = async (): Promise<void> => {
    life.isDead = true;
    own.stopTimers();
    queue.shutDown();
    patroni.close();
    await Promise.all([inner.close(), informers.stop()]);
  };
  return {
    version,
    passes: () => life.begun,
    isBusy: () => !life.isDead && (life.requests > life.throttled || life.passes > life.patroni + life.throttled),
    hasSynced: () => informers.hasSynced(),
    isAlive: () => !life.isDead,
    kill: () => void end(),
    stop: async () => {
      if (life.isDead) return;
      await controller.stop(0);
      await events.stop();
      await end();
    },
  };
}

interface Life {
  isDead: boolean;
  requests: number;
  passes: number;
  patroni: number;
  /** Requests that wait for the time that a 429 named. */
  throttled: number;
}

/** A transport whose callers never hear of anything that comes after their death. */
function mortal(inner: Transport, life: Life): Transport {
  const isDead = (): boolean => life.isDead;
  return {
    server: inner.server,
    async request(request) {
      if (isDead()) return NEVER;
      life.requests++;
      try {
        const response = await inner.request(request);
        return isDead() ? await NEVER : response;
      } catch (error) {
        if (isDead()) return await NEVER;
        throw error;
      } finally {
        life.requests--;
      }
    },
    async stream(request) {
      life.requests++;
      try {
        return await inner.stream(request);
      } finally {
        life.requests--;
      }
    },
    close: () => inner.close(),
  };
}

/** The transport waits for nothing else on its clock. */
function throttleClock(clock: Clock, life: Life): Clock {
  return {
    ...clock,
    setTimeout: (fn, ms) => {
      life.throttled++;
      return clock.setTimeout(() => {
        life.throttled--;
        fn();
      }, ms);
    },
  };
}

function processClock(world: Clock, life: Life): { readonly clock: Clock; readonly stopTimers: () => void } {
  const handles = new Set<TimerHandle>();
  return {
    clock: {
      nowMs: () => world.nowMs(),
      monotonicMs: () => world.monotonicMs(),
      setTimeout: (fn, ms) => {
        if (life.isDead) return undefined;
        const handle: TimerHandle = world.setTimeout(() => {
          handles.delete(handle);
          fn();
        }, ms);
        handles.add(handle);
        return handle;
      },
      clearTimeout: (handle) => {
        handles.delete(handle);
        world.clearTimeout(handle);
      },
    },
    stopTimers: () => {
      for (const handle of handles) world.clearTimeout(handle);
      handles.clear();
    },
  };
}
