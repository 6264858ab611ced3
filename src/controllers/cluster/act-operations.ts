import { ANNOTATIONS, API_VERSION, FIELD_MANAGER } from '../../api/meta.ts';
import { labels } from '../../api/names.ts';
import type { PatroniClusterObject, PatroniOperationObject } from '../../api/objects.ts';
import type { PatroniOperationSpec, PatroniOperationStatus } from '../../api/patronioperation.ts';
import type { Action } from '../../decide/actions.ts';
import { isFinished } from '../../decide/facts.ts';
import { errorCode } from '../../errors.ts';
import { KINDS } from '../../kube/types.ts';
import { shortHash } from '../../lib/canonical-json.ts';
import { rfc3339Seconds } from '../../lib/rfc3339.ts';
import { ANY_MEMBER } from '../../patroni/switchover-checks.ts';

import { leaderClient, note, type ActContext } from './act-context.ts';

/**
 * The writes around a switchover. Creating an operation reads the API server itself, not the cache: a cache that lags behind our own last write would make a second one.
 */

export async function acceptAnnotation(context: ActContext, value: string): Promise<void> {
  const live = await liveCluster(context);
  if (live?.metadata.annotations?.[ANNOTATIONS.switchover] !== value) return;
  if (!(await hasUnfinished(context))) {
    await create(context, live, { type: 'Switchover', requestedBy: 'Annotation', ...(value === ANY_MEMBER ? {} : { switchover: { target: value.slice(0, 63) } }) });
  }
  await removeAnnotation(context, 'switchover', value);
}

export async function rejectAnnotation(context: ActContext, rejected: Extract<Action, { kind: 'rejectSwitchoverAnnotation' }>): Promise<void> {
  const { value, reason, message } = rejected;
  const live = await liveCluster(context);
  if (live?.metadata.annotations?.[ANNOTATIONS.switchover] !== value) return;
  const operation = await create(context, live, { type: 'Switchover', requestedBy: 'Annotation', ...(value === ANY_MEMBER ? {} : { switchover: { target: value.slice(0, 63) } }) });
  const now = rfc3339Seconds(context.observed.nowMs);
  await updateOperation(context, operation, { phase: 'Rejected', reason, message, startedAt: now, finishedAt: now });
  await removeAnnotation(context, 'switchover', value);
}

/** Removes the annotation only while it still says `value`: another request may have come in between. */
export async function removeAnnotation(context: ActContext, annotation: 'switchover' | 'restart', value: string): Promise<void> {
  const { namespace, name } = context.observed.cluster.metadata;
  const path = `/metadata/annotations/${ANNOTATIONS[annotation].replaceAll('~', '~0').replaceAll('/', '~1')}`;
  try {
    const body = [
      { op: 'test', path, value },
      { op: 'remove', path },
    ];
    await context.ports.rest.patch(KINDS.PatroniCluster, { namespace, name }, { type: 'json', body }, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    // The test fails (422) when the annotation has gone or changed: the next pass sees what is there.
    if (!['ERR_KUBE_INVALID', 'ERR_KUBE_NOT_FOUND', 'ERR_KUBE_BAD_REQUEST'].includes(errorCode(error))) throw error;
  }
}

export async function createOperation(context: ActContext, wanted: Extract<Action, { kind: 'createOperation' }>): Promise<void> {
  const live = await liveCluster(context);
  if (live === undefined || (await hasUnfinished(context))) return;
  await create(context, live, { type: 'Switchover', requestedBy: wanted.requestedBy, switchover: { target: wanted.target } });
}

export async function updateOperation(context: ActContext, operation: PatroniOperationObject, status: PatroniOperationStatus): Promise<PatroniOperationObject> {
  const { namespace, name, resourceVersion } = operation.metadata;
  // With the resourceVersion, two operators (an old leader that has not noticed yet) cannot both move the operation on.
  const body = { metadata: { resourceVersion }, status };
  const updated = await context.ports.rest.patchStatus(KINDS.PatroniOperation, { namespace, name }, { type: 'merge', body }, { fieldManager: FIELD_MANAGER });
  announce(context, operation, status);
  return updated as unknown as PatroniOperationObject;
}

export async function requestSwitchover(context: ActContext, wanted: Extract<Action, { kind: 'requestSwitchover' }>): Promise<void> {
  const { leader, candidate } = wanted;
  const operation = wanted.operation.status?.phase === 'Running' ? wanted.operation : await updateOperation(context, wanted.operation, wanted.status);
  const client = leaderClient(context);
  if (client === undefined) return;
  const reply = await client.postSwitchover({ leader, candidate }, context.signal);
  if (reply.kind !== 'refused' && reply.kind !== 'failed') return; // what came of it, the next observation tells
  if (reply.kind === 'refused' && reply.reason === 'LeaderChanged') return;
  const finishedAt = rfc3339Seconds(context.ports.clock.nowMs());
  const why = reply.kind === 'failed' ? `${reply.text}; the log of ${leader} tells why` : reply.text;
  await updateOperation(context, operation, {
    ...wanted.status,
    phase: 'Failed',
    reason: 'RefusedByPatroni',
    message: `Patroni did not hand over from ${leader} to ${candidate}: ${why}.`,
    leaderAfter: leader,
    finishedAt,
  });
}

function announce(context: ActContext, operation: PatroniOperationObject, status: PatroniOperationStatus): void {
  const { phase, reason = '', message = '' } = status;
  const { namespace, name } = context.observed.cluster.metadata;
  const text = `${operation.metadata.name}: ${message}`;
  if (phase === 'Running') note(context, 'SwitchoverStarted', 'Switchover', text);
  else if (phase === 'Succeeded') note(context, 'SwitchoverSucceeded', 'Switchover', text);
  else if (phase === 'Failed') note(context, 'SwitchoverFailed', 'Switchover', `${text} (${reason})`);
  else if (phase === 'Rejected') note(context, 'SwitchoverRejected', 'Switchover', `${text} (${reason})`);
  context.ports.logger.info('switchover', { cluster: `${namespace}/${name}`, operation: operation.metadata.name, phase, reason });
}

async function create(context: ActContext, cluster: PatroniClusterObject, spec: Omit<PatroniOperationSpec, 'cluster'>): Promise<PatroniOperationObject> {
  const { name, namespace, uid = '', resourceVersion = '' } = cluster.metadata;
  const manifest = {
    apiVersion: API_VERSION,
    kind: 'PatroniOperation',
    metadata: {
      // Two operators that act on the same version of the cluster make the same name, so the second fails.
      name: `${name}-switchover-${shortHash(`${uid}/${resourceVersion}`, 8)}`,
      namespace,
      labels: labels(name),
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'PatroniCluster', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: { cluster: name, ...spec },
  };
  return (await context.ports.rest.create(KINDS.PatroniOperation, manifest, { fieldManager: FIELD_MANAGER })) as unknown as PatroniOperationObject;
}

async function liveCluster(context: ActContext): Promise<PatroniClusterObject | undefined> {
  const { namespace, name } = context.observed.cluster.metadata;
  return (await context.ports.rest.find(KINDS.PatroniCluster, { namespace, name })) as unknown as PatroniClusterObject | undefined;
}

async function hasUnfinished(context: ActContext): Promise<boolean> {
  const { namespace, name } = context.observed.cluster.metadata;
  const { items } = await context.ports.rest.list(KINDS.PatroniOperation, { namespace });
  return (items as unknown as readonly PatroniOperationObject[]).some((operation) => operation.spec.cluster === name && !isFinished(operation));
}
