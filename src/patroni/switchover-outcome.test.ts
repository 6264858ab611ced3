import { describe, expect, test } from '@jest/globals';
import type { ClusterMember, ClusterView } from './cluster-view.ts';
import {
  OLD_LEADER_DEADLINE_MS,
  REQUEST_DEADLINE_MS,
  type SwitchoverFailure,
  type SwitchoverPending,
  UNSEEN_DEADLINE_MS,
  verifySwitchover,
} from './switchover-outcome.ts';

const member = (name: string, change: Partial<ClusterMember> = {}): ClusterMember => ({
  name,
  role: 'replica',
  state: 'streaming',
  timeline: 5,
  lag: { known: true, bytes: 0 },
  pendingRestart: false,
  tags: {},
  ...change,
});
const leads = (name: string, change: Partial<ClusterMember> = {}) => member(name, { role: 'leader', state: 'running', ...change });
const view = (...members: ClusterMember[]): ClusterView => ({ scope: 'pg', members, paused: false });
const startedAtMs = Date.UTC(2026, 0, 1);
const judge = (seen: ClusterView | undefined, elapsedMs = 0) =>
  verifySwitchover({ view: seen, leaderBefore: 'pg-0', timelineBefore: 4, candidate: 'pg-1', startedAtMs, nowMs: startedAtMs + elapsedMs });

const handedOver = view(leads('pg-1'), member('pg-0'), member('pg-2'));
const oldLeaderStopped = view(leads('pg-1'), member('pg-0', { state: 'stopped', timeline: 4 }), member('pg-2'));
const notPromotedYet = view(leads('pg-1', { timeline: 4 }), member('pg-0', { state: 'stopped' }));
const unchanged = view(leads('pg-0', { timeline: 4 }), member('pg-1', { timeline: 4 }));
const free = view(member('pg-0'), member('pg-1'));

test('succeeds when the candidate leads on a later timeline and the old leader streams from it', () => {
  expect(judge(handedOver)).toEqual({ kind: 'succeeded', reason: 'SwitchedOver', message: 'pg-1 leads and pg-0 streams from it.' });
});

test('succeeds, however late, when all is well', () => {
  expect(judge(handedOver, 10 * UNSEEN_DEADLINE_MS).kind).toBe('succeeded');
});

test('succeeds in a standby cluster, whose timeline stays', () => {
  expect(judge(view(leads('pg-1', { role: 'standby_leader', timeline: 4 }), member('pg-0', { timeline: 4 }))).kind).toBe('succeeded');
});

const PENDING: Record<SwitchoverPending, readonly [ClusterView | undefined, deadlineMs: number, SwitchoverFailure]> = {
  AwaitingView: [undefined, UNSEEN_DEADLINE_MS, 'OutcomeUnknown'],
  AwaitingHandover: [unchanged, REQUEST_DEADLINE_MS, 'NotPerformed'],
  AwaitingPromotion: [notPromotedYet, OLD_LEADER_DEADLINE_MS, 'LeaderNotPromoted'],
  AwaitingOldLeader: [oldLeaderStopped, OLD_LEADER_DEADLINE_MS, 'OldLeaderNotStreaming'],
};

describe.each(Object.entries(PENDING))('%s', (reason, [seen, deadlineMs, failure]) => {
  test('is pending until its deadline', () => {
    expect(judge(seen)).toMatchObject({ kind: 'pending', reason });
    expect(judge(seen, deadlineMs - 1)).toMatchObject({ kind: 'pending', reason });
  });

  test(`ends as ${failure} from then on, with the same message`, () => {
    expect(judge(seen, deadlineMs)).toEqual({ kind: 'failed', reason: failure, message: judge(seen).message });
  });
});

test('waits, then fails, when nobody takes the leader key', () => {
  expect(judge(free, OLD_LEADER_DEADLINE_MS - 1)).toMatchObject({ kind: 'pending', reason: 'AwaitingHandover' });
  expect(judge(free, OLD_LEADER_DEADLINE_MS)).toMatchObject({ kind: 'failed', reason: 'NoLeader' });
});

test('fails at once when another member leads', () => {
  expect(judge(view(leads('pg-2'), member('pg-0'), member('pg-1')))).toEqual({
    kind: 'failed',
    reason: 'LeaderIsAnotherMember',
    message: 'pg-2 leads instead of pg-1. The cluster works; ask again if pg-1 must lead.',
  });
});

test('waits, then fails, when the old leader leads on a new timeline: it may have crashed with the request still standing', () => {
  const again = view(leads('pg-0', { timeline: 5 }), member('pg-1'));
  const message = 'pg-0 leads again, on a new timeline: it restarted, or took the leader key back because pg-1 did not take it.';
  expect(judge(again)).toEqual({ kind: 'pending', reason: 'AwaitingHandover', message });
  expect(judge(again, REQUEST_DEADLINE_MS)).toEqual({ kind: 'failed', reason: 'NotPerformed', message });
});

test.each<[string, ClusterMember[]]>([
  ['is no member any more', []],
  ['streams on its old timeline', [member('pg-0', { timeline: 4 })]],
])('waits for an old leader that %s', (_, others) => {
  expect(judge(view(leads('pg-1'), ...others))).toMatchObject({ kind: 'pending', reason: 'AwaitingOldLeader' });
});
