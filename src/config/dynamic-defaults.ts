import type { EffectiveCluster } from '../api/effective.ts';
import type { PatroniClusterSpec } from '../api/patronicluster.ts';
import type { JsonObject } from '../lib/deep-merge.ts';
import { parseQuantity } from '../lib/quantity.ts';

/** Seconds. Patroni demands `loop_wait + 2 × retry_timeout ≤ ttl` and ttl ≥ 20. Measured in adr/0007. */
const TIMINGS = {
  standard: { ttl: 20, loop_wait: 5, retry_timeout: 5 },
  fast: { ttl: 20, loop_wait: 3, retry_timeout: 3 },
  tolerant: { ttl: 30, loop_wait: 10, retry_timeout: 10 },
} as const satisfies Record<PatroniClusterSpec['patroni']['failover'], object>;

/** What Patroni 4.1 takes where the dynamic configuration says nothing (`Config.__DEFAULT_CONFIG`). */
export const PATRONI_TIMING = { ttl: 30, loop_wait: 10, retry_timeout: 10 } as const;

/**
 * Bytes of WAL a replica may lack and still be promoted by itself, compared with what the leader last wrote to etcd: at each loop, and exactly at a clean shutdown. With
 * Patroni's default of 1 MiB, deleting all pods at once lost acknowledged rows (seen): the leader releases its lock once it is down, and a replica that had stopped before it came
 * back first. A replica receives WAL within milliseconds, long before the position is in etcd, so zero costs availability only where replication lags anyway.
 */
const MAXIMUM_LAG_ON_FAILOVER = 0;

/** What the operator sets in the dynamic configuration beside settings of PostgreSQL and the slots of the members. */
export function dynamicDefaults(): JsonObject {
  return {
    ...TIMINGS.standard,
    maximum_lag_on_failover: MAXIMUM_LAG_ON_FAILOVER,
    failsafe_mode: true,
    member_slots_ttl: 0,
    postgresql: { use_pg_rewind: true, use_slots: true },
  };
}

/** A dedicated field of the spec, and what it means in the dynamic configuration. */
export interface Handle {
  /** Path of the field. */
  readonly field: string;
  readonly values: JsonObject;
}

/** The dedicated fields that were set to other than their defaults. */
export function dynamicHandles({ spec: { patroni } }: Pick<EffectiveCluster, 'spec'>): readonly Handle[] {
  const { failover, ttl, loopWait, retryTimeout, maximumLagOnFailover, failsafeMode, synchronous, slots, ignoreSlots } = patroni;
  const handle = (field: string, key: string, value: unknown): readonly Handle[] =>
    value === undefined ? [] : [{ field: `spec.patroni.${field}`, values: { [key]: value } }];
  return [
    ...(failover === 'standard' ? [] : [{ field: 'spec.patroni.failover', values: TIMINGS[failover] }]),
    ...handle('ttl', 'ttl', ttl),
    ...handle('loopWait', 'loop_wait', loopWait),
    ...handle('retryTimeout', 'retry_timeout', retryTimeout),
    ...handle('maximumLagOnFailover', 'maximum_lag_on_failover', maximumLagOnFailover === undefined ? undefined : parseQuantity(maximumLagOnFailover)),
    ...handle('failsafeMode', 'failsafe_mode', failsafeMode ? undefined : false),
    ...(synchronous.mode === 'off' ? [] : [{ field: 'spec.patroni.synchronous.mode', values: SYNCHRONOUS[synchronous.mode] }]),
    ...handle('synchronous.nodeCount', 'synchronous_node_count', synchronous.nodeCount),
    ...handle('slots', 'slots', slots),
    ...handle('ignoreSlots', 'ignore_slots', ignoreSlots),
  ];
}

const SYNCHRONOUS = {
  on: { synchronous_mode: true },
  strict: { synchronous_mode: true, synchronous_mode_strict: true },
  quorum: { synchronous_mode: 'quorum' },
  quorumStrict: { synchronous_mode: 'quorum', synchronous_mode_strict: true },
} as const;
