import type { Clock } from '../../../src/lib/clock.ts';
import { isRecord, pendingReason, settingsAfterReload, settingsAfterStart } from './settings.ts';

/**
 * One Patroni cluster as its REST API shows it: a small state machine on a clock. What it does was recorded from Patroni 4.1.5 with PostgreSQL 15 on
 * loopback; test/contract/patroni holds the double and the real thing to the same behaviour.
 */

export type Json = Readonly<Record<string, unknown>>;

export interface MemberModel {
  readonly name: string;
  /** Patroni runs and answers. */
  isUp: boolean;
  /** The member's key is in the DCS; it outlives the member by the ttl. */
  hasKey: boolean;
  /** Packets to it are dropped: requests hang. */
  isCutOff: boolean;
  hasData: boolean;
  state: string;
  replicationState: string | undefined;
  timeline: number | undefined;
  /** Bytes behind the leader; undefined shows as `unknown`. */
  lagBytes: number | undefined;
  tags: Json;
  pendingRestart: boolean;
  /** What its PostgreSQL runs with. */
  running: Record<string, string>;
  /** What `GET /config` of this member shows when set: it has not loaded what came since. */
  staleConfig: Json | undefined;
  /** Raised whenever what was planned for the member no longer holds. */
  epoch: number;
}

/** Durations in ms. The defaults are those seen on loopback with loop_wait 2. */
export interface ModelTiming {
  /** initdb, base backup or start of PostgreSQL. */
  readonly startMs: number;
  /** From running to streaming. */
  readonly streamMs: number;
  /** From the loss of a leader's key, or the request, to the next leader. */
  readonly handoverMs: number;
  /** From its demotion until the old leader has started again. */
  readonly rejoinMs: number;
  readonly restartMs: number;
  /** Between two looks at the DCS while a switchover is awaited. */
  readonly pollMs: number;
  /** Length of a second of the configuration (`ttl`); less makes the double hurry. */
  readonly secondMs: number;
}

const DEFAULT_TIMING: ModelTiming = {
  startMs: 2_000,
  streamMs: 1_500,
  handoverMs: 1_500,
  rejoinMs: 2_500,
  restartMs: 1_000,
  pollMs: 1_000,
  secondMs: 1_000,
};

/**
 * How the next switchovers go. `performs`: as asked for, or as the leader's own checks decide. `refused`: the leader's loop removes the request.
 * `stalls`: performed, but only after Patroni has given up waiting (503 "status unknown"). `fallsBack`: the old leader takes the key again.
 * `{ wonBy }`: another member takes over.
 */
export type SwitchoverScript = 'performs' | 'refused' | 'stalls' | 'fallsBack' | { readonly wonBy: string };

export interface PatroniModelOptions {
  readonly scope: string;
  readonly clock: Clock;
  readonly timing?: Partial<ModelTiming>;
  /** The dynamic configuration that the cluster is bootstrapped with. */
  readonly dynamicConfig?: Json;
  readonly systemIdentifier?: string;
  readonly serverVersion?: number;
  readonly patroniVersion?: string;
  /** Members, started. With `formed` (the default) they are all there at once: the first leads, the others stream. */
  readonly members?: readonly string[];
  readonly formed?: boolean;
}

const BOOTSTRAP = { ttl: 20, loop_wait: 5, retry_timeout: 5, maximum_lag_on_failover: 1_048_576 };
export class PatroniModel {
  readonly scope: string;
  readonly systemIdentifier: string;
  readonly serverVersion: number;
  readonly patroniVersion: string;
  readonly timing: ModelTiming;
  /** Undefined until bootstrapped, and when the DCS was wiped. */
  config: Record<string, unknown> | undefined;
  /** What `GET /config` shows when set: members answer from memory, up to a loop_wait old. */
  staleConfig: Json | undefined;
  leader: string | undefined;
  timeline = 0;
  /** The request in the DCS (`/failover`). */
  failover: { readonly leader: string; readonly candidate?: string; readonly scheduledAt?: string } | undefined;
  switchoverScript: SwitchoverScript = 'performs';
  /** The DCS does not answer. What follows from it (the leader steps down after the ttl) is for the test to set. */
  isDcsDown = false;
  readonly clock: Clock;
  readonly #members = new Map<string, MemberModel>();
  readonly #bootstrap: Json;
  #initializing: string | undefined;

  constructor(options: PatroniModelOptions) {
    this.scope = options.scope;
    this.clock = options.clock;
    this.timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#bootstrap = { ...BOOTSTRAP, ...options.dynamicConfig };
    this.systemIdentifier = options.systemIdentifier ?? '7711241129210816709';
    this.serverVersion = options.serverVersion ?? 170_006;
    this.patroniVersion = options.patroniVersion ?? '4.1.5';
    for (const name of options.members ?? []) {
      if (options.formed === false) this.startMember(name);
      else this.#addFormed(name);
    }
  }

  /** Members in order of their names. */
  members(): readonly MemberModel[] {
    return [...this.#members.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  member(name: string): MemberModel | undefined {
    return this.#members.get(name);
  }

  get ttlMs(): number {
    return this.timing.secondMs * Number(this.config?.['ttl'] ?? 20);
  }

  get isPaused(): boolean {
    return this.config?.['pause'] === true;
  }

  /** Patroni starts in a pod, new or known. */
  startMember(name: string): void {
    const m = this.#members.get(name) ?? this.#newMember(name);
    m.isUp = true;
    m.hasKey = true;
    m.isCutOff = false;
    m.epoch++;
    m.state = m.hasData ? 'starting' : 'stopped';
    m.replicationState = undefined;
    m.timeline = undefined;
    m.lagBytes = undefined;
    this.#arrange(m);
  }

  /** SIGTERM: PostgreSQL is stopped, the leader key given up; the member's key shows `stopped` until its ttl. */
  stopMember(name: string): void {
    const m = this.#members.get(name);
    if (m?.isUp !== true) return;
    m.isUp = false;
    this.#stopPostgres(m);
    this.#expire(m);
    if (this.leader === name) this.#releaseLeader();
  }

  /** The node is lost: the keys go on telling what was last true, until the ttl. */
  killMember(name: string): void {
    const m = this.#members.get(name);
    if (m?.isUp !== true) return;
    m.isUp = false;
    m.epoch++;
    this.#expire(m);
  }

  /** The member's key is removed from the DCS and its data with the volume: what a scale-down leaves. */
  removeMember(name: string): void {
    this.stopMember(name);
    this.#members.delete(name);
  }

  /** The member's key is deleted in the DCS; a member that is up writes it again with its next loop, which is not modelled. */
  forgetMember(name: string): void {
    const m = this.#members.get(name);
    if (m?.isUp === false) m.hasKey = false;
  }

  /** Sets anything about a member, as a test needs it. */
  setMember(name: string, change: Partial<Omit<MemberModel, 'name' | 'epoch'>>): void {
    const m = this.#members.get(name);
    if (m !== undefined) Object.assign(m, change, { epoch: m.epoch + 1 });
  }

  /** Merges as Patroni does and marks what waits for a restart. Returns false when there is no configuration. */
  patchConfig(patch: Json): boolean {
    if (this.config === undefined) return false;
    if (patchInPlace(this.config, patch)) this.#reload();
    return true;
  }

  /** Every member has loaded the configuration; what needs a restart waits for it. */
  #reload(): void {
    for (const m of this.#members.values()) {
      if (m.staleConfig !== undefined) continue;
      m.running = settingsAfterReload(this.config, m.running);
      m.pendingRestart = Object.keys(pendingReason(this.config, m.running)).length > 0;
    }
  }

  /** PostgreSQL of the member has started, as leader or behind it. */
  #takeSettings(m: MemberModel): void {
    const leader = this.leader === undefined || this.leader === m.name ? undefined : this.#members.get(this.leader)?.running;
    m.running = settingsAfterStart(this.config, leader);
    this.#reload();
  }

  /** Restarts PostgreSQL of a member; resolves when it runs again. */
  restart(name: string): Promise<void> {
    return new Promise((resolve) => {
      const m = this.#members.get(name);
      if (m === undefined) return;
      m.epoch++;
      m.state = 'restarting';
      m.replicationState = undefined;
      this.#later(m, this.timing.restartMs, () => {
        m.state = 'running';
        this.#takeSettings(m);
        resolve();
        this.#arrange(m);
      });
    });
  }

  /** Writes the request into the DCS; the leader's loop acts on it. */
  requestSwitchover(leader: string, candidate: string | undefined): void {
    this.failover = { leader, ...(candidate === undefined ? {} : { candidate }) };
    const stallMs =
      this.switchoverScript === 'stalls' ? 2 * Math.max(10, Number(this.config?.['loop_wait'] ?? 10)) * this.timing.pollMs : 0;
    this.clock.setTimeout(() => this.#performSwitchover(), stallMs + this.timing.handoverMs / 3);
  }

  #performSwitchover(): void {
    const request = this.failover;
    const old = request === undefined ? undefined : this.#members.get(request.leader);
    if (request === undefined || old === undefined || this.leader !== request.leader) return;
    const script = this.switchoverScript;
    const winner =
      typeof script === 'object' ? script.wonBy : script === 'fallsBack' ? old.name : (request.candidate ?? this.#best()?.name);
    const wanted = request.candidate === undefined ? this.#best() : this.#members.get(request.candidate);
    if (script === 'refused' || winner === undefined || wanted === undefined || !this.#canLead(wanted)) {
      this.failover = undefined;
      return;
    }
    this.#stopPostgres(old);
    this.leader = undefined;
    this.clock.setTimeout(() => {
      if (this.leader !== undefined) return;
      this.#promote(winner);
      if (winner !== old.name && old.isUp) this.#later(old, this.timing.rejoinMs, () => this.#comeUp(old));
    }, this.timing.handoverMs);
  }

  #newMember(name: string): MemberModel {
    const m: MemberModel = {
      name,
      isUp: false,
      hasKey: false,
      isCutOff: false,
      hasData: false,
      state: 'stopped',
      replicationState: undefined,
      timeline: undefined,
      lagBytes: undefined,
      tags: {},
      pendingRestart: false,
      running: {},
      staleConfig: undefined,
      epoch: 0,
    };
    this.#members.set(name, m);
    return m;
  }

  #addFormed(name: string): void {
    const m = this.#newMember(name);
    Object.assign(m, { isUp: true, hasKey: true, hasData: true, state: 'running' });
    if (this.leader === undefined) this.#initialize(m);
    else this.#follow(m);
    this.#takeSettings(m);
  }

  #initialize(m: MemberModel): void {
    m.hasData = true;
    this.config = structuredClone(this.#bootstrap);
    this.#promote(m.name);
    this.#takeSettings(m);
  }

  /** What a member that is up does next. */
  #arrange(m: MemberModel): void {
    if (!m.isUp) return;
    if (this.timeline === 0 && this.#initializing === undefined) {
      this.#initializing = m.name;
      m.state = 'initializing new cluster';
      this.clock.setTimeout(() => this.#initialize(m), this.timing.startMs);
      return;
    }
    if (!m.hasData) {
      if (this.leader === undefined) return;
      m.state = 'creating replica';
      this.#later(m, this.timing.startMs, () => {
        m.hasData = true;
        this.#comeUp(m);
      });
      return;
    }
    if (m.state !== 'running') this.#later(m, this.timing.startMs, () => this.#comeUp(m));
    else if (this.leader === undefined) this.#race();
    else if (this.leader !== m.name) this.#later(m, this.timing.streamMs, () => this.#follow(m));
  }

  /** PostgreSQL has started. */
  #comeUp(m: MemberModel): void {
    m.state = 'running';
    m.timeline = this.timeline;
    this.#takeSettings(m);
    // A leader that crashed starts in recovery and promotes itself.
    if (this.leader === m.name) {
      this.#promote(m.name);
      return;
    }
    m.lagBytes ??= 0;
    this.#arrange(m);
  }

  #follow(m: MemberModel): void {
    if (this.leader === undefined || this.leader === m.name) return;
    m.state = 'running';
    m.replicationState = 'streaming';
    m.timeline = this.timeline;
    m.lagBytes = 0;
  }

  #promote(name: string): void {
    const winner = this.#members.get(name);
    if (winner?.isUp !== true) return;
    this.leader = name;
    this.timeline++;
    this.failover = undefined;
    Object.assign(winner, {
      state: 'running',
      replicationState: undefined,
      timeline: this.timeline,
      lagBytes: undefined,
      epoch: winner.epoch + 1,
    });
    for (const m of this.#members.values()) {
      if (m === winner || !m.isUp) continue;
      if (m.state === 'running') m.replicationState = undefined;
      if (m.state === 'running' || !m.hasData) this.#arrange(m);
    }
  }

  #stopPostgres(m: MemberModel): void {
    Object.assign(m, { state: 'stopped', replicationState: undefined, timeline: undefined, lagBytes: undefined, epoch: m.epoch + 1 });
  }

  #releaseLeader(): void {
    this.leader = undefined;
    this.failover = undefined;
    this.#race();
  }

  #race(): void {
    this.clock.setTimeout(() => {
      if (this.leader !== undefined || this.isPaused) return;
      const best = this.#best();
      if (best !== undefined) this.#promote(best.name);
    }, this.timing.handoverMs);
  }

  /** Keys vanish a ttl after the member stopped renewing its lease. */
  #expire(m: MemberModel): void {
    const { epoch } = m;
    this.clock.setTimeout(() => {
      if (m.isUp || m.epoch !== epoch) return;
      m.hasKey = false;
      if (this.leader === m.name) this.#releaseLeader();
    }, this.ttlMs);
  }

  #best(): MemberModel | undefined {
    return this.members()
      .filter((m) => this.#canLead(m))
      .sort((a, b) => (a.lagBytes ?? 0) - (b.lagBytes ?? 0))[0];
  }

  /** What the leader's loop checks, and a candidate itself: no reason reaches the client. */
  #canLead(m: MemberModel): boolean {
    const limit = Number(this.config?.['maximum_lag_on_failover'] ?? 1_048_576);
    return m.name !== this.leader && isReachableCandidate(m) && m.state === 'running' && (m.lagBytes ?? 0) <= limit;
  }

  #later(m: MemberModel, ms: number, then: () => void): void {
    const epoch = ++m.epoch;
    this.clock.setTimeout(() => {
      if (m.epoch === epoch && m.isUp) then();
    }, ms);
  }
}

/** Patroni `failover_limitation`: reachable, and allowed to lead. */
export function isReachableCandidate(m: MemberModel): boolean {
  const { nofailover, failover_priority: priority } = m.tags;
  const isBarred = nofailover === undefined ? priority !== undefined && Number(priority) <= 0 : Boolean(nofailover);
  return m.isUp && !m.isCutOff && !isBarred;
}

/** `patch_config` of Patroni 4.1: null deletes, objects merge, values are compared as text; a null inside a new object is stored. */
function patchInPlace(config: Record<string, unknown>, patch: Json): boolean {
  let isChanged = false;
  for (const [key, value] of Object.entries(patch)) {
    const live = config[key];
    if (value === null) {
      if (live !== undefined && live !== null) isChanged = true;
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the document is JSON, its keys are data
      delete config[key];
    } else if (isRecord(value) && isRecord(live)) {
      if (patchInPlace(live, value)) isChanged = true;
    } else if (!(key in config) || isRecord(value) || pythonText(live) !== pythonText(value)) {
      config[key] = structuredClone(value);
      isChanged = true;
    }
  }
  return isChanged;
}

/** `str()` of Python, as far as JSON needs it: enough to tell equal from different. */
function pythonText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}
