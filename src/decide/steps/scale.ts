import { switchoverCandidates } from '../../patroni/switchover-checks.ts';
import type { Move } from '../actions.ts';
import { activeOperation, byAge, isFinished, leader, liveReplicas, memberOrdinal, type Seen } from '../facts.ts';

import { MAXIMUM_LAG_BYTES } from './operations.ts';

/** Pause after a failed switchover of the operator's own before it tries again. */
const RETRY_AFTER_MS = 60_000;

/**
 * How many Postgres replicas the StatefulSet shall have now, and what has to happen first. Growing happens at once. Shrinking removes the highest ordinals, so it waits
 * until one of the members that stay leads: if need be it asks for a switchover. It never happens while the leader is unknown or Patroni is paused
 * (a paused Patroni would not fail over should the wrong pod go).
 */
export function scale(seen: Seen): Move & { readonly replicas: number } {
  const wanted = seen.effective.spec.postgres.replicas;
  const now = liveReplicas(seen, 'postgres');
  if (now === undefined || wanted === now) return { replicas: wanted, actions: [] };
  if (wanted > now) return { replicas: wanted, actions: [], progress: { reason: 'ScalingUp', message: `Adding members up to ${String(wanted)}.` } };
  const hold = (message: string): Move & { replicas: number } => ({ replicas: now, actions: [], progress: { reason: 'ScalingDown', message } });
  if (seen.view === undefined) return hold('Scale-down waits: no member of Patroni answers.');
  if (seen.view.paused) return hold('Scale-down waits: Patroni is paused. Resume it with `patronictl resume`.');
  const lead = leader(seen);
  const ordinal = lead === undefined ? undefined : memberOrdinal(seen, lead.name);
  if (lead === undefined || ordinal === undefined) return hold('Scale-down waits: no member holds the leader lock.');
  if (activeOperation(seen) !== undefined) return hold('Scale-down waits for the operation that is under way.');
  if (ordinal < wanted) return { replicas: wanted, actions: [], progress: { reason: 'ScalingDown', message: `Removing members down to ${String(wanted)}.` } };
  const stays = switchoverCandidates(seen.view, { maximumLagBytes: MAXIMUM_LAG_BYTES }).find((member) => (memberOrdinal(seen, member.name) ?? wanted) < wanted);
  if (stays === undefined) return hold(`Scale-down waits: ${lead.name} leads and would be removed, but none of the members that stay is fit to take over.`);
  if (recentlyFailed(seen)) return hold('Scale-down waits a minute after a switchover that failed.');
  return { ...hold(`Handing the lead over from ${lead.name} to ${stays.name}, since ${lead.name} will be removed.`), actions: [{ kind: 'createOperation', requestedBy: 'ScaleDown', target: stays.name }] };
}

/** Whether the operator's own latest switchover ended badly less than a minute ago. */
export function recentlyFailed(seen: Seen): boolean {
  const latest = seen.operations.filter((operation) => isFinished(operation) && operation.spec.requestedBy !== 'Annotation').sort(byAge).at(-1);
  if (latest === undefined || latest.status?.phase === 'Succeeded') return false;
  return seen.nowMs - Date.parse(latest.status?.finishedAt ?? '1970-01-01T00:00:00Z') < RETRY_AFTER_MS;
}
