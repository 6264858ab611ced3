import type { ClusterMember, ClusterView } from './cluster-view.ts';
import { byName, hasSynchronousMember, isBarredFromLeading, isLeader, isSynchronousMember, leaderOf, memberOf } from './members.ts';

/** The word that lets the operator choose the new leader. */
export const ANY_MEMBER = 'any';

export type SwitchoverRefusal =
  | 'InvalidTarget'
  | 'OperationInProgress'
  | 'ClusterPaused'
  | 'NoLeader'
  | 'TargetUnknown'
  | 'TargetIsLeader'
  | 'TargetNoFailover'
  | 'TargetOnOtherTimeline'
  | 'TargetNotStreaming'
  | 'TargetNotSynchronous'
  | 'TargetLagUnknown'
  | 'TargetLagging'
  | 'NoCandidate';

export interface SwitchoverQuestion {
  /** Absent when no member answered: then nobody is known to lead. */
  readonly view: ClusterView | undefined;
  /** Name of a member, or `any`. */
  readonly target: string;
  /** A candidate that is further behind is refused; absent means no limit. Bytes. */
  readonly maximumLagBytes?: number;
  /** Another operation of this cluster is under way (a switchover, a rolling restart, a scale-down that hands over). */
  readonly otherOperationRunning: boolean;
}

export type SwitchoverVerdict =
  | { readonly ok: true; readonly leader: string; readonly candidate: string; readonly timeline: number }
  | { readonly ok: false; readonly reason: SwitchoverRefusal; readonly message: string };

type Refused = Extract<SwitchoverVerdict, { ok: false }>;

/** Names of pods: RFC 1123 labels. Anything else cannot be a member, so the text was mistyped. */
const MEMBER_NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;

/**
 * Whether a switchover may be asked for now, and of whom. Patroni checks some of this itself, but answers 503 without a reason for the rest
 * (Patroni 4.1: lag and quorum are seen only by the leader's loop), so it is checked before anything is touched.
 */
export function checkSwitchover(question: SwitchoverQuestion): SwitchoverVerdict {
  const { view, target } = question;
  if (!MEMBER_NAME.test(target)) {
    return refuse('InvalidTarget', `"${printable(target)}" cannot be the name of a member. Give the name of a pod, or "${ANY_MEMBER}".`);
  }
  const obstacle = clusterObstacle(question);
  if (obstacle !== undefined) return obstacle;
  const leader = view === undefined ? undefined : leaderOf(view);
  if (view === undefined || leader === undefined) {
    return refuse(
      'NoLeader',
      'No member holds the leader key, so nobody can hand over. Wait until the cluster has a leader, then ask again.',
    );
  }
  if (leader.state !== 'running' || leader.timeline === undefined) {
    // Patroni 4.1 shows a leader that is about to stop as running, without a timeline.
    const how = leader.state === 'running' ? 'is not known to run as primary' : `is "${leader.state}"`;
    return refuse('NoLeader', `${leader.name} holds the leader key, but its PostgreSQL ${how}. Wait until it runs, then ask again.`);
  }
  const candidate =
    target === ANY_MEMBER ? chooseCandidate(view, leader, question.maximumLagBytes) : namedCandidate(view, leader, question);
  return 'reason' in candidate ? candidate : { ok: true, leader: leader.name, candidate: candidate.name, timeline: leader.timeline };
}

/** The replicas that may take over now, best first: least lag, then lowest name. */
export function switchoverCandidates(view: ClusterView, limits: { readonly maximumLagBytes?: number }): readonly ClusterMember[] {
  const leader = leaderOf(view);
  if (leader === undefined) return [];
  return view.members
    .filter((m) => m !== leader && candidateObstacle(view, leader, m, limits.maximumLagBytes) === undefined)
    .sort((a, b) => lagBytes(a) - lagBytes(b) || byName(a, b));
}

function clusterObstacle({ view, otherOperationRunning }: SwitchoverQuestion): Refused | undefined {
  if (otherOperationRunning) {
    return refuse('OperationInProgress', 'Another operation of this cluster is still running. Wait until it has ended, then ask again.');
  }
  const scheduled = view?.scheduledSwitchover;
  if (scheduled !== undefined) {
    // Patroni keeps one request; a second one silently replaces the first.
    const at = scheduled.at === undefined ? '' : ` for ${scheduled.at}`;
    return refuse(
      'OperationInProgress',
      `A switchover is already scheduled in Patroni${at}. Let it happen or cancel it with "patronictl flush", then ask again.`,
    );
  }
  if (view?.paused === true) {
    return refuse('ClusterPaused', 'Patroni is paused (maintenance mode). End the maintenance with "patronictl resume", then ask again.');
  }
  return undefined;
}

function namedCandidate(
  view: ClusterView,
  leader: ClusterMember,
  { target, maximumLagBytes }: SwitchoverQuestion,
): ClusterMember | Refused {
  const member = memberOf(view, target);
  if (member === undefined) {
    const names = view.members.map((m) => m.name).sort();
    return refuse('TargetUnknown', `${target} is not a member of the cluster. Its members are ${names.join(', ')}.`);
  }
  if (isLeader(member)) return refuse('TargetIsLeader', `${target} is the leader already. Name another member, or "${ANY_MEMBER}".`);
  return candidateObstacle(view, leader, member, maximumLagBytes) ?? member;
}

function chooseCandidate(view: ClusterView, leader: ClusterMember, maximumLagBytes: number | undefined): ClusterMember | Refused {
  const [best] = switchoverCandidates(view, maximumLagBytes === undefined ? {} : { maximumLagBytes });
  if (best !== undefined) return best;
  const others = view.members.filter((m) => m !== leader).sort(byName);
  if (others.length === 0) {
    return refuse('NoCandidate', `${leader.name} is the only member, so nobody can take over. Add a replica first.`);
  }
  const why = others.map((m) => candidateObstacle(view, leader, m, maximumLagBytes)?.message ?? m.name);
  return refuse('NoCandidate', `No replica can take over. ${why.join(' ')}`);
}

/** The checks of one member in their order: what rules it out for good comes before what time may heal. */
function candidateObstacle(view: ClusterView, leader: ClusterMember, member: ClusterMember, maximumLagBytes?: number): Refused | undefined {
  const { name, state, timeline, lag } = member;
  if (isBarredFromLeading(member)) {
    return refuse(
      'TargetNoFailover',
      `${name} is tagged nofailover (or has failover_priority 0). Remove the tag or choose another member.`,
    );
  }
  if (timeline !== undefined && timeline !== leader.timeline) {
    return refuse(
      'TargetOnOtherTimeline',
      `${name} is on timeline ${timeline}, the leader ${leader.name} on ${leader.timeline ?? 'an unknown one'}. Wait until it has caught up; if it stays behind, reinitialize it.`,
    );
  }
  if (state !== 'streaming' || timeline === undefined) {
    const how = state === 'streaming' ? 'streams on an unknown timeline' : `is "${state}"`;
    return refuse(
      'TargetNotStreaming',
      `${name} ${how} and does not stream from ${leader.name}. Wait until it streams; if it does not, look at its log.`,
    );
  }
  if (hasSynchronousMember(view) && !isSynchronousMember(member)) {
    return refuse(
      'TargetNotSynchronous',
      `${name} is not a synchronous standby, and the cluster replicates synchronously. Choose a synchronous member.`,
    );
  }
  if (!lag.known) {
    return refuse(
      'TargetLagUnknown',
      `The lag of ${name} is not known, so nobody can tell what a switchover would wait for. Ask again in a few seconds.`,
    );
  }
  if (maximumLagBytes !== undefined && lag.bytes > maximumLagBytes) {
    return refuse(
      'TargetLagging',
      `${name} lags by more than the ${maximumLagBytes} bytes allowed. Wait until it has caught up, or choose another member.`,
    );
  }
  return undefined;
}

function lagBytes(member: ClusterMember): number {
  return member.lag.known ? member.lag.bytes : Number.POSITIVE_INFINITY;
}

function refuse(reason: SwitchoverRefusal, message: string): Refused {
  return { ok: false, reason, message };
}

/** What a person typed, fit for a message: one short line without control characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 63);
}
