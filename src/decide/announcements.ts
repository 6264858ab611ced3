import { findCondition, type ConditionType, type ReasonOf } from '../api/conditions.ts';
import type { EventReason } from '../api/events.ts';
import type { Condition, PatroniClusterStatus } from '../api/status.ts';

/** What a person should be told when a status replaces another. */
export interface Announcement {
  readonly reason: EventReason;
  readonly message: string;
}

interface Row<T extends ConditionType> {
  readonly type: T;
  /** Told when the condition comes to one of these reasons from another status … */
  readonly to: readonly ReasonOf<T>[];
  /** … or only from one of these reasons. */
  readonly from?: readonly ReasonOf<T>[];
  readonly event: EventReason;
  /** Not told of what an operation that is under way brings about: it has events of its own, and Kubernetes takes only so many for one object. */
  readonly unlessPlanned?: true;
}

const PLANNED: readonly ReasonOf<'Progressing'>[] = ['Switchover', 'RollingRestart', 'RestartingPostgres', 'ScalingUp', 'ScalingDown', 'Deleting'];

const row = <T extends ConditionType>(rule: Row<T>): Row<T> => rule;

const ROWS = [
  row({ type: 'Ready', to: ['AllMembersStreaming'], event: 'Ready', unlessPlanned: true }),
  row({ type: 'Ready', to: ['LeaderUnknown', 'MembersMissing', 'ObservationIncomplete'], from: ['AllMembersStreaming'], event: 'NotReady', unlessPlanned: true }),
  row({ type: 'SpecValid', to: ['Invalid', 'ReferenceMissing'], event: 'InvalidSpec' }),
  row({ type: 'SpecValid', to: ['Valid'], from: ['Invalid', 'ReferenceMissing'], event: 'SpecCorrected' }),
  row({ type: 'Stalled', to: ['SecretMissing'], event: 'SecretMissing' }),
  row({ type: 'EtcdHealthy', to: ['QuorumLost'], event: 'EtcdQuorumLost' }),
  row({ type: 'EtcdHealthy', to: ['QuorumHealthy'], from: ['QuorumLost'], event: 'EtcdQuorumRegained' }),
  row({ type: 'CertificatesReady', to: ['Expired'], event: 'CertificateExpired' }),
  row({ type: 'PendingRestart', to: ['WaitingForRequest', 'WaitingForWindow', 'UpdateStrategyNever'], event: 'PendingRestart' }),
  row({ type: 'ConfigApplied', to: ['Overridden'], event: 'ConfigOverridden' }),
  row({ type: 'Paused', to: ['PatroniPaused'], event: 'Paused' }),
  row({ type: 'Paused', to: ['NotPaused'], from: ['PatroniPaused'], event: 'Resumed' }),
];

/**
 * What to tell when `after` replaces `before`: another leader that no operation asked for, and the turns of the conditions that a person would want to have been told of. The same status twice tells
 * nothing.
 */
export function announcements(before: PatroniClusterStatus, after: PatroniClusterStatus): readonly Announcement[] {
  const isPlanned = [before, after].some(({ conditions }) => {
    const progressing = findCondition(conditions, 'Progressing');
    return progressing !== undefined && isOneOf(PLANNED, progressing);
  });
  const turns = ROWS.filter(({ unlessPlanned }) => !(isPlanned && unlessPlanned === true)).flatMap(({ type, to, from, event }): Announcement[] => {
    const [old, now] = [findCondition(before.conditions, type), findCondition(after.conditions, type)];
    if (now === undefined || !isOneOf(to, now) || (from !== undefined && (old === undefined || !isOneOf(from, old)))) return [];
    // Another mistake in the spec is news as well; other messages may move while the matter stays the same. A key is not in force while it is loaded either, so that comes to be overridden without a change of status.
    const isNews = old?.status !== now.status || (type === 'SpecValid' && old.message !== now.message) || (type === 'ConfigApplied' && old.reason !== now.reason);
    return isNews ? [{ reason: event, message: now.message }] : [];
  });
  return [...(isPlanned ? [] : leaderElected(before, after)), ...turns];
}

function isOneOf(reasons: readonly string[], condition: Condition): boolean {
  return reasons.includes(condition.reason);
}

function leaderElected(before: PatroniClusterStatus, after: PatroniClusterStatus): readonly Announcement[] {
  if (after.leader === undefined || after.leader === before.leader) return [];
  const instead = before.leader === undefined ? '' : ` instead of ${before.leader}`;
  const timeline = after.timeline === undefined ? '' : `, on timeline ${String(after.timeline)}`;
  return [{ reason: 'LeaderElected', message: `${after.leader} leads${instead}${timeline}.` }];
}
