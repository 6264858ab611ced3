import { ANNOTATIONS, type Component } from '../../../src/api/meta.ts';
import { names } from '../../../src/api/names.ts';
import type { Manifest, PatroniOperationObject } from '../../../src/api/objects.ts';
import type { PatroniClusterStatus } from '../../../src/api/status.ts';
import type { Action, Decision } from '../../../src/decide/actions.ts';
import { isFinished } from '../../../src/decide/facts.ts';
import { objectKey, type Observed, type PodView } from '../../../src/decide/observed.ts';
import { deepMerge, type JsonObject } from '../../../src/lib/deep-merge.ts';
import type { ClusterMember } from '../../../src/patroni/cluster-view.ts';

import { member, NOW_MS, operation, pod } from './cluster.ts';
import { NEWEST, observed, statefulSet } from './observed.ts';

/**
 * The smallest world that plans can be played against: pods that are deleted come back from the newest template after some passes, a switchover moves the leader, a changed
 * StatefulSet makes and removes pods. No clock, no I/O; whatever happens was decided.
 */
export interface SmallWorldOptions {
  readonly replicas: number;
  readonly wanted: number;
  readonly leader: number;
  /** Names of pods that run an older template. */
  readonly outdated: readonly string[];
  /** Passes that a pod is away, and that it is there without being ready. */
  readonly restartPasses: number;
  /** What becomes of the switchovers that are asked for, in order; after that all are performed. */
  readonly switchovers: readonly ('performed' | 'refused' | 'ignored' | 'another')[];
  /** Value of the annotation, if somebody asked. */
  readonly annotation?: string;
}

interface SmallPod {
  readonly component: Component;
  readonly ordinal: number;
  uid: number;
  revision: string;
  /** Passes until it exists again. */
  awayFor: number;
  /** Passes until it is ready. */
  unreadyFor: number;
}

const DISRUPTIVE: ReadonlySet<Action['kind']> = new Set(['deletePod', 'requestSwitchover']);

export function disruptions(decision: Decision): readonly Action[] {
  return decision.actions.filter((action) => DISRUPTIVE.has(action.kind));
}

export class SmallWorld {
  readonly options: SmallWorldOptions;
  readonly pods = new Map<string, SmallPod>();
  nowMs = NOW_MS;
  leader: string;
  timeline = 1;
  replicas: number;
  operations: PatroniOperationObject[] = [];
  annotation: string | undefined;
  status: PatroniClusterStatus = { leader: 'pg-postgres-0', systemIdentifier: '7', application: { database: 'app', owner: 'app' }, etcd: { formed: true } };
  /** Leaders whose pod was deleted while another member could have taken over. */
  readonly unplanned: string[] = [];
  readonly #slots = new Set<string>();
  /** Without the slots. Nothing in this world takes a key away. */
  #dynamicConfig: JsonObject = {};
  readonly #ownedKeys = new Map<string, Manifest>();
  readonly #script: SmallWorldOptions['switchovers'][number][];
  #uids = 0;

  constructor(options: SmallWorldOptions) {
    this.options = options;
    this.replicas = options.replicas;
    this.leader = names.pod('pg', 'postgres', options.leader);
    this.annotation = options.annotation;
    this.#script = [...options.switchovers];
    for (const [component, count] of [['postgres', options.replicas], ['etcd', 3], ['haproxy', 2]] as const) {
      for (let ordinal = 0; ordinal < count; ordinal++) this.#add(component, ordinal);
    }
    for (let n = 0; n < options.replicas; n++) this.#slots.add(`pg_postgres_${n}`);
  }

  observe(): Observed {
    const { wanted } = this.options;
    const views = [...this.pods].filter(([, each]) => each.awayFor === 0).map(([, each]) => this.#podView(each));
    const members = [...this.pods].filter(([, each]) => each.component === 'postgres' && each.awayFor === 0).map(([, each]) => this.#memberView(each));
    const base = observed({
      spec: { postgres: { replicas: wanted } },
      status: this.status,
      nowMs: this.nowMs,
      pods: views,
      operations: this.operations,
      isApplied: this.replicas === wanted,
      metadata: this.annotation === undefined ? {} : { annotations: { [ANNOTATIONS.switchover]: this.annotation } },
      dynamicConfig: { ...this.#dynamicConfig, slots: Object.fromEntries([...this.#slots].map((name) => [name, { type: 'physical' }])) },
      view: { scope: 'pg', members, paused: false },
    });
    return { ...base, objects: new Map([...base.objects, ...this.#ownedKeys]).set(objectKey('StatefulSet', 'pg-postgres'), statefulSet('postgres', this.replicas)) };
  }

  /** Carries a plan out and lets one pass of time go by. */
  play(decision: Decision): void {
    for (const action of decision.actions) this.#act(action);
    this.status = decision.status;
    const isQuiet = decision.actions.length === 0 && [...this.pods.values()].every((each) => each.awayFor + each.unreadyFor === 0);
    this.nowMs += isQuiet ? 10_000 : decision.recheckAfterMs;
    for (const each of this.pods.values()) {
      if (each.awayFor > 0) each.awayFor--;
      else if (each.unreadyFor > 0) each.unreadyFor--;
    }
    for (const [name, each] of this.pods) if (each.component === 'postgres' && each.ordinal >= this.replicas) this.pods.delete(name);
  }

  /** Postgres pods that are away or not ready. */
  out(component: Component): readonly string[] {
    return [...this.pods].filter(([, each]) => each.component === component && each.awayFor + each.unreadyFor > 0).map(([name]) => name);
  }

  isOutdated(): boolean {
    return [...this.pods.values()].some((each) => each.revision !== NEWEST);
  }

  #add(component: Component, ordinal: number, unreadyFor = 0): void {
    const name = names.pod('pg', component, ordinal);
    this.pods.set(name, { component, ordinal, uid: ++this.#uids, revision: this.options.outdated.includes(name) && unreadyFor === 0 ? 'r1' : NEWEST, awayFor: 0, unreadyFor });
  }

  #podView(each: SmallPod): PodView {
    return pod(each.component, each.ordinal, { uid: String(each.uid), revision: each.revision, ready: each.unreadyFor === 0 });
  }

  #memberView(each: SmallPod): ClusterMember {
    const isLeader = names.pod('pg', 'postgres', each.ordinal) === this.leader;
    if (isLeader) return member(each.ordinal, { role: 'leader', state: 'running', timeline: this.timeline, lag: { known: false } });
    return member(each.ordinal, { timeline: this.timeline, state: each.unreadyFor === 0 ? 'streaming' : 'starting' });
  }

  #act(action: Action): void {
    switch (action.kind) {
      case 'deletePod': {
        const each = this.pods.get(action.pod);
        if (each === undefined || String(each.uid) !== action.uid) return;
        Object.assign(each, { uid: ++this.#uids, revision: NEWEST, awayFor: this.options.restartPasses, unreadyFor: this.options.restartPasses });
        const heir = [...this.pods].find(([name, other]) => other.component === 'postgres' && name !== action.pod && other.awayFor + other.unreadyFor === 0);
        if (action.pod !== this.leader || heir === undefined) return;
        this.unplanned.push(action.pod);
        this.#moveLeader(heir[0]);
        return;
      }
      case 'apply': {
        const { kind, metadata } = action.manifest;
        // Of what is mounted into pods nothing comes of in this world.
        if (metadata.name === names.ownedKeysConfigMap('pg')) this.#ownedKeys.set(objectKey(kind, metadata.name), action.manifest);
        if (kind !== 'StatefulSet' || metadata.name !== 'pg-postgres') return;
        this.replicas = (action.manifest['spec'] as { replicas: number }).replicas;
        for (let ordinal = 0; ordinal < this.replicas; ordinal++) if (!this.pods.has(names.pod('pg', 'postgres', ordinal))) this.#add('postgres', ordinal, this.options.restartPasses);
        if (Number(this.leader.split('-').at(-1)) >= this.replicas) {
          this.unplanned.push(this.leader);
          this.#moveLeader('pg-postgres-0');
        }
        return;
      }
      case 'patchDynamicConfig':
        this.#dynamicConfig = deepMerge(this.#dynamicConfig, action.patch);
        for (const [name, slot] of Object.entries((action.patch['slots'] ?? {}) as Record<string, unknown>)) {
          if (slot === null) this.#slots.delete(name);
          else this.#slots.add(name);
        }
        return;
      case 'requestSwitchover':
        this.#update(action.operation, action.status);
        if (action.leader === this.leader) this.#switchOver(action);
        return;
      case 'updateOperation':
        this.#update(action.operation, action.status);
        return;
      case 'createOperation':
        this.#create(action.requestedBy, action.target);
        return;
      case 'acceptSwitchoverAnnotation':
        this.#create('Annotation', action.value === 'any' ? undefined : action.value);
        this.annotation = undefined;
        return;
      case 'removeSwitchoverAnnotation':
      case 'rejectSwitchoverAnnotation':
        this.annotation = undefined;
        return;
      case 'deleteOperation':
        this.operations = this.operations.filter(({ metadata }) => metadata.name !== action.name);
        return;
      default:
    }
  }

  #switchOver(action: Extract<Action, { kind: 'requestSwitchover' }>): void {
    const what = this.#script.shift() ?? 'performed';
    if (what === 'ignored') return;
    if (what === 'refused') {
      this.#update(action.operation, { ...action.status, phase: 'Failed', reason: 'RefusedByPatroni', finishedAt: new Date(this.nowMs).toISOString() });
      return;
    }
    const others = [...this.pods].filter(([name, each]) => each.component === 'postgres' && ![action.leader, action.candidate].includes(name) && each.awayFor + each.unreadyFor === 0);
    this.#moveLeader(what === 'another' ? (others[0]?.[0] ?? action.candidate) : action.candidate);
  }

  #moveLeader(to: string): void {
    const old = this.pods.get(this.leader);
    if (old?.awayFor === 0) old.unreadyFor = Math.max(old.unreadyFor, this.options.restartPasses);
    this.leader = to;
    this.timeline++;
  }

  #create(requestedBy: PatroniOperationObject['spec']['requestedBy'], target: string | undefined): void {
    if (this.operations.some((each) => !isFinished(each))) return;
    this.operations.push(operation(`op-${this.operations.length}-${this.nowMs}`, { requestedBy, createdAt: new Date(this.nowMs).toISOString(), ...(target === undefined ? {} : { target }) }));
  }

  #update(changed: PatroniOperationObject, status: NonNullable<PatroniOperationObject['status']>): void {
    this.operations = this.operations.map((each) => (each.metadata.name === changed.metadata.name ? { ...each, status } : each));
  }
}
