import { ANNOTATIONS } from '../../api/meta.ts';
import type { PatroniOperationObject } from '../../api/objects.ts';
import type { PatroniOperationStatus } from '../../api/patronioperation.ts';
import { rfc3339Seconds } from '../../lib/rfc3339.ts';
import { leaderOf } from '../../patroni/members.ts';
import { ANY_MEMBER, checkSwitchover } from '../../patroni/switchover-checks.ts';
import { verifySwitchover } from '../../patroni/switchover-outcome.ts';
import type { Action, Move } from '../actions.ts';
import { activeOperation, byAge, isFinished, type Seen } from '../facts.ts';

/** How far behind the candidate of a switchover may be by Patroni's view, which is up to a loop old. The leader waits for it to catch up before it hands over. */
export const MAXIMUM_LAG_BYTES = 1_048_576;

/** How long a request waits for a member that answers before it is rejected. */
const OBSERVATION_DEADLINE_MS = 60_000;

/** Finished operations that are kept for each cluster. */
const KEPT = 10;

/**
 * Switchovers, exactly once. The record goes Pending → Running → outcome, and each arrow is a write before the deed:
 * the annotation becomes a Pending operation; it is checked only after the annotation has gone (else a crash between the two would run it twice); Running is written, with
 * leader and timeline, before Patroni is asked; and while leader and timeline are still those, asking again is harmless, since Patroni refuses a request whose `leader` no
 * longer leads. What happened is then read from the cluster, never from Patroni's reply.
 */
export function operations(seen: Seen): Move {
  const active = activeOperation(seen);
  const annotation = seen.cluster.metadata.annotations?.[ANNOTATIONS.switchover];
  if (annotation !== undefined) return fromAnnotation(annotation, active);
  if (active === undefined) return { actions: surplus(seen) };
  const progress = { reason: 'Switchover', message: describe(active) } as const;
  const { phase } = active.status ?? {};
  if (phase === 'Running') return { actions: verify(seen, active, active.status ?? {}), progress };
  return { actions: start(seen, active), progress };
}

function fromAnnotation(value: string, active: PatroniOperationObject | undefined): Move {
  if (active === undefined) return { actions: [{ kind: 'acceptSwitchoverAnnotation', value }], progress: { reason: 'Switchover', message: 'Accepting the switchover that was asked for.' } };
  const progress = { reason: 'Switchover', message: describe(active) } as const;
  const wasAccepted = active.spec.requestedBy === 'Annotation' && (active.status?.phase ?? 'Pending') === 'Pending' && (active.spec.switchover?.target ?? ANY_MEMBER) === value;
  if (wasAccepted) return { actions: [{ kind: 'removeSwitchoverAnnotation', value }], progress };
  const message = `Operation ${active.metadata.name} is under way. Ask again when it has finished.`;
  return { actions: [{ kind: 'rejectSwitchoverAnnotation', value, reason: 'OperationInProgress', message }], progress };
}

function describe(operation: PatroniOperationObject): string {
  const target = operation.status?.candidate ?? operation.spec.switchover?.target;
  return `Switchover${target === undefined ? '' : ` to ${target}`} (${operation.metadata.name}).`;
}

function start(seen: Seen, operation: PatroniOperationObject): readonly Action[] {
  const now = rfc3339Seconds(seen.nowMs);
  if (seen.view === undefined) {
    const waitedMs = seen.nowMs - Date.parse(operation.metadata.creationTimestamp ?? now);
    if (waitedMs < OBSERVATION_DEADLINE_MS) return [];
    const message = 'No member of Patroni answered, so the target could not be judged. Nothing was changed; ask again when the cluster answers.';
    return [{ kind: 'updateOperation', operation, status: { phase: 'Rejected', reason: 'ObservationIncomplete', message, startedAt: now, finishedAt: now } }];
  }
  const target = operation.spec.switchover?.target ?? ANY_MEMBER;
  const verdict = checkSwitchover({ view: seen.view, target, maximumLagBytes: MAXIMUM_LAG_BYTES, otherOperationRunning: false });
  if (!verdict.ok) {
    return [{ kind: 'updateOperation', operation, status: { phase: 'Rejected', reason: verdict.reason, message: verdict.message, startedAt: now, finishedAt: now } }];
  }
  const status: PatroniOperationStatus = {
    phase: 'Running',
    reason: 'Requested',
    message: `Patroni was asked to hand over from ${verdict.leader} to ${verdict.candidate}.`,
    candidate: verdict.candidate,
    leaderBefore: verdict.leader,
    timelineBefore: verdict.timeline,
    startedAt: now,
  };
  return [{ kind: 'requestSwitchover', operation, status, leader: verdict.leader, candidate: verdict.candidate }];
}

function verify(seen: Seen, operation: PatroniOperationObject, status: PatroniOperationStatus): readonly Action[] {
  const { leaderBefore, timelineBefore, candidate, startedAt } = status;
  if (leaderBefore === undefined || timelineBefore === undefined || candidate === undefined || startedAt === undefined) return [];
  const verdict = verifySwitchover({ view: seen.view, leaderBefore, timelineBefore, candidate, startedAtMs: Date.parse(startedAt), nowMs: seen.nowMs });
  const leader = seen.view === undefined ? undefined : leaderOf(seen.view);
  if (verdict.kind === 'pending') {
    // On a later timeline the first request may have been carried out and the leader have come back since: asking again would hand over a second time.
    const isAsBefore = leader?.name === leaderBefore && leader.timeline === timelineBefore;
    return isAsBefore && seen.view?.paused !== true ? [{ kind: 'requestSwitchover', operation, status, leader: leaderBefore, candidate }] : [];
  }
  return [
    {
      kind: 'updateOperation',
      operation,
      status: {
        ...status,
        phase: verdict.kind === 'succeeded' ? 'Succeeded' : 'Failed',
        reason: verdict.reason,
        message: verdict.message,
        finishedAt: rfc3339Seconds(seen.nowMs),
        ...(leader === undefined ? {} : { leaderAfter: leader.name }),
        ...(leader?.timeline === undefined ? {} : { timelineAfter: leader.timeline }),
      },
    },
  ];
}

/** The oldest finished operations beyond those that are kept. */
function surplus(seen: Seen): readonly Action[] {
  const finished = seen.operations.filter(isFinished).sort(byAge);
  return finished.slice(0, Math.max(0, finished.length - KEPT)).map((operation) => ({ kind: 'deleteOperation', name: operation.metadata.name }));
}

