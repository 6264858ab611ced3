import { IDLE_RECHECK_MS } from '../../decide/decide.ts';
import { shortHash } from '../../lib/canonical-json.ts';

/**
 * Idle clusters are looked at this far apart, taken together: 1,000 of them every 25 s each instead of every 10 s, which would take most of a core (measured). What the pods of
 * a cluster do is seen at once all the same; what waits is a change of leader that no pod's readiness shows.
 */
const IDLE_SPACING_MS = 25;

export interface Crowd {
  /** `namespace/name` of the cluster that was looked at. */
  readonly key: string;
  /** How many clusters the operator looks after. */
  readonly clusters: number;
  readonly nowMs: number;
}

/**
 * When a cluster is looked at again: as the decision says while something is under way, and when idle not more often than one operator can bear for so many clusters. Each of many
 * has a place of its own in the round, by its name: otherwise those that became ready together would come round together for ever, in bursts (measured at 1,000 clusters: 6 s of
 * work, 19 s of rest). So the first time it is between half and one and a half rounds.
 */
export function recheckAfterMs(decidedMs: number, { key, clusters, nowMs }: Crowd): number {
  const roundMs = clusters * IDLE_SPACING_MS;
  if (decidedMs < IDLE_RECHECK_MS || roundMs <= decidedMs) return decidedMs;
  const placeMs = (Number.parseInt(shortHash(key, 8), 16) / 2 ** 32) * roundMs;
  const rounds = Math.round((nowMs + roundMs - placeMs) / roundMs);
  return Math.round(placeMs + rounds * roundMs - nowMs);
}
