import { IDLE_RECHECK_MS } from '../../decide/decide.ts';

/**
 * Idle clusters are looked at this far apart, taken together: 1,000 of them every 25 s each instead of every 10 s, which would take most of a core (measured). What the pods of
 * a cluster do is seen at once all the same; what waits is a change of leader that no pod's readiness shows.
 */
const IDLE_SPACING_MS = 25;

/** When a cluster is looked at again: as the decision says while something is under way, and when idle not more often than one operator can bear for so many clusters. */
export function recheckAfterMs(decidedMs: number, clusters: number): number {
  return decidedMs < IDLE_RECHECK_MS ? decidedMs : Math.max(decidedMs, clusters * IDLE_SPACING_MS);
}
