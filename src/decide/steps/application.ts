import type { Move } from '../actions.ts';
import { leader, type Seen } from '../facts.ts';

/** Creates the application's database and owner once the leader takes writes. Recorded in the status, so that a database the user dropped later stays dropped. */
export function application(seen: Seen): Move {
  const lead = leader(seen);
  if (!seen.effective.spec.application.enabled || seen.cluster.status?.application !== undefined || lead?.state !== 'running') return { actions: [] };
  return { actions: [{ kind: 'ensureApplicationDatabase', leader: lead.name }], progress: { reason: 'Creating', message: 'Creating the application database.' } };
}
