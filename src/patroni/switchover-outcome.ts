import type { ClusterMember, ClusterView } from './cluster-view.ts';
import { isStreaming, leaderOf, memberOf } from './members.ts';

/**
 * How long after its start a switchover that changed nothing may still happen. Patroni 4.1 waits 2 × max(10, loop_wait) rounds of a second or
 * more before it answers 503 "status unknown"; the request stays in the DCS until the leader's next loop, which performs or removes it.
 */
export const REQUEST_DEADLINE_MS = 60_000;
/** How long the old leader has to stream from the new one: a restart, perhaps a pg_rewind, never a new base backup. */
export const OLD_LEADER_DEADLINE_MS = 120_000;
/** How long an outcome may stay out of sight (nobody answers) before the operation ends without one. */
export const UNSEEN_DEADLINE_MS = 600_000;

export interface SwitchoverEvidence {
  /** What was seen after the request; absent when no member answered. Believe this, not the reply to the request. */
  readonly view: ClusterView | undefined;
  readonly leaderBefore: string;
  readonly timelineBefore: number;
  readonly candidate: string;
  /** When the request was about to be sent, and now: ms since the epoch. */
  readonly startedAtMs: number;
  readonly nowMs: number;
}

export type SwitchoverPending = 'AwaitingView' | 'AwaitingHandover' | 'AwaitingPromotion' | 'AwaitingOldLeader';
export type SwitchoverFailure =
  'OutcomeUnknown' | 'NotPerformed' | 'NoLeader' | 'LeaderIsAnotherMember' | 'LeaderNotPromoted' | 'OldLeaderNotStreaming';

export type SwitchoverOutcome =
  | { readonly kind: 'succeeded'; readonly reason: 'SwitchedOver'; readonly message: string }
  | { readonly kind: 'pending'; readonly reason: SwitchoverPending; readonly message: string }
  | { readonly kind: 'failed'; readonly reason: SwitchoverFailure; readonly message: string };

/**
 * What came of a switchover: succeeded once the candidate leads on a later timeline and the old leader streams from it. A leader that is neither
 * is final at once; everything else is pending until its deadline. Messages hold no times, so that an unchanged state writes nothing.
 */
export function verifySwitchover(evidence: SwitchoverEvidence): SwitchoverOutcome {
  const { view, leaderBefore, candidate } = evidence;
  if (view === undefined) {
    return waiting(
      evidence,
      UNSEEN_DEADLINE_MS,
      ['AwaitingView', 'OutcomeUnknown'],
      'No member of the cluster answers, so the outcome is not known.',
    );
  }
  const leader = leaderOf(view);
  if (leader === undefined) {
    const message = `${leaderBefore} has given up the leader key and nobody has taken it yet.`;
    return waiting(evidence, OLD_LEADER_DEADLINE_MS, ['AwaitingHandover', 'NoLeader'], message);
  }
  if (leader.name === candidate) return judgeCandidate(evidence, view, leader);
  if (leader.name !== leaderBefore) {
    return fail(
      'LeaderIsAnotherMember',
      `${leader.name} leads instead of ${candidate}. The cluster works; ask again if ${candidate} must lead.`,
    );
  }
  // A leader that crashes and recovers in place begins a new timeline as well (seen with Patroni 4.1.5), and the request may still stand: so wait here, too.
  const isAgain = leader.timeline !== undefined && leader.timeline > evidence.timelineBefore;
  const message = isAgain
    ? `${leaderBefore} leads again, on a new timeline: it restarted, or took the leader key back because ${candidate} did not take it.`
    : `${leaderBefore} still leads; Patroni has not handed over to ${candidate}. Its log on ${leaderBefore} tells why.`;
  return waiting(evidence, REQUEST_DEADLINE_MS, ['AwaitingHandover', 'NotPerformed'], message);
}

function judgeCandidate(evidence: SwitchoverEvidence, view: ClusterView, leader: ClusterMember): SwitchoverOutcome {
  const { leaderBefore, candidate, timelineBefore } = evidence;
  // The leader of a standby cluster is not promoted, so its timeline stays; any other must have begun a new one.
  const isPromoted = leader.state === 'running' && (leader.role === 'standby_leader' || (leader.timeline ?? 0) > timelineBefore);
  if (!isPromoted) {
    const message = `${candidate} holds the leader key, but its PostgreSQL does not run as primary yet.`;
    return waiting(evidence, OLD_LEADER_DEADLINE_MS, ['AwaitingPromotion', 'LeaderNotPromoted'], message);
  }
  const old = memberOf(view, leaderBefore);
  if (old === undefined || !isStreaming(view, old)) {
    const message = `${candidate} leads, but ${leaderBefore} does not stream from it (${old === undefined ? 'it is not a member now' : `state "${old.state}"`}).`;
    return waiting(evidence, OLD_LEADER_DEADLINE_MS, ['AwaitingOldLeader', 'OldLeaderNotStreaming'], message);
  }
  return { kind: 'succeeded', reason: 'SwitchedOver', message: `${candidate} leads and ${leaderBefore} streams from it.` };
}

/** Pending until `deadlineMs` after the start, failed from then on. */
function waiting(
  evidence: SwitchoverEvidence,
  deadlineMs: number,
  [pending, failure]: readonly [SwitchoverPending, SwitchoverFailure],
  message: string,
): SwitchoverOutcome {
  const isLate = evidence.nowMs - evidence.startedAtMs >= deadlineMs;
  return isLate ? fail(failure, message) : { kind: 'pending', reason: pending, message };
}

function fail(reason: SwitchoverFailure, message: string): SwitchoverOutcome {
  return { kind: 'failed', reason, message };
}
