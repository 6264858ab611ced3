import { describe, expect, test } from '@jest/globals';

import { member, operation, pod, view } from '../../../test/support/model/cluster.ts';
import { observed, secretMetadata, statefulSet } from '../../../test/support/model/observed.ts';
import { CONDITIONS, type ConditionType, type ReasonOf } from '../../api/conditions.ts';
import { ANNOTATIONS } from '../../api/meta.ts';
import type { PatroniClusterStatus } from '../../api/status.ts';
import type { Move } from '../actions.ts';
import { objectKey, type Observed } from '../observed.ts';

import { judge } from './judge.ts';

interface Row {
  readonly seen: Observed;
  readonly progress?: Move['progress'];
  readonly config?: PatroniClusterStatus['config'];
  /** Part of the message. */
  readonly says?: string;
}

const blind = (seen: Observed): Observed => {
  const { view: _unseen, ...rest } = seen;
  return rest;
};
const invalid = (seen: Observed, code: 'ERR_SPEC_ETCD_EVEN' | 'ERR_SPEC_REFERENCE_MISSING' = 'ERR_SPEC_ETCD_EVEN'): Observed => {
  const { effective: _dropped, ...rest } = seen;
  return { ...rest, problems: [{ code, path: 'spec.etcd.replicas', message: 'must be odd' }] };
};
const without = (seen: Observed, ...keys: readonly string[]): Observed => ({ ...seen, objects: new Map([...seen.objects].filter(([key]) => !keys.includes(key))) });
const etcdPods = (seen: Observed, ready: number): Observed => ({ ...seen, pods: seen.pods.map((each) => (each.component === 'etcd' ? { ...each, ready: each.ordinal < ready } : each)) });
const NOTHING_ELSE = { progress: undefined, wantedReplicas: 3, config: undefined } as const;
const NEW: PatroniClusterStatus = {};
const deleted = observed({ metadata: { deletionTimestamp: '2026-11-23T12:00:00Z' } });
const progress = { reason: 'RollingRestart', message: 'Restarting pg-postgres-2.' } as const;
const expired = (): Observed => {
  const seen = observed();
  const old = secretMetadata(seen.cluster).map((each) => ({ ...each, metadata: { ...each.metadata, annotations: { ...each.metadata.annotations, [ANNOTATIONS.notAfter]: '2026-11-23T11:59:59Z' } } }));
  return { ...seen, objects: new Map([...seen.objects, ...old.map((each) => [objectKey('Secret', each.metadata.name), each] as const)]) };
};
const ended = (reason: string, phase: 'Rejected' | 'Failed' | 'Succeeded' = 'Rejected'): Row => ({ seen: observed({ operations: [operation('op', { target: 'pg-postgres-1', status: { phase, reason, message: 'Because.' } })] }), says: 'op: Because.' });

const key = (verdict: string, more: object) => ({ key: 'spec.postgres.parameters.work_mem', target: 'dynamic' as const, path: 'postgresql.parameters.work_mem', verdict, ...more });
/** A cluster in which a setting of one replica waits for a restart. */
function pending(spec: Record<string, unknown> = {}, more: { readonly paused?: boolean } = {}): Observed {
  const whole = view(3, 0, more);
  const change = { pendingRestart: true, pendingSettings: [{ name: 'max_connections', oldValue: '100', newValue: '200' }] };
  return observed({ spec, view: { ...whole, members: whole.members.map((each) => (each.name === 'pg-postgres-2' ? { ...each, ...change } : each)) } });
}

/** One row for each reason, so that a new reason does not compile without its own. `ApplyRefused` comes of acting, not of judging (test/controller). */
const ROWS: { readonly [T in ConditionType]: Readonly<Record<Exclude<ReasonOf<T>, 'ApplyRefused'>, Row>> } = {
  Ready: {
    AllMembersStreaming: { seen: observed(), says: 'pg-postgres-0 leads' },
    Creating: { seen: blind(observed({ status: NEW, pods: [] })), says: 'No member of Patroni answers' },
    LeaderUnknown: { seen: observed({ view: view(3, undefined) }), says: 'Writes wait' },
    MembersMissing: { seen: observed({ view: { ...view(3, 0), members: [...view(2, 0).members, member(2, { state: 'starting' })] } }), says: 'pg-postgres-2' },
    InvalidSpec: { seen: invalid(observed({ status: NEW })), says: 'spec.etcd.replicas' },
    Deleting: { seen: deleted },
    ObservationIncomplete: { seen: blind(observed()), says: 'Nothing is restarted' },
  },
  Reconciling: {
    Progressing: { seen: observed(), progress, says: 'pg-postgres-2' },
    WaitingForMembers: { seen: observed({ pods: observed().pods.slice(1) }), says: 'pg-postgres-0' },
    Deleting: { seen: deleted },
    Settled: { seen: observed() },
    InvalidSpec: { seen: invalid(observed()) },
  },
  Stalled: {
    InvalidSpec: { seen: invalid(observed()), says: 'spec.etcd.replicas: must be odd. Nothing is changed' },
    SecretMissing: { seen: without(observed(), objectKey('Secret', 'pg-ca')), says: 'pg-ca' },
    None: { seen: observed() },
  },
  Progressing: {
    Creating: { seen: observed(), progress: { ...progress, reason: 'Creating' } },
    RollingRestart: { seen: observed(), progress },
    RestartingPostgres: { seen: observed(), progress: { ...progress, reason: 'RestartingPostgres' } },
    ScalingUp: { seen: observed(), progress: { ...progress, reason: 'ScalingUp' } },
    ScalingDown: { seen: observed(), progress: { ...progress, reason: 'ScalingDown' } },
    Switchover: { seen: observed(), progress: { ...progress, reason: 'Switchover' } },
    Deleting: { seen: deleted, progress: { ...progress, reason: 'Deleting' } },
    Settled: { seen: observed() },
  },
  EtcdHealthy: {
    QuorumHealthy: { seen: etcdPods(observed(), 2), says: '2 of 3 etcd members are ready, which is a quorum: pod pg-etcd-2' },
    QuorumLost: { seen: etcdPods(observed(), 1), says: 'pg-etcd-1' },
    Forming: { seen: etcdPods(observed({ status: NEW }), 0) },
    NotObserved: { seen: without(invalid(observed()), objectKey('StatefulSet', 'pg-etcd')) },
  },
  CertificatesReady: {
    AllIssued: { seen: observed() },
    Issuing: { seen: without(observed(), objectKey('Secret', 'pg-etcd-peer-tls')), says: 'pg-etcd-peer-tls' },
    Expired: { seen: expired(), says: 'pg-etcd-peer-tls' },
  },
  SpecValid: {
    Valid: { seen: observed() },
    Invalid: { seen: invalid(observed()), says: 'spec.etcd.replicas: must be odd' },
    ReferenceMissing: { seen: invalid(observed(), 'ERR_SPEC_REFERENCE_MISSING') },
  },
  ConfigApplied: {
    Applied: { seen: observed() },
    Loading: { seen: observed(), config: { keys: [key('Loading', { members: ['pg-postgres-1'] })] }, says: 'pg-postgres-1' },
    RestartPending: { seen: pending(), says: 'pg-postgres-2' },
    Rejected: { seen: { ...invalid(observed()), problems: [{ code: 'ERR_SPEC_CONFIG_PROTECTED', path: 'spec.patroni.config.scope', message: 'cannot be set' }] }, says: 'spec.patroni.config.scope: cannot be set' },
    Overridden: { seen: observed(), config: { keys: [key('Overridden', { by: 'ALTER SYSTEM', members: ['pg-postgres-1'] })] }, says: 'ALTER SYSTEM RESET' },
    NotObserved: { seen: blind(observed()) },
  },
  PendingRestart: {
    None: { seen: observed() },
    Restarting: { seen: pending(), says: 'max_connections 100 → 200 on pg-postgres-2' },
    WaitingForRequest: { seen: pending({ updateStrategy: { type: 'OnRequest' } }), says: 'patroni-operator.dev/restart=pending' },
    WaitingForWindow: { seen: pending({ updateStrategy: { type: 'Schedule', schedule: { cron: '0 2 * * 6' } } }), says: 'opens at 2026-11-28T02:00:00Z' },
    UpdateStrategyNever: { seen: pending({ updateStrategy: { type: 'Never' } }), says: 'patronictl restart' },
    PatroniPaused: { seen: pending({}, { paused: true }), says: 'patronictl resume' },
    NotObserved: { seen: blind(observed()) },
  },
  Paused: {
    PatroniPaused: { seen: observed({ view: view(3, 0, { paused: true }) }), says: 'patronictl resume' },
    NotPaused: { seen: observed() },
    NotObserved: { seen: blind(observed()) },
  },
  Switchover: {
    Succeeded: ended('SwitchedOver', 'Succeeded'),
    InProgress: { seen: observed({ operations: [operation('op', { target: 'pg-postgres-1', status: { phase: 'Running' } })] }), says: 'op' },
    TargetUnknown: ended('TargetUnknown'),
    TargetIsLeader: ended('TargetIsLeader'),
    TargetNotStreaming: ended('TargetNotStreaming'),
    TargetNotSynchronous: ended('TargetNotSynchronous'),
    TargetOnOtherTimeline: ended('TargetOnOtherTimeline'),
    TargetLagging: ended('TargetLagging'),
    TargetLagUnknown: ended('TargetLagUnknown'),
    TargetNoFailover: ended('TargetNoFailover'),
    ClusterPaused: ended('ClusterPaused'),
    OperationInProgress: ended('OperationInProgress'),
    NoLeader: ended('NoLeader', 'Failed'),
    NoCandidate: ended('NoCandidate'),
    InvalidTarget: ended('InvalidTarget'),
    ObservationIncomplete: ended('ObservationIncomplete'),
    RefusedByPatroni: ended('RefusedByPatroni', 'Failed'),
    LeaderIsAnotherMember: ended('LeaderIsAnotherMember', 'Failed'),
    OldLeaderNotStreaming: ended('OldLeaderNotStreaming', 'Failed'),
    LeaderNotPromoted: ended('LeaderNotPromoted', 'Failed'),
    OutcomeUnknown: ended('OutcomeUnknown', 'Failed'),
    NotPerformed: ended('NotPerformed', 'Failed'),
  },
};

describe.each(Object.keys(CONDITIONS) as ConditionType[])('%s', (type) => {
  const rows = Object.entries(ROWS[type] as Readonly<Record<string, Row>>);

  test.each(rows)('is %s', (reason, { seen, progress: under, config, says = '' }) => {
    const finding = judge(seen, { progress: under, wantedReplicas: 3, config }).find((each) => each.type === type);
    expect(finding).toMatchObject({ reason });
    expect(finding?.message).toContain(says);
    expect(finding?.message).not.toBe('');
  });
});

test('there is no condition Switchover before anybody asked, nor for the operator’s own handovers', () => {
  const own = operation('op', { requestedBy: 'Rollout', target: 'pg-postgres-1', status: { phase: 'Succeeded' } });
  expect(judge(observed({ operations: [own] }), NOTHING_ELSE).filter(({ type }) => type === 'Switchover')).toEqual([]);
});

test('a pod that cannot start is named with its reason', () => {
  const stuck = pod('postgres', 2, { ready: false, running: false, waiting: { reason: 'Unschedulable', message: '0/3 nodes are available' } });
  const seen = observed({ pods: [...observed().pods.filter(({ name }) => name !== 'pg-postgres-2'), stuck], view: view(2, 0) });
  expect(judge(seen, NOTHING_ELSE).find(({ type }) => type === 'Ready')?.message).toContain('Pod pg-postgres-2: Unschedulable (0/3 nodes are available).');
});

test('a leftover of a scale-down keeps the cluster from counting as done', () => {
  const seen = observed({ spec: { postgres: { replicas: 2 } }, replicas: 3 });
  const shrunk = { ...seen, objects: new Map(seen.objects).set('StatefulSet/pg-postgres', statefulSet('postgres', 2)) };
  expect(judge(shrunk, { ...NOTHING_ELSE, wantedReplicas: 2 }).find(({ type }) => type === 'Reconciling')).toMatchObject({ reason: 'WaitingForMembers' });
});
