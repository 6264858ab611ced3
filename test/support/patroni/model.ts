import type { Clock } from '../../../src/lib/clock.ts';

import { DcsConfig } from './dcs-config.ts';
import { Hazards } from './hazards.ts';
import { isReachableCandidate, newMember, type Json, type MemberModel } from './member.ts';
import { DEFAULT_TIMING, type ModelTiming, type PatroniModelOptions, type SwitchoverScript } from './options.ts';
import { settingsAfterStart } from './settings.ts';

/**
 * One Patroni cluster as its REST API shows it: a small state machine on a clock. What it does was recorded from Patroni 4.1.5 with PostgreSQL 15 on
 * loopback; test/contract/patroni holds the double and the real thing to the same behaviour.
 */

const BOOTSTRAP = { ttl: 20, loop_wait: 5, retry_timeout: 5, maximum_lag_on_failover: 1_048_576 };

export class PatroniModel {
  readonly scope: string;
  readonly systemIdentifier: string;
  readonly serverVersion: number;
  readonly patroniVersion: string;
  readonly timing: ModelTiming;
  /** The dynamic configuration in the DCS, and who has loaded it. */
  readonly dcs: DcsConfig;
  leader: string | undefined;
  timeline = 0;
  /** The request in the DCS (`/failover`). */
  failover: { readonly leader: string; readonly candidate?: string; readonly scheduledAt?: string } | undefined;
  switchoverScript: SwitchoverScript = 'performs';
  /** The DCS does not answer. What follows from it (the leader steps down after the ttl) is for the test to set. */
  isDcsDown = false;
  readonly hazards = new Hazards();
  readonly clock: Clock;
  readonly #members = new Map<string, MemberModel>();
  readonly #bootstrap: Json;
  #initializing: string | undefined;

  constructor(options: PatroniModelOptions) {
    this.scope = options.scope;
    this.clock = options.clock;
    this.timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#bootstrap = { ...BOOTSTRAP, ...options.dynamicConfig };
    this.dcs = new DcsConfig({ clock: this.clock, timing: this.timing, members: () => this.#members.values(), leader: () => this.#leading() });
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

  /** What is in the DCS: undefined until bootstrapped, and when it was wiped. */
  get config(): Record<string, unknown> | undefined {
    return this.dcs.stored;
  }

  set config(config: Json | undefined) {
    this.dcs.write(config);
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
    m.isStuck = false;
    m.epoch++;
    m.state = m.hasData ? 'starting' : 'stopped';
    m.replicationState = undefined;
    m.timeline = undefined;
    m.lagBytes = undefined;
    this.dcs.load(m);
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
    if (m === undefined) return;
    Object.assign(m, change);
    // Whether its loop hangs has no bearing on what its PostgreSQL is about to do.
    if (Object.keys(change).some((key) => key !== 'isStuck')) m.epoch++;
  }

  /** Somebody changes the dynamic configuration, not through the operator. Returns false when there is none. */
  patchConfig(patch: Json): boolean {
    return this.dcs.patch(patch) === 'done';
  }

  #leading(): MemberModel | undefined {
    return this.leader === undefined ? undefined : this.#members.get(this.leader);
  }

  /** PostgreSQL of the member has started, as leader or behind it. */
  #takeSettings(m: MemberModel): void {
    const leader = this.#leading();
    m.running = settingsAfterStart(m.loaded, leader === m ? undefined : (m.replayed ?? leader?.running));
    this.dcs.started(m);
    if (leader === m) this.hazards.leads(m, this.members());
  }

  /** Restarts PostgreSQL of a member; resolves when it runs again. Replicas lose a leader that restarts, and find it again. */
  restart(name: string): Promise<void> {
    return new Promise((resolve) => {
      const m = this.#members.get(name);
      if (m === undefined) return;
      const wasLeader = this.leader === name;
      const others = this.members().filter((each) => each !== m && each.isUp);
      this.hazards.restarts(m, others, this.leader);
      m.epoch++;
      m.state = 'restarting';
      m.replicationState = undefined;
      if (wasLeader) for (const each of others) this.#loseLeader(each, m.running);
      this.#later(m, this.timing.restartMs, () => {
        m.state = 'running';
        this.#takeSettings(m);
        resolve();
        this.#arrange(m);
        if (wasLeader) for (const each of others) if (each.state === 'running') this.#arrange(each);
      });
    });
  }

  /** Its leader restarts: the key goes on telling that it streams until its next loop, and it has replayed nothing of what the leader will run with. */
  #loseLeader(m: MemberModel, settings: MemberModel['running']): void {
    Object.assign(m, { replicationState: undefined, replicationStateInKey: m.replicationState, replayed: settings });
    this.clock.setTimeout(() => {
      m.replicationStateInKey = undefined;
    }, this.dcs.loopMs);
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
    const m = newMember(name);
    this.#members.set(name, m);
    return m;
  }

  #addFormed(name: string): void {
    const m = this.#newMember(name);
    Object.assign(m, { isUp: true, hasKey: true, hasData: true, state: 'running' });
    if (this.leader === undefined) this.#initialize(m);
    else this.#follow(m);
    this.dcs.load(m);
    this.#takeSettings(m);
  }

  #initialize(m: MemberModel): void {
    m.hasData = true;
    this.dcs.write(this.#bootstrap);
    this.dcs.load(m);
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
    this.dcs.load(m);
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
    m.replicationStateInKey = undefined;
    m.replayed = undefined;
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
    this.hazards.leads(winner, this.members());
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
