import { load } from 'js-yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { findCondition, type ConditionType } from '../../../src/api/conditions.ts';
import { API_VERSION, ANNOTATIONS } from '../../../src/api/meta.ts';
import type { PatroniClusterObject, PatroniOperationObject } from '../../../src/api/objects.ts';
import type { Condition } from '../../../src/api/status.ts';
import { KINDS } from '../../../src/kube/types.ts';
import type { KubeRest, Patch } from '../../../src/kube/rest.ts';
import { FakeClock } from '../../../src/lib/fake-clock.ts';
import { silentLogger, type Logger } from '../../../src/telemetry/logger.ts';
import type { MemberHandler } from '../../support/member-http.ts';
import { startApiServer, type ApiServer } from '../../support/apiserver/server.ts';
import { NOW_MS, OPERATOR } from '../../support/model/cluster.ts';
import { createPatroniDouble, type PatroniDouble } from '../../support/patroni/double.ts';
import type { PatroniModel } from '../../support/patroni/model.ts';

import { createDatabases, type Databases } from './databases.ts';
import { watchInvariants, type Invariants } from './invariants.ts';
import { Nodes } from './nodes.ts';
import { createAdmin, startOperator, type OperatorProcess } from './operator-process.ts';

export const NAMESPACE = 'shop';
export const CLUSTER = 'pg';

const CRDS = ['patroniclusters', 'patronioperations'].map((plural) => load(readFileSync(join(import.meta.dirname, `../../../crds/patroni-operator.dev_${plural}.yaml`), 'utf8')) as object);

/** Turns of the event loop without any work before time may move on: a byte on a loopback socket is read within one or two. */
const QUIET_TURNS = 6;
/** Real milliseconds after which something that is busy without any sign of it no longer holds the clock: so that a mistake in a test ends in its message. */
const STUCK_MS = 10_000;

/** Called before and after every request to Patroni that is no GET, in order from 1. `lost`: the request never arrives, or its answer does not. */
export type PatroniHook = (request: { readonly n: number; readonly path: string; readonly when: 'before' | 'after' }) => 'lost' | undefined;

/**
 * A Kubernetes with nodes, a Patroni, databases, and any number of operator processes, on one clock that only `until` and `pass` move: it jumps to the next timer whenever nobody
 * has anything to do, so that minutes pass in milliseconds and nothing waits for real time.
 */
export interface World {
  readonly clock: FakeClock;
  readonly api: ApiServer;
  readonly patroni: PatroniDouble;
  readonly nodes: Nodes;
  readonly databases: Databases;
  readonly invariants: Invariants;
  readonly kube: KubeRest;
  /** Starts an operator; its requests carry the User-Agent `patroni-operator/<version>`. */
  start(version?: string): OperatorProcess;
  readonly operators: readonly OperatorProcess[];
  /** Every operator that lives dies on the spot. */
  killOperators(): void;
  /** Starts an operator if none lives. @returns whether it did */
  revive(): boolean;
  onPatroniWrite(hook: PatroniHook | undefined): void;
  /** Moves time on until `condition` holds. @throws with the state of the cluster when it does not within `withinMs` of the clock */
  until(what: string, condition: () => boolean, withinMs?: number): Promise<void>;
  pass(ms: number): Promise<void>;
  /** Lets everything that is under way come to rest without moving time. */
  settle(): Promise<void>;

  create(spec?: Record<string, unknown>, name?: string): Promise<void>;
  patch(patch: Readonly<Record<string, unknown>>, name?: string): Promise<void>;
  annotate(switchover: string): Promise<void>;
  remove(name?: string): Promise<void>;
  cluster(name?: string): PatroniClusterObject;
  find(name?: string): PatroniClusterObject | undefined;
  condition(type: ConditionType, name?: string): Condition | undefined;
  isReady(name?: string): boolean;
  /** Ready, and nothing under way for the newest spec. */
  isSettled(name?: string): boolean;
  operations(): readonly PatroniOperationObject[];
  model(name?: string): PatroniModel;
  stop(): Promise<void>;
}

export async function startWorld({ logger = silentLogger, watchList = true }: { readonly logger?: Logger; readonly watchList?: boolean } = {}): Promise<World> {
  const clock = new FakeClock(NOW_MS);
  const api = await startApiServer({ crds: CRDS, namespaces: [NAMESPACE], now: () => clock.nowMs(), watchList });
  const patroni = createPatroniDouble({ clock });
  const nodes = new Nodes({ api, clock, patroni, clusterDomain: OPERATOR.clusterDomain });
  const databases = createDatabases({ api, nodes });
  const invariants = watchInvariants(api, () => nodes.hazards());
  const admin = createAdmin(api.url, clock);
  const operators: OperatorProcess[] = [];
  let patroniHook: PatroniHook | undefined;
  let patroniWrites = 0;

  const handle: MemberHandler = async (request) => {
    if (request.method === 'GET' || patroniHook === undefined) return patroni.handle(request);
    const n = ++patroniWrites;
    if (patroniHook({ n, path: request.path, when: 'before' }) === 'lost') return { kind: 'hang' };
    const reply = await patroni.handle(request);
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- changes while awaiting
    return patroniHook?.({ n, path: request.path, when: 'after' }) === 'lost' ? { kind: 'hang' } : reply;
  };

  const find = (name = CLUSTER): PatroniClusterObject | undefined => api.objects.get<PatroniClusterObject>('patroniclusters', name, NAMESPACE);
  const progress = (): string => `${api.resourceVersion()}/${patroni.requestCount()}/${operators.reduce((sum, each) => sum + each.passes(), 0)}`;
  const settle = async (): Promise<void> => {
    let seen = progress();
    let sinceMs = performance.now();
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = progress();
      if (now !== seen) {
        seen = now;
        sinceMs = performance.now();
        turns = 0;
      } else if (operators.some((each) => each.isBusy()) && performance.now() - sinceMs < STUCK_MS) turns = 0;
    }
  };
  const condition = (type: ConditionType, name = CLUSTER): Condition | undefined => findCondition(find(name)?.status?.conditions, type);
  const isReady = (name = CLUSTER): boolean => condition('Ready', name)?.status === 'True';
  /** As `settle`, with nodes that do what is due now. */
  const rest = async (): Promise<void> => {
    await settle();
    for (let before = ''; before !== api.resourceVersion();) {
      before = api.resourceVersion();
      nodes.sync();
      await settle();
    }
  };
  const until = async (what: string, holds: () => boolean, withinMs = 300_000): Promise<void> => {
    const deadlineMs = clock.nowMs() + withinMs;
    for (;;) {
      await rest();
      if (holds()) return;
      // `holds` may have started an operator.
      if (operators.some((each) => each.isBusy())) continue;
      if (clock.nowMs() >= deadlineMs) throw new Error(`not ${what} within ${withinMs} ms:\n${describe(api)}`);
      await clock.advance(Math.min(clock.pendingMs()[0] ?? 1_000, deadlineMs - clock.nowMs()));
    }
  };
  const ref = (name: string) => ({ namespace: NAMESPACE, name });
  const patch = async (body: Patch['body'], name = CLUSTER): Promise<void> => {
    await admin.rest.patch(KINDS.PatroniCluster, ref(name), { type: 'merge', body: body as Readonly<Record<string, unknown>> });
  };

  const start = (version = `v${operators.length + 1}`): OperatorProcess => {
    const process = startOperator({ apiUrl: api.url, clock, patroni: handle, ensureApplicationDatabase: databases.ensure, readSettings: databases.readSettings, operator: OPERATOR, logger }, version);
    operators.push(process);
    return process;
  };
  const killOperators = (): void => {
    for (const each of operators) if (each.isAlive()) each.kill();
  };
  return {
    clock,
    api,
    patroni,
    nodes,
    databases,
    invariants,
    kube: admin.rest,
    operators,
    killOperators,
    revive: () => {
      if (operators.some((each) => each.isAlive())) return false;
      start();
      return true;
    },
    start,
    onPatroniWrite: (hook) => {
      patroniHook = hook;
      patroniWrites = 0;
    },
    until,
    pass: async (ms) => {
      const endMs = clock.nowMs() + ms;
      await until('time', () => clock.nowMs() >= endMs, ms);
    },
    settle,
    create: async (spec = {}, name = CLUSTER) => {
      const manifest = { apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { ...ref(name) }, spec };
      await admin.rest.create(KINDS.PatroniCluster, manifest);
    },
    patch,
    annotate: (value) => patch({ metadata: { annotations: { [ANNOTATIONS.switchover]: value } } }),
    remove: async (name = CLUSTER) => {
      await admin.rest.delete(KINDS.PatroniCluster, ref(name));
    },
    find,
    cluster: (name = CLUSTER) => api.objects.mustGet<PatroniClusterObject>('patroniclusters', name, NAMESPACE),
    condition,
    isReady,
    isSettled: (name = CLUSTER) => {
      const cluster = find(name);
      return isReady(name) && condition('Reconciling', name)?.status === 'False' && cluster?.status?.observedGeneration === cluster?.metadata.generation;
    },
    operations: () => api.objects.list<PatroniOperationObject>('patronioperations', { namespace: NAMESPACE }),
    model: (name = CLUSTER) => {
      const model = nodes.model(name);
      if (model === undefined) throw new Error(`${name} has no Patroni yet`);
      return model;
    },
    stop: async () => {
      killOperators();
      nodes.stop();
      await admin.close();
      await api.stop();
    },
  };
}

function describe(api: ApiServer): string {
  const clusters = api.objects.list<PatroniClusterObject>('patroniclusters').map(({ metadata, spec, status }) => ({ ...metadata, managedFields: undefined, replicas: spec.postgres.replicas, status }));
  const pods = api.objects.list<{ metadata: { name: string; deletionTimestamp?: string }; status?: { phase?: string; conditions?: readonly { type: string; status: string }[] } }>('pods');
  const operations = api.objects.list<PatroniOperationObject>('patronioperations').map(({ metadata, spec, status }) => ({ name: metadata.name, spec, status }));
  const podLines = pods.map(({ metadata, status }) => `${metadata.name} ${status?.phase ?? '?'}${metadata.deletionTimestamp === undefined ? '' : ' terminating'} ready=${status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? '?'}`);
  const lines = [...clusters, ...operations, ...podLines].flatMap((each) => (typeof each === 'string' ? [each] : Object.entries(each).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)));
  return lines.join('\n');
}

/** A world with an operator and one settled cluster: one etcd member and nothing in front, with as many members of PostgreSQL as a cluster has by default. */
export async function startSettledWorld(spec: Record<string, unknown> = {}): Promise<World> {
  const world = await startWorld();
  world.start();
  await world.create({ etcd: { replicas: 1 }, haproxy: { enabled: false }, networkPolicy: { enabled: false }, ...spec });
  await world.until('settled', () => world.isSettled());
  return world;
}
