import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { STANDBY_SETTINGS } from './dynamic-keys.ts';
import type { PendingSetting } from '../patroni/cluster-view.ts';
import { nextRestart, type RestartCandidate } from './restart-order.ts';

const setting = (name: string, oldValue: string, newValue: string): PendingSetting => ({ name, oldValue, newValue });
const grows = setting('max_connections', '100', '200');
const shrinks = setting('max_worker_processes', '16', '8');
const other = setting('shared_buffers', '128MB', '256MB');

function cluster(leader: readonly PendingSetting[], first: readonly PendingSetting[], second: readonly PendingSetting[], running: Record<string, string> = { max_connections: '100' }): RestartCandidate[] {
  return [
    { name: 'pg-0', isLeader: true, pending: leader, running },
    { name: 'pg-1', isLeader: false, pending: first, running },
    { name: 'pg-2', isLeader: false, pending: second, running },
  ];
}

describe('the next restart', () => {
  test.each([
    ['nothing waits', cluster([], [], []), { kind: 'none' }],
    ['something grows: a replica first', cluster([grows], [grows], [grows]), { kind: 'restart', member: 'pg-1', isLeader: false }],
    ['something grows, one replica is done: the other', cluster([grows], [], [grows]), { kind: 'restart', member: 'pg-2', isLeader: false }],
    ['something grows and a replica has not noticed: nobody', cluster([grows], [], []), { kind: 'wait', why: 'pg-1 does not run with max_connections 200 yet' }],
    ['something grows and the replicas have it: the leader', cluster([grows], [], [], { max_connections: '200' }), { kind: 'restart', member: 'pg-0', isLeader: true }],
    ['something shrinks: the leader first', cluster([shrinks], [shrinks], [shrinks]), { kind: 'restart', member: 'pg-0', isLeader: true }],
    ['something shrinks and the leader is done: a replica', cluster([], [shrinks], [shrinks]), { kind: 'restart', member: 'pg-1', isLeader: false }],
    ['both: the replicas for what grows', cluster([grows, shrinks], [grows, shrinks], [grows, shrinks]), { kind: 'restart', member: 'pg-1', isLeader: false }],
    ['both, and only what shrinks is left on the replicas: the leader', cluster([grows, shrinks], [shrinks], [shrinks], { max_connections: '200' }), { kind: 'restart', member: 'pg-0', isLeader: true }],
    ['another setting: a replica first', cluster([other], [other], [other]), { kind: 'restart', member: 'pg-1', isLeader: false }],
    ['another setting on the leader alone: the leader', cluster([other], [], []), { kind: 'restart', member: 'pg-0', isLeader: true }],
    ['another setting beside one that shrinks: the leader, once for both', cluster([other, shrinks], [other, shrinks], [other]), { kind: 'restart', member: 'pg-0', isLeader: true }],
    ['a value that cannot be read: as if it grew', cluster([{ name: 'max_connections' }], [{ name: 'max_connections' }], []), { kind: 'restart', member: 'pg-1', isLeader: false }],
  ])('%s', (_, members, expected) => {
    expect(nextRestart(members, 'Restart')).toEqual(expected);
  });

  test('hands the lead over instead where the spec says so, but not for what must shrink on the leader', () => {
    expect(nextRestart(cluster([other], [], []), 'Switchover')).toEqual({ kind: 'switchover', leader: 'pg-0' });
    expect(nextRestart(cluster([shrinks], [], []), 'Switchover')).toEqual({ kind: 'restart', member: 'pg-0', isLeader: true });
    expect(nextRestart([{ name: 'pg-0', isLeader: true, pending: [other] }], 'Switchover')).toEqual({ kind: 'restart', member: 'pg-0', isLeader: true });
  });
});

/** Values of the settings on each member, as PostgreSQL and Patroni 4.1 treat them. */
interface World {
  readonly running: Record<string, Record<string, number>>;
  wanted: Record<string, number>;
}

const NAMES = ['pg-0', 'pg-1', 'pg-2'];
const LEADER = 'pg-0';

function view({ running, wanted }: World): RestartCandidate[] {
  return NAMES.map((name) => ({
    name,
    isLeader: name === LEADER,
    running: Object.fromEntries(Object.entries(running[name] ?? {}).map(([key, value]) => [key, String(value)])),
    pending: Object.entries(wanted).filter(([key, value]) => running[name]?.[key] !== value).map(([key, value]) => setting(key, String(running[name]?.[key]), String(value))),
  }));
}

/** A standby keeps at least what its leader has (Patroni reads pg_control); with less it could not replay. */
function restart(world: World, member: string): void {
  for (const [key, value] of Object.entries(world.wanted)) {
    const floor = member === LEADER ? 0 : (world.running[LEADER]?.[key] ?? 0);
    (world.running[member] as Record<string, number>)[key] = Math.max(value, floor);
  }
}

test('whatever changes, no standby ever has less than its leader, and it ends in at most two rounds', () => {
  const values = fc.record(Object.fromEntries(STANDBY_SETTINGS.map((name) => [name, fc.integer({ min: 1, max: 4 })])));
  fc.assert(
    fc.property(values, values, (before, wanted) => {
      const world: World = { running: Object.fromEntries(NAMES.map((name) => [name, { ...before }])), wanted };
      const restarts: string[] = [];
      for (let step = 0; step < 12; step += 1) {
        const next = nextRestart(view(world), 'Restart');
        if (next.kind !== 'restart') break;
        restarts.push(next.member);
        restart(world, next.member);
        for (const name of STANDBY_SETTINGS) for (const member of NAMES) expect(world.running[member]?.[name]).toBeGreaterThanOrEqual(world.running[LEADER]?.[name] ?? 0);
      }
      expect(nextRestart(view(world), 'Restart')).toEqual({ kind: 'none' });
      for (const member of NAMES) expect(restarts.filter((name) => name === member).length).toBeLessThanOrEqual(member === LEADER ? 1 : 2);
    }),
    { numRuns: 1000 },
  );
});
