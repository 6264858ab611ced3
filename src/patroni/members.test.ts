import { describe, expect, test } from '@jest/globals';
import type { ClusterMember, ClusterView } from './cluster-view.ts';
import { hasSynchronousMember, healthyReplicas, isBarredFromLeading, isStreaming, leaderOf, memberOf } from './members.ts';

const member = (name: string, change: Partial<ClusterMember> = {}): ClusterMember => ({
  name,
  role: 'replica',
  state: 'streaming',
  timeline: 2,
  lag: { known: true, bytes: 0 },
  pendingRestart: false,
  tags: {},
  ...change,
});
const leader = (name: string, change: Partial<ClusterMember> = {}) => member(name, { role: 'leader', state: 'running', ...change });
const view = (...members: ClusterMember[]): ClusterView => ({ scope: 's', members, paused: false });
const without = (subject: ClusterMember): ClusterMember => {
  const { timeline, ...rest } = subject;
  expect(timeline).toBe(2);
  return rest;
};

describe('leaderOf', () => {
  test('finds the leader, also that of a standby cluster, and nobody when the key is free', () => {
    expect(leaderOf(view(member('b'), leader('a')))?.name).toBe('a');
    expect(leaderOf(view(leader('a', { role: 'standby_leader' })))?.name).toBe('a');
    expect(leaderOf(view(member('a'), member('b')))).toBeUndefined();
  });
});

describe('isStreaming', () => {
  test.each<[string, ClusterMember, boolean]>([
    ['a replica that streams on the same timeline', member('b'), true],
    ['a synchronous standby', member('b', { role: 'sync_standby' }), true],
    ['the leader', leader('a'), false],
    ['a replica on an older timeline', member('b', { timeline: 1 }), false],
    ['a replica whose timeline is not known', without(member('b')), false],
    ['a replica that runs without streaming', member('b', { state: 'running' }), false],
    ['a replica that reads the archive', member('b', { state: 'in archive recovery' }), false],
    ['a stopped replica', member('b', { state: 'stopped' }), false],
  ])('judges %s', (_, subject, expected) => {
    expect(isStreaming(view(leader('a'), subject), subject)).toBe(expected);
  });

  test('is false for everybody while nobody leads', () => {
    expect(isStreaming(view(member('b')), member('b'))).toBe(false);
  });

  test('is false while the timeline of the leader is not known', () => {
    const b = without(member('b'));
    expect(isStreaming(view(without(leader('a')), b), b)).toBe(false);
  });
});

describe('healthyReplicas', () => {
  test('lists by name those that stream', () => {
    expect(healthyReplicas(view(member('c'), leader('a'), member('b'), member('d', { state: 'starting' }))).map((m) => m.name)).toEqual([
      'b',
      'c',
    ]);
  });
});

describe('isBarredFromLeading', () => {
  test.each<[ClusterMember['tags'], boolean]>([
    [{}, false],
    [{ nofailover: true }, true],
    [{ nofailover: false, failover_priority: 0 }, false],
    [{ failover_priority: 0 }, true],
    [{ failover_priority: '0' }, true],
    [{ failover_priority: 2 }, false],
    [{ failover_priority: 'high' }, false],
  ])('%j: %s', (tags, expected) => {
    expect(isBarredFromLeading(member('b', { tags }))).toBe(expected);
  });
});

test('a cluster is synchronous when it has a synchronous or quorum standby', () => {
  expect(hasSynchronousMember(view(leader('a'), member('b')))).toBe(false);
  expect(hasSynchronousMember(view(leader('a'), member('b', { role: 'quorum_standby' })))).toBe(true);
  expect(memberOf(view(leader('a')), 'b')).toBeUndefined();
});
