import type { Clock } from '../../../src/lib/clock.ts';

import type { Json } from './member.ts';

/** What a `PatroniModel` is made with, and how it can be told to behave. */

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
  /** Length of a second of the configuration (`ttl`, `loop_wait`); less makes the double hurry. */
  readonly secondMs: number;
  /**
   * From having loaded the configuration until PostgreSQL has been reloaded and the member knows what waits for a restart. Patroni 4.1.5 waits a second before it asks PostgreSQL:
   * 1.1 to 1.5 s were measured.
   */
  readonly reloadMs: number;
}

export const DEFAULT_TIMING: ModelTiming = {
  startMs: 2_000,
  streamMs: 1_500,
  handoverMs: 1_500,
  rejoinMs: 2_500,
  restartMs: 1_000,
  pollMs: 1_000,
  secondMs: 1_000,
  reloadMs: 1_200,
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
