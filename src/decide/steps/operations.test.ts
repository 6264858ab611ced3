import { describe, expect, test } from '@jest/globals';

import { member, NOW_MS, operation, view } from '../../../test/support/model/cluster.ts';
import { observed, type ObservedParts } from '../../../test/support/model/observed.ts';
import { ANNOTATIONS } from '../../api/meta.ts';
import type { PatroniOperationStatus } from '../../api/patronioperation.ts';
import type { ClusterView } from '../../patroni/cluster-view.ts';
import type { Seen } from '../facts.ts';

import { operations } from './operations.ts';

const at = (agoMs: number): string => new Date(NOW_MS - agoMs).toISOString();
const running = (agoMs = 2_000, changes: Partial<PatroniOperationStatus> = {}) =>
  operation('op', { target: 'pg-postgres-1', createdAt: at(agoMs + 1_000), status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: at(agoMs), ...changes } });
const led = (leader: number, timeline: number, changes: Partial<ClusterView> = {}): ClusterView => {
  const base = view(3, leader, changes);
  return { ...base, members: base.members.map((each) => ({ ...each, timeline })) };
};
const seen = (parts: ObservedParts): Seen => observed(parts) as Seen;
const blind = (parts: ObservedParts): Seen => {
  const { view: _unseen, ...rest } = observed(parts);
  return rest as Seen;
};
const kinds = (each: Seen): readonly string[] => operations(each).actions.map(({ kind }) => kind);

describe('a switchover that is on record as running', () => {
  test('is asked for again while leader and timeline are those of before, since the request may never have been sent', () => {
    expect(kinds(seen({ operations: [running()] }))).toEqual(['requestSwitchover']);
  });

  test('is not asked for again when the leader of before leads on a later timeline: it may have been carried out and undone', () => {
    expect(kinds(seen({ operations: [running()], view: led(0, 3) }))).toEqual([]);
  });

  test('is not asked for again while the timeline is not known', () => {
    const { timeline: _unknown, ...leader } = member(0, { role: 'leader', state: 'running' });
    expect(kinds(seen({ operations: [running()], view: { ...view(3, 0), members: [leader, member(1), member(2)] } }))).toEqual([]);
  });

  test('is not asked for again once somebody has paused Patroni', () => {
    expect(kinds(seen({ operations: [running()], view: view(3, 0, { paused: true }) }))).toEqual([]);
  });

  test('waits while nobody leads, and while nobody answers', () => {
    expect(kinds(seen({ operations: [running()], view: view(3, undefined) }))).toEqual([]);
    expect(kinds(blind({ operations: [running()] }))).toEqual([]);
  });

  test.each([
    ['Succeeded', 'SwitchedOver', seen({ operations: [running()], view: led(1, 2) })],
    ['Failed', 'LeaderIsAnotherMember', seen({ operations: [running()], view: led(2, 2) })],
    ['Failed', 'NotPerformed', seen({ operations: [running(61_000)] })],
    ['Failed', 'NotPerformed', seen({ operations: [running(61_000)], view: led(0, 3) })],
    ['Failed', 'NoLeader', seen({ operations: [running(121_000)], view: view(3, undefined) })],
    ['Failed', 'OldLeaderNotStreaming', seen({ operations: [running(121_000)], view: { ...led(1, 2), members: led(1, 2).members.slice(1) } })],
    ['Failed', 'OutcomeUnknown', blind({ operations: [running(601_000)] })],
  ] as const)('ends as %s, %s', (phase, reason, each) => {
    expect(operations(each).actions).toMatchObject([{ kind: 'updateOperation', status: { phase, reason, finishedAt: '2026-11-23T12:00:00Z' } }]);
  });

  test('of which the record lacks what is needed to judge it is left to a person', () => {
    expect(kinds(seen({ operations: [operation('op', { status: { phase: 'Running' } })] }))).toEqual([]);
  });
});

describe('a switchover that waits to be started', () => {
  const pending = (agoMs: number) => operation('op', { target: 'pg-postgres-1', createdAt: at(agoMs) });

  test('waits a minute for a member that answers, then is rejected', () => {
    expect(kinds(blind({ operations: [pending(59_000)] }))).toEqual([]);
    expect(operations(blind({ operations: [pending(60_000)] })).actions).toMatchObject([{ kind: 'updateOperation', status: { phase: 'Rejected', reason: 'ObservationIncomplete' } }]);
  });

  test('is the oldest of several; the others wait', () => {
    const both = [{ ...pending(1_000), metadata: { ...pending(1_000).metadata, name: 'younger' } }, pending(5_000)];
    expect(operations(seen({ operations: both })).actions).toMatchObject([{ kind: 'requestSwitchover', operation: { metadata: { name: 'op' } } }]);
  });
});

describe('the annotation', () => {
  const annotated = (value: string, parts: ObservedParts = {}): Seen => seen({ metadata: { annotations: { [ANNOTATIONS.switchover]: value } }, ...parts });

  test('becomes an operation even when it can only be rejected, so that there is a record', () => {
    expect(kinds(annotated('nobody at all'))).toEqual(['acceptSwitchoverAnnotation']);
  });

  test('is only removed when its operation exists already', () => {
    expect(kinds(annotated('pg-postgres-1', { operations: [operation('op', { target: 'pg-postgres-1' })] }))).toEqual(['removeSwitchoverAnnotation']);
    expect(kinds(annotated('any', { operations: [operation('op')] }))).toEqual(['removeSwitchoverAnnotation']);
  });

  test.each([
    ['for another member', operation('op', { target: 'pg-postgres-2' })],
    ['that somebody else asked for', operation('op', { target: 'pg-postgres-1', requestedBy: 'Rollout' })],
    ['that runs', running()],
  ])('is rejected while there is an operation %s', (_, other) => {
    expect(operations(annotated('pg-postgres-1', { operations: [other] })).actions).toMatchObject([{ kind: 'rejectSwitchoverAnnotation', reason: 'OperationInProgress' }]);
  });
});

test('of the finished operations the last ten are kept', () => {
  const finished = Array.from({ length: 13 }, (_, n) => operation(`op-${n}`, { createdAt: at(100_000 - n * 1_000), status: { phase: n % 2 === 0 ? 'Succeeded' : 'Rejected' } }));
  expect(operations(seen({ operations: [...finished].reverse() })).actions).toEqual(['op-0', 'op-1', 'op-2'].map((name) => ({ kind: 'deleteOperation', name })));
});
