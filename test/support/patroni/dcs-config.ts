import type { Clock } from '../../../src/lib/clock.ts';

import type { Json, MemberModel } from './member.ts';
import type { ModelTiming } from './options.ts';
import { isRecord, pendingReason, settingsAfterReload } from './settings.ts';

export interface DcsConfigOptions {
  readonly clock: Clock;
  readonly timing: ModelTiming;
  readonly members: () => Iterable<MemberModel>;
  readonly leader: () => MemberModel | undefined;
}

/**
 * The dynamic configuration in the DCS (`/config`), and how members come to load it; then PostgreSQL is reloaded, and with the loop after that the key of the member tells what waits
 * for a restart (`Patroni._run_cycle` of 4.1: keys are written before configuration is read). With a loop_wait of 5 s, keys came 0.2 to 4.7 s after the member knew it itself, and in
 * five of six cases that of the leader first, by 0.3 to 4.3 s.
 *
 * The member that was asked for the change has loaded it when it is asked again: Patroni wakes its loop, and of 36 reads 50 to 70 ms after a change none was old (4.1.5 on loopback).
 * The others were as quick there, since etcd tells them; here they take a loop_wait, as they do when they miss that.
 */
export class DcsConfig {
  readonly #options: DcsConfigOptions;
  #stored: Record<string, unknown> | undefined;
  /** How many of the next changes through Patroni meet one of somebody else, who is quicker. */
  conflicts = 0;
  /** How long the loop of the member that was asked takes to read a change: a fault, 0 when all is well. */
  wakeMs = 0;
  /** What somebody else changes at each conflict. */
  conflicting: Json = {};

  constructor(options: DcsConfigOptions) {
    this.#options = options;
  }

  get stored(): Record<string, unknown> | undefined {
    return this.#stored;
  }

  /** Somebody writes the whole document, or removes it. */
  write(config: Json | undefined): void {
    this.#stored = config === undefined ? undefined : structuredClone(config);
    this.#spread();
    if (isEmpty(this.#stored)) this.#refill();
  }

  /** Merges as Patroni does, asked of a member or (undefined) by somebody with a client of the DCS. */
  patch(patch: Json, asked?: string): 'done' | 'missing' | 'conflict' {
    if (this.#stored === undefined) return 'missing';
    if (asked !== undefined && this.conflicts > 0) {
      this.conflicts--;
      if (patchInPlace(this.#stored, this.conflicting)) this.#spread();
      return 'conflict';
    }
    if (patchInPlace(this.#stored, patch)) this.#spread(asked);
    return 'done';
  }

  /** What `GET /config` of a member shows; undefined when there is nothing to show. */
  shownBy(m: MemberModel): Json | undefined {
    return isEmpty(this.#stored) ? this.#stored : m.loaded;
  }

  get loopMs(): number {
    const { timing, leader } = this.#options;
    return timing.secondMs * Number(this.#stored?.['loop_wait'] ?? leader()?.loaded?.['loop_wait'] ?? 10);
  }

  /** A member reads what is there, as it does when it starts. A document that is empty or gone leaves it with what it knew. */
  load(m: MemberModel): void {
    if (m.isStuck || isEmpty(this.#stored)) return;
    m.loaded = structuredClone(this.#stored);
  }

  /** PostgreSQL of a member has started: what waits for a restart is known to it and, as Patroni wakes its loop after that, to the others (within 0.1 s on loopback). */
  started(m: MemberModel): void {
    m.pending = pendingReason(m.loaded, m.running);
    m.pendingInKey = m.pending;
  }

  #spread(asked?: string): void {
    const { clock, members } = this.#options;
    for (const m of members()) {
      if (m.name === asked && this.wakeMs === 0) this.#read(m);
      else clock.setTimeout(() => this.#read(m), m.name === asked ? this.wakeMs : this.loopMs);
    }
  }

  /** The loop of a member comes to the configuration. */
  #read(m: MemberModel): void {
    if (!m.isUp || m.isStuck) return;
    this.load(m);
    this.#options.clock.setTimeout(() => this.#reload(m), this.#options.timing.reloadMs);
  }

  /** A member that has stopped in between takes at its start what it then finds. */
  #reload(m: MemberModel): void {
    if (!m.isUp || m.state !== 'running') return;
    m.running = settingsAfterReload(m.loaded, m.running);
    m.pending = pendingReason(m.loaded, m.running);
    this.#options.clock.setTimeout(() => {
      if (m.isUp) m.pendingInKey = m.pending;
    }, this.loopMs);
  }

  /** The leader writes what it remembers when it finds nothing (`Ha.load_cluster_from_dcs` … `set_config_value` of 4.1). */
  #refill(): void {
    const { clock, leader } = this.#options;
    clock.setTimeout(() => {
      const remembered = leader()?.loaded;
      if (isEmpty(this.#stored) && remembered !== undefined) this.write(remembered);
    }, this.loopMs);
  }
}

function isEmpty(config: Json | undefined): boolean {
  return config === undefined || Object.keys(config).length === 0;
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
