/** One member of a `PatroniModel`: what is true of it, and what others see. */

export type Json = Readonly<Record<string, unknown>>;

/** `pending_restart_reason` of Patroni 4.1. */
export type PendingReason = Readonly<Record<string, { readonly old_value: string; readonly new_value: string }>>;

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
  /** What its key in the DCS still tells of that (`GET /cluster`) after its leader has restarted, up to a loop long. */
  replicationStateInKey: string | undefined;
  /** What a standby has replayed of its leader's settings, where that is not what the leader runs with: it starts with no less. */
  replayed: Readonly<Record<string, string>> | undefined;
  timeline: number | undefined;
  /** Bytes behind the leader; undefined shows as `unknown`. */
  lagBytes: number | undefined;
  tags: Json;
  /** The dynamic configuration that it loaded last: what `GET /config` of this member shows. */
  loaded: Json | undefined;
  /** Loads nothing that comes from now on, as a member whose loop hangs. */
  isStuck: boolean;
  /** What its PostgreSQL runs with. */
  running: Readonly<Record<string, string>>;
  /** What ALTER SYSTEM set there: it wins over everything from Patroni that can be changed by a reload. */
  altered: Readonly<Record<string, string>>;
  /** What waits for a restart, as the member itself knows (`GET /patroni`). */
  pending: PendingReason;
  /** The same as its key in the DCS tells it (`GET /cluster`): up to a loop old. */
  pendingInKey: PendingReason;
  /** Raised whenever what was planned for the member no longer holds. */
  epoch: number;
}

export function newMember(name: string): MemberModel {
  return {
    name,
    isUp: false,
    hasKey: false,
    isCutOff: false,
    hasData: false,
    state: 'stopped',
    replicationState: undefined,
    replicationStateInKey: undefined,
    replayed: undefined,
    timeline: undefined,
    lagBytes: undefined,
    tags: {},
    loaded: undefined,
    isStuck: false,
    running: {},
    altered: {},
    pending: {},
    pendingInKey: {},
    epoch: 0,
  };
}

/** Patroni `failover_limitation`: reachable, and allowed to lead. */
export function isReachableCandidate(m: MemberModel): boolean {
  const { nofailover, failover_priority: priority } = m.tags;
  const isBarred = nofailover === undefined ? priority !== undefined && Number(priority) <= 0 : Boolean(nofailover);
  return m.isUp && !m.isCutOff && !isBarred;
}
