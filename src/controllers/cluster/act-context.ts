import { podsOf } from '../../decide/facts.ts';
import type { Observed } from '../../decide/observed.ts';
import { leaderOf } from '../../patroni/members.ts';
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

/** Records an event on the PatroniCluster. */
export function note(context: ActContext, type: 'Normal' | 'Warning', reason: string, action: string, message: string): void {
  const { apiVersion, kind, metadata } = context.observed.cluster;
  context.ports.events.record({
    regarding: { apiVersion, kind, namespace: metadata.namespace, name: metadata.name, ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) },
    type,
    reason,
    action,
    message,
  });
}

/** The REST API of the member that leads now. */
export function leaderClient(context: ActContext): PatroniClient | undefined {
  const leader = context.observed.view === undefined ? undefined : leaderOf(context.observed.view);
  const pod = podsOf(context.observed, 'postgres').find((candidate) => candidate.name === leader?.name);
  return pod === undefined ? undefined : context.access.member(pod);
}
