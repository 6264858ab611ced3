/**
 * Patroni's view of the cluster, from `GET /cluster` and `GET /patroni` of its REST API (Patroni 4.1). Parsed at the border: unknown words stay strings, numbers that
 * Patroni writes as text (`lag: "unknown"`) become explicit.
 */

/** `lag` and its relatives may be the text `unknown`. */
export type Lag = { readonly known: true; readonly bytes: number } | { readonly known: false };

/** A setting that waits for a restart of PostgreSQL, with the value it has and the one it will have, as texts. */
export interface PendingSetting {
  readonly name: string;
  readonly oldValue?: string;
  readonly newValue?: string;
}

export interface ClusterMember {
  readonly name: string;
  /** Patroni's role: `leader`, `replica`, `sync_standby`, `quorum_standby`, `standby_leader`. */
  readonly role: string;
  /** Patroni's state: `running` (leader), `streaming`, `in archive recovery`, `starting`, `stopped`, `creating replica`, `crashed`, ... */
  readonly state: string;
  readonly timeline?: number;
  readonly lag: Lag;
  readonly apiUrl?: string;
  readonly host?: string;
  readonly pendingRestart: boolean;
  /** Settings that wait for the restart (`pending_restart_reason`, Patroni ≥ 3.3), by name; absent when Patroni names none. */
  readonly pendingSettings?: readonly PendingSetting[];
  readonly tags: Readonly<Record<string, unknown>>;
}

export interface ClusterView {
  readonly scope: string;
  readonly members: readonly ClusterMember[];
  readonly paused: boolean;
  readonly scheduledSwitchover?: { readonly at?: string; readonly from?: string; readonly to?: string };
}

/** One member's own word about itself, from `GET /patroni` on that member. */
export interface MemberProbe {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly timeline?: number;
  readonly replicationState?: string;
  readonly systemIdentifier?: string;
  /** e.g. 170006; absent while PostgreSQL is not running. */
  readonly serverVersion?: number;
  readonly patroniVersion?: string;
  readonly pendingRestart: boolean;
  readonly paused: boolean;
}
