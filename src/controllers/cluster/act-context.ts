import { EVENTS, type EventReason } from '../../api/events.ts';
import { podsOf } from '../../decide/facts.ts';
import type { Observed } from '../../decide/observed.ts';
import { leaderOf } from '../../patroni/members.ts';
import type { ErrorCode } from '../../errors.ts';
import type { PatroniClient } from '../../patroni/client.ts';

import type { PatroniAccess } from './patroni-access.ts';
import type { ClusterControllerPorts } from './ports.ts';
import type { SecretReader } from './secret-reader.ts';

/** What carrying out one action needs. */
export interface ActContext {
  readonly ports: ClusterControllerPorts;
  readonly secrets: SecretReader;
  readonly access: PatroniAccess;
  readonly observed: Observed;
  readonly signal: AbortSignal;
}

/** Records an event on the PatroniCluster; a failure is told by its code. */
export function note(context: ActContext, reason: EventReason | ErrorCode, action: string, message: string): void {
  const rows: Readonly<Record<string, (typeof EVENTS)[EventReason] | undefined>> = EVENTS;
  const { apiVersion, kind, metadata } = context.observed.cluster;
  context.ports.events.record({
    regarding: { apiVersion, kind, namespace: metadata.namespace, name: metadata.name, ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) },
    type: rows[reason]?.type ?? 'Warning',
    reason,
    action,
    message,
  });
}

/** What acting brought to light that the status must record at once. */
export interface ActResult {
  readonly application?: { readonly database: string; readonly owner: string };
  /** Whether anything was written or asked for. */
  readonly changed: boolean;
}

export const UNCHANGED: ActResult = { changed: false };
export const CHANGED: ActResult = { changed: true };

/** The REST API of a member, as long as it has a pod. */
export function memberClient(context: ActContext, member: string): PatroniClient | undefined {
  const pod = podsOf(context.observed, 'postgres').find((candidate) => candidate.name === member);
  return pod === undefined ? undefined : context.access.member(pod);
}

/** The REST API of the member that leads now. */
export function leaderClient(context: ActContext): PatroniClient | undefined {
  const leader = context.observed.view === undefined ? undefined : leaderOf(context.observed.view);
  return leader === undefined ? undefined : memberClient(context, leader.name);
}
