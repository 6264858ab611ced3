import { rfc3339Seconds } from '../lib/rfc3339.ts';

import type { Condition } from './status.ts';

/**
 * The conditions of a PatroniCluster: type → reason → the status that the reason stands for, and what it means. A reason fixes its status, so the two cannot disagree.
 *
 * True is good, with the exceptions that `CONDITION_TYPES` names: kstatus (sigs.k8s.io/cli-utils, which Argo CD, Flux and Helm follow) reads `Reconciling` and
 * `Stalled` as "abnormal when True", and `Progressing` and `Paused` tell a state that is neither good nor bad.
 */

/** One reason of a condition. */
export interface ReasonRow {
  readonly status: Condition['status'];
  readonly means: string;
}

export const CONDITIONS = {
  Ready: {
    AllMembersStreaming: {
      status: 'True',
      means: 'One member leads, every other member streams from its timeline, and all wanted members are there.',
    },
    Creating: { status: 'False', means: 'The cluster is being created and never had a leader.' },
    LeaderUnknown: { status: 'False', means: 'No member holds the leader key: nothing can be written.' },
    MembersMissing: { status: 'False', means: 'A leader serves, but some members are absent or do not stream from it.' },
    InvalidSpec: { status: 'False', means: 'The spec is invalid and the cluster was never created from it.' },
    Deleting: { status: 'False', means: 'The resource is being deleted.' },
    ObservationIncomplete: { status: 'Unknown', means: 'No member answers, so the state of the cluster cannot be told.' },
  },
  Reconciling: {
    Progressing: { status: 'True', means: 'The operator works towards the spec.' },
    WaitingForMembers: { status: 'True', means: 'Everything is applied; members still have to come up or catch up.' },
    Deleting: { status: 'True', means: 'The resource is being deleted.' },
    Settled: { status: 'False', means: 'What runs is what the spec asks for.' },
    InvalidSpec: { status: 'False', means: 'Nothing is done while the spec is invalid.' },
  },
  Stalled: {
    InvalidSpec: { status: 'True', means: 'The spec is invalid: nothing is changed until it is corrected. What runs goes on running.' },
    SecretMissing: { status: 'True', means: 'A Secret with a password or the CA existed and is gone. It is not made anew, since members and data know the old one.' },
    ApplyRefused: { status: 'True', means: 'The API server refuses an object of the cluster; repeating it cannot help.' },
    None: { status: 'False', means: 'Nothing that a person must resolve.' },
  },
  Progressing: {
    Creating: { status: 'True', means: 'The cluster is being created.' },
    RollingRestart: { status: 'True', means: 'Pods are restarted one at a time, replicas first, the leader last after a switchover.' },
    RestartingPostgres: { status: 'True', means: 'PostgreSQL is restarted for changed settings, one member at a time; the pods stay.' },
    ScalingUp: { status: 'True', means: 'Members are being added.' },
    ScalingDown: { status: 'True', means: 'Members are being removed, the highest ordinal first.' },
    Switchover: { status: 'True', means: 'A switchover is under way.' },
    Deleting: { status: 'True', means: 'The resource is being deleted.' },
    Settled: { status: 'False', means: 'Nothing is under way.' },
  },
  EtcdHealthy: {
    QuorumHealthy: { status: 'True', means: 'A majority of the etcd members is up and has a leader.' },
    QuorumLost: { status: 'False', means: 'etcd has no majority: Patroni demotes the leader when its lock cannot be renewed.' },
    Forming: { status: 'False', means: 'The etcd cluster is forming for the first time.' },
    NotObserved: { status: 'Unknown', means: 'The state of etcd could not be read.' },
  },
  CertificatesReady: {
    AllIssued: { status: 'True', means: 'Every certificate is issued and valid.' },
    Issuing: { status: 'False', means: 'Certificates are being issued.' },
    Expired: { status: 'False', means: 'A certificate has expired.' },
  },
  SpecValid: {
    Valid: { status: 'True', means: 'The spec passes every rule.' },
    Invalid: { status: 'False', means: 'The spec breaks a rule; the message names the fields and the remedies.' },
    ReferenceMissing: { status: 'False', means: 'The spec names an object, such as a Secret, that does not exist.' },
  },
  ConfigApplied: {
    Applied: { status: 'True', means: 'Every member runs with the configuration that the spec asks for.' },
    Loading: { status: 'False', means: 'Some members have not loaded the configuration yet.' },
    RestartPending: { status: 'False', means: 'The configuration is loaded, and some settings wait for a restart; the condition PendingRestart tells which.' },
    Rejected: { status: 'False', means: 'The validator refuses a key, so nothing of the spec is applied.' },
    Overridden: { status: 'False', means: 'ALTER SYSTEM on a member sets a key that the spec sets too, and wins there.' },
    NotObserved: { status: 'Unknown', means: 'No member could be asked which configuration it has.' },
  },
  PendingRestart: {
    None: { status: 'False', means: 'No change waits for a restart.' },
    Restarting: { status: 'True', means: 'Changes wait for a restart and are being applied, one member at a time.' },
    WaitingForRequest: { status: 'True', means: 'Changes wait for a restart, and `updateStrategy` for a request.' },
    WaitingForWindow: { status: 'True', means: 'Changes wait for a restart, and `updateStrategy` for its next window.' },
    UpdateStrategyNever: { status: 'True', means: 'Changes wait for a restart that only a person may give.' },
    PatroniPaused: { status: 'True', means: 'Changes wait for a restart, and Patroni is paused.' },
    NotObserved: { status: 'Unknown', means: 'No member answers, so it cannot be told.' },
  },
  Paused: {
    PatroniPaused: {
      status: 'True',
      means: 'Patroni is in maintenance mode (`pause`): there is no automatic failover, and the operator restarts and switches nothing.',
    },
    NotPaused: { status: 'False', means: 'Patroni manages the members.' },
    NotObserved: { status: 'Unknown', means: 'No member answers, so it cannot be told.' },
  },
  Switchover: {
    Succeeded: { status: 'True', means: 'The member that was asked for leads, and the old leader streams from it.' },
    InProgress: { status: 'Unknown', means: 'The switchover is under way.' },
    TargetUnknown: { status: 'False', means: 'Rejected: the target is not a member of the cluster.' },
    TargetIsLeader: { status: 'False', means: 'Rejected: the target leads already.' },
    TargetNotStreaming: { status: 'False', means: 'Rejected: the target does not stream from the leader.' },
    TargetNotSynchronous: {
      status: 'False',
      means: 'Rejected: the cluster replicates synchronously and the target is not a synchronous standby.',
    },
    TargetOnOtherTimeline: { status: 'False', means: 'Rejected: the target is on another timeline than the leader.' },
    TargetLagging: { status: 'False', means: 'Rejected: the target lags further behind than a failover candidate may.' },
    TargetLagUnknown: { status: 'False', means: 'Rejected: how far the target lags cannot be told.' },
    TargetNoFailover: { status: 'False', means: 'Rejected: the target carries the tag `nofailover`.' },
    ClusterPaused: { status: 'False', means: 'Rejected: Patroni is paused.' },
    OperationInProgress: { status: 'False', means: 'Rejected: another operation runs on this cluster.' },
    NoLeader: { status: 'False', means: 'Rejected: there is no leader to hand over.' },
    NoCandidate: { status: 'False', means: 'Rejected: no replica is fit to take over.' },
    InvalidTarget: { status: 'False', means: 'Rejected: the target is neither a possible member name nor `any`.' },
    ObservationIncomplete: { status: 'False', means: 'Rejected: no member answered, so the target could not be judged.' },
    RefusedByPatroni: { status: 'False', means: 'Rejected: Patroni refused the switchover.' },
    LeaderIsAnotherMember: { status: 'False', means: 'Failed: another member than the one that was asked for leads now.' },
    OldLeaderNotStreaming: { status: 'False', means: 'Failed: the target leads, but the old leader does not stream from it.' },
    LeaderNotPromoted: { status: 'False', means: 'Failed: the target holds the leader key, but its PostgreSQL was not promoted in time.' },
    OutcomeUnknown: { status: 'Unknown', means: 'No member answered for so long that the outcome could not be read.' },
    NotPerformed: { status: 'False', means: 'Failed: the leader is still the same after the time allowed.' },
  },
} as const satisfies Record<string, Record<string, ReasonRow>>;

export type ConditionType = keyof typeof CONDITIONS;
export type ReasonOf<T extends ConditionType> = keyof (typeof CONDITIONS)[T] & string;

/** What a condition type asks, and which status is the good one; `either` where True and False are both fine. */
export const CONDITION_TYPES = {
  Ready: { good: 'True', asks: 'Does the whole cluster serve?' },
  Reconciling: { good: 'False', asks: 'Is there still something to do? (kstatus: True means "in progress")' },
  Stalled: { good: 'False', asks: 'Is a person needed before the operator can go on? (kstatus: True means "failed")' },
  Progressing: { good: 'either', asks: 'Which change is under way?' },
  EtcdHealthy: { good: 'True', asks: 'Does etcd have a quorum?' },
  CertificatesReady: { good: 'True', asks: 'Are all certificates issued and valid?' },
  SpecValid: { good: 'True', asks: 'Does the spec pass every rule?' },
  ConfigApplied: { good: 'True', asks: 'Does every member run with the configuration of the spec?' },
  PendingRestart: { good: 'False', asks: 'Does a change wait for a restart?' },
  Paused: { good: 'either', asks: 'Is Patroni in maintenance mode?' },
  Switchover: { good: 'True', asks: 'How did the latest switchover that was asked for end? Absent until there was one.' },
} as const satisfies Record<ConditionType, { good: 'True' | 'False' | 'either'; asks: string }>;

/** A judgement before it becomes a condition: type and reason from the table, and a message that names what and who, but holds no counters or times. */
export type Finding = { [T in ConditionType]: { readonly type: T; readonly reason: ReasonOf<T>; readonly message: string } }[ConditionType];

/** The status that the reason stands for. */
export function statusOf(finding: Pick<Finding, 'type' | 'reason'>): Condition['status'] {
  const reasons: Readonly<Record<string, ReasonRow>> = CONDITIONS[finding.type];
  return reasons[finding.reason]?.status ?? 'Unknown';
}

/** A finding with what is needed to write it down: the generation of the spec it was judged by, and the time of judging (ms since the epoch). */
export type ConditionUpdate = Finding & { readonly observedGeneration?: number; readonly nowMs: number };

/**
 * `list` with one condition set, in place where its type is there already, else at the end. `lastTransitionTime` (RFC 3339, whole seconds, as Kubernetes writes it)
 * changes only with the status. The same finding twice gives an equal list, so a settled cluster causes no write.
 */
export function setCondition(list: readonly Condition[], update: ConditionUpdate): Condition[] {
  const { type, reason, message, observedGeneration, nowMs } = update;
  const status = statusOf(update);
  const before = list.find((c) => c.type === type);
  const next: Condition = {
    type,
    status,
    reason,
    message,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : rfc3339Seconds(nowMs),
  };
  return before === undefined ? [...list, next] : list.map((c) => (c === before ? next : c));
}

/** The condition of a type in a status, if it is there. */
export function findCondition(list: readonly Condition[] | undefined, type: ConditionType): Condition | undefined {
  return list?.find((c) => c.type === type);
}
