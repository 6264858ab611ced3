import { ANNOTATIONS } from '../../api/meta.ts';
import { rfc3339Seconds } from '../../lib/rfc3339.ts';
import { type WindowState, windowState } from '../../lib/maintenance-window.ts';
import type { Seen } from '../facts.ts';

/** The only value of the annotation that asks for restarts. */
export const RESTART_PENDING = 'pending';

export type RestartPermission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: 'WaitingForRequest' | 'WaitingForWindow' | 'UpdateStrategyNever' | 'PatroniPaused'; readonly message: string };

/** Whether pods and PostgreSQL may be restarted for a change now, and if not, what it waits for. The message changes only when that does. */
export function restartPermission(seen: Seen): RestartPermission {
  if (seen.view?.paused === true) return { allowed: false, reason: 'PatroniPaused', message: 'Nothing is restarted while Patroni is paused. `patronictl resume` ends the pause.' };
  const { type, schedule } = seen.effective.spec.updateStrategy;
  const how = `kubectl annotate patroni ${seen.effective.name} -n ${seen.effective.namespace} ${ANNOTATIONS.restart}=${RESTART_PENDING}`;
  if (type === 'Always') return { allowed: true };
  if (type === 'Never') return { allowed: false, reason: 'UpdateStrategyNever', message: 'updateStrategy.type is Never: restart by hand, one member at a time, with `patronictl restart`.' };
  if (isRestartRequested(seen)) return { allowed: true };
  if (type === 'OnRequest') return { allowed: false, reason: 'WaitingForRequest', message: `updateStrategy.type is OnRequest: ask with \`${how}\`.` };
  const state: WindowState = schedule === undefined ? { isOpen: false } : windowState(schedule, seen.nowMs);
  if (state.isOpen) return { allowed: true };
  const when = state.opensAtMs !== undefined ? `the next window opens at ${rfc3339Seconds(state.opensAtMs)}` : 'no window will ever open';
  return { allowed: false, reason: 'WaitingForWindow', message: `updateStrategy.type is Schedule and ${when}. Sooner: \`${how}\`.` };
}

export function isRestartRequested(seen: Seen): boolean {
  return seen.cluster.metadata.annotations?.[ANNOTATIONS.restart] === RESTART_PENDING;
}
