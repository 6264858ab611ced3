import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterMember, ClusterView } from './cluster-view.ts';
import { checkSwitchover, switchoverCandidates, type SwitchoverQuestion, type SwitchoverRefusal } from './switchover-checks.ts';

const replica = (name: string, change: Partial<ClusterMember> = {}): ClusterMember => ({
  name,
  role: 'replica',
  state: 'streaming',
  timeline: 4,
  lag: { known: true, bytes: 0 },
  pendingRestart: false,
  tags: {},
  ...change,
});
const leader = replica('pg-0', { role: 'leader', state: 'running', lag: { known: false } });
const view = (members: readonly ClusterMember[], change: Partial<ClusterView> = {}): ClusterView => ({
  scope: 'pg',
  members,
  paused: false,
  ...change,
});
const ask = (change: Partial<SwitchoverQuestion> = {}): SwitchoverQuestion => ({
  view: view([leader, replica('pg-1'), replica('pg-2')]),
  target: 'pg-1',
  maximumLagBytes: 1000,
  otherOperationRunning: false,
  ...change,
});
const withTarget = (change: Partial<ClusterMember>) => ask({ view: view([leader, replica('pg-1', change), replica('pg-2')]) });
const unknownTimeline = (member: ClusterMember): ClusterMember => {
  const { timeline, ...rest } = member;
  expect(timeline).toBe(4);
  return rest;
};

describe('checkSwitchover accepts', () => {
  test.each<[string, SwitchoverQuestion, string]>([
    ['the named replica', ask(), 'pg-1'],
    ['a replica just within the limit', withTarget({ lag: { known: true, bytes: 1000 } }), 'pg-1'],
    ['the synchronous standby of a synchronous cluster', withTarget({ role: 'sync_standby' }), 'pg-1'],
    ['any: the lowest name among equals', ask({ target: 'any' }), 'pg-1'],
    [
      'any: the least lag',
      ask({ target: 'any', view: view([leader, replica('pg-1', { lag: { known: true, bytes: 9 } }), replica('pg-2')]) }),
      'pg-2',
    ],
    [
      'any: the synchronous standby, even if another has the lower name',
      ask({ target: 'any', view: view([leader, replica('pg-1'), replica('pg-2', { role: 'sync_standby' })]) }),
      'pg-2',
    ],
    [
      'any: who is known to be near before who is not known',
      ask({
        target: 'any',
        view: view([leader, replica('pg-1', { lag: { known: false } }), replica('pg-2', { lag: { known: true, bytes: 999 } })]),
      }),
      'pg-2',
    ],
  ])('%s', (_, question, candidate) => {
    expect(checkSwitchover(question)).toEqual({ ok: true, leader: 'pg-0', candidate, timeline: 4 });
  });

  test('any lag when no limit is set', () => {
    const { view: seen, target, otherOperationRunning } = withTarget({ lag: { known: true, bytes: 5e9 } });
    expect(checkSwitchover({ view: seen, target, otherOperationRunning })).toMatchObject({ ok: true, candidate: 'pg-1' });
  });
});

// A new reason does not compile without its row.
const REFUSED: Record<SwitchoverRefusal, readonly (readonly [SwitchoverQuestion, string])[]> = {
  InvalidTarget: [
    [ask({ target: '' }), '"" cannot be the name of a member. Give the name of a pod, or "any".'],
    [ask({ target: 'PG_1\u0007' }), '"PG_1?" cannot be the name of a member. Give the name of a pod, or "any".'],
    [ask({ target: 'a'.repeat(64) }), `"${'a'.repeat(63)}" cannot be the name of a member. Give the name of a pod, or "any".`],
  ],
  OperationInProgress: [
    [ask({ otherOperationRunning: true }), 'Another operation of this cluster is still running. Wait until it has ended, then ask again.'],
    [
      ask({ view: view([leader, replica('pg-1')], { scheduledSwitchover: { at: '2026-12-24T18:00:00+00:00' } }) }),
      'A switchover is already scheduled in Patroni for 2026-12-24T18:00:00+00:00. Let it happen or cancel it with "patronictl flush", then ask again.',
    ],
  ],
  ClusterPaused: [
    [
      ask({ view: view([leader, replica('pg-1')], { paused: true }) }),
      'Patroni is paused (maintenance mode). End the maintenance with "patronictl resume", then ask again.',
    ],
  ],
  NoLeader: [
    [
      ask({ view: undefined }),
      'No member holds the leader key, so nobody can hand over. Wait until the cluster has a leader, then ask again.',
    ],
    [
      ask({ view: view([replica('pg-1')]) }),
      'No member holds the leader key, so nobody can hand over. Wait until the cluster has a leader, then ask again.',
    ],
    [
      ask({ view: view([{ ...leader, state: 'starting' }, replica('pg-1')]) }),
      'pg-0 holds the leader key, but its PostgreSQL is "starting". Wait until it runs, then ask again.',
    ],
    [
      ask({ view: view([unknownTimeline(leader), replica('pg-1')]) }),
      'pg-0 holds the leader key, but its PostgreSQL is not known to run as primary. Wait until it runs, then ask again.',
    ],
  ],
  TargetUnknown: [[ask({ target: 'pg-7' }), 'pg-7 is not a member of the cluster. Its members are pg-0, pg-1, pg-2.']],
  TargetIsLeader: [[ask({ target: 'pg-0' }), 'pg-0 is the leader already. Name another member, or "any".']],
  TargetNoFailover: [
    [
      withTarget({ tags: { nofailover: true } }),
      'pg-1 is tagged nofailover (or has failover_priority 0). Remove the tag or choose another member.',
    ],
    [
      withTarget({ tags: { failover_priority: 0 }, state: 'stopped' }),
      'pg-1 is tagged nofailover (or has failover_priority 0). Remove the tag or choose another member.',
    ],
  ],
  TargetOnOtherTimeline: [
    [
      withTarget({ timeline: 3, state: 'running' }),
      'pg-1 is on timeline 3, the leader pg-0 on 4. Wait until it has caught up; if it stays behind, reinitialize it.',
    ],
  ],
  TargetNotStreaming: [
    [
      withTarget({ state: 'starting' }),
      'pg-1 is "starting" and does not stream from pg-0. Wait until it streams; if it does not, look at its log.',
    ],
    [
      ask({ view: view([leader, unknownTimeline(replica('pg-1'))]) }),
      'pg-1 streams on an unknown timeline and does not stream from pg-0. Wait until it streams; if it does not, look at its log.',
    ],
  ],
  TargetNotSynchronous: [
    [
      ask({ view: view([leader, replica('pg-1'), replica('pg-2', { role: 'quorum_standby' })]) }),
      'pg-1 is not a synchronous standby, and the cluster replicates synchronously. Choose a synchronous member.',
    ],
  ],
  TargetLagUnknown: [
    [
      withTarget({ lag: { known: false } }),
      'The lag of pg-1 is not known, so nobody can tell what a switchover would wait for. Ask again in a few seconds.',
    ],
  ],
  TargetLagging: [
    [
      withTarget({ lag: { known: true, bytes: 1001 } }),
      'pg-1 lags by more than the 1000 bytes allowed. Wait until it has caught up, or choose another member.',
    ],
  ],
  NoCandidate: [
    [ask({ target: 'any', view: view([leader]) }), 'pg-0 is the only member, so nobody can take over. Add a replica first.'],
    [
      ask({
        target: 'any',
        view: view([leader, replica('pg-2', { tags: { nofailover: true } }), replica('pg-1', { lag: { known: true, bytes: 2000 } })]),
      }),
      'No replica can take over. pg-1 lags by more than the 1000 bytes allowed. Wait until it has caught up, or choose another member. ' +
        'pg-2 is tagged nofailover (or has failover_priority 0). Remove the tag or choose another member.',
    ],
  ],
};

describe('checkSwitchover refuses', () => {
  test.each(Object.entries(REFUSED).flatMap(([reason, rows]) => rows.map(([question, message]) => ({ reason, question, message }))))(
    '$reason: $message',
    ({ reason, question, message }) => {
      expect(checkSwitchover(question)).toEqual({ ok: false, reason, message });
    },
  );

  test('an operation under way comes before anything about the target', () => {
    expect(checkSwitchover(ask({ otherOperationRunning: true, target: 'pg-9' }))).toMatchObject({ reason: 'OperationInProgress' });
  });
});

describe('switchoverCandidates', () => {
  const anyMember = fc.record({
    name: fc.constantFrom('pg-1', 'pg-2', 'pg-3', 'pg-4'),
    state: fc.constantFrom('streaming', 'running', 'stopped'),
    timeline: fc.constantFrom(3, 4),
    bytes: fc.option(fc.nat(3000)),
    nofailover: fc.boolean(),
  });
  const views = fc.uniqueArray(anyMember, { selector: (m) => m.name }).map((raw) =>
    raw.map((m) =>
      replica(m.name, {
        state: m.state,
        timeline: m.timeline,
        lag: m.bytes === null ? { known: false } : { known: true, bytes: m.bytes },
        tags: m.nofailover ? { nofailover: true } : {},
      }),
    ),
  );

  test('does not depend on the order of members, and agrees with what a named request is told', () => {
    fc.assert(
      fc.property(views, (members) => {
        const forwards = switchoverCandidates(view([leader, ...members]), { maximumLagBytes: 1000 }).map((m) => m.name);
        const backwards = switchoverCandidates(view([...members].reverse().concat(leader)), { maximumLagBytes: 1000 }).map((m) => m.name);
        expect(backwards).toEqual(forwards);
        const accepted = members
          .filter((m) => checkSwitchover(ask({ target: m.name, view: view([leader, ...members]) })).ok)
          .map((m) => m.name);
        expect([...forwards].sort()).toEqual(accepted.sort());
      }),
    );
  });

  test('is empty without a leader', () => {
    expect(switchoverCandidates(view([replica('pg-1')]), {})).toEqual([]);
  });
});
