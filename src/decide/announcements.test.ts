import { describe, expect, test } from '@jest/globals';

import { setCondition, type Finding } from '../api/conditions.ts';
import type { PatroniClusterStatus } from '../api/status.ts';

import { announcements } from './announcements.ts';

const status = (findings: readonly Finding[], rest: Omit<PatroniClusterStatus, 'conditions'> = {}): PatroniClusterStatus => ({
  ...rest,
  conditions: findings.reduce<NonNullable<PatroniClusterStatus['conditions']>>((list, finding) => setCondition(list, { ...finding, nowMs: 0 }), []),
});
const ready = { type: 'Ready', reason: 'AllMembersStreaming', message: 'pg-0 leads.' } as const;
const missing = { type: 'Ready', reason: 'MembersMissing', message: 'Pod pg-1 is not ready.' } as const;
const unseen = { type: 'Ready', reason: 'ObservationIncomplete', message: 'No member answers.' } as const;
const invalid = { type: 'SpecValid', reason: 'Invalid', message: 'spec.etcd.replicas: must be odd.' } as const;
const valid = { type: 'SpecValid', reason: 'Valid', message: 'The spec passes every rule.' } as const;

const applied = { type: 'ConfigApplied', reason: 'Applied', message: 'Every member runs with it.' } as const;
const loading = { type: 'ConfigApplied', reason: 'Loading', message: 'On its way: spec.postgres.parameters.work_mem.' } as const;
const overridden = { type: 'ConfigApplied', reason: 'Overridden', message: 'ALTER SYSTEM wins over work_mem on pg-1.' } as const;
const noRestart = { type: 'PendingRestart', reason: 'None', message: 'No change waits for a restart.' } as const;
const restarting = { type: 'PendingRestart', reason: 'Restarting', message: 'max_connections 100 → 200 on pg-1.' } as const;
const waiting = (reason: 'WaitingForRequest' | 'WaitingForWindow' | 'UpdateStrategyNever' | 'PatroniPaused') => ({ type: 'PendingRestart', reason, message: 'max_connections 100 → 200 on pg-1.' }) as const;

const reasons = (before: PatroniClusterStatus, after: PatroniClusterStatus) => announcements(before, after).map(({ reason }) => reason);

describe('announcements', () => {
  test.each<[string, readonly Finding[], readonly Finding[], readonly string[]]>([
    ['a cluster that became ready', [{ type: 'Ready', reason: 'Creating', message: '' }], [ready], ['Ready']],
    ['a cluster that is seen ready for the first time', [], [ready], ['Ready']],
    ['a member that went missing', [ready], [missing], ['NotReady']],
    ['members that stopped answering', [ready], [unseen], ['NotReady']],
    ['a spec that became invalid', [valid], [invalid], ['InvalidSpec']],
    ['a spec that was never valid', [], [invalid], ['InvalidSpec']],
    ['another mistake in the spec', [invalid], [{ ...invalid, message: 'spec.postgres: is wrong.' }], ['InvalidSpec']],
    ['a spec that was corrected', [invalid], [valid], ['SpecCorrected']],
    ['a Secret that is gone', [{ type: 'Stalled', reason: 'None', message: '' }], [{ type: 'Stalled', reason: 'SecretMissing', message: 'pg-ca is gone.' }], ['SecretMissing']],
    ['the loss of the quorum', [{ type: 'EtcdHealthy', reason: 'QuorumHealthy', message: '' }], [{ type: 'EtcdHealthy', reason: 'QuorumLost', message: '' }], ['EtcdQuorumLost']],
    ['the return of the quorum', [{ type: 'EtcdHealthy', reason: 'QuorumLost', message: '' }], [{ type: 'EtcdHealthy', reason: 'QuorumHealthy', message: '' }], ['EtcdQuorumRegained']],
    ['an expired certificate', [{ type: 'CertificatesReady', reason: 'AllIssued', message: '' }], [{ type: 'CertificatesReady', reason: 'Expired', message: '' }], ['CertificateExpired']],
    ['a pause', [{ type: 'Paused', reason: 'NotPaused', message: '' }], [{ type: 'Paused', reason: 'PatroniPaused', message: '' }], ['Paused']],
    ['the end of a pause', [{ type: 'Paused', reason: 'PatroniPaused', message: '' }], [{ type: 'Paused', reason: 'NotPaused', message: '' }], ['Resumed']],
    ['a restart that waits for a request', [noRestart], [waiting('WaitingForRequest')], ['PendingRestart']],
    ['a restart that waits for a window', [noRestart], [waiting('WaitingForWindow')], ['PendingRestart']],
    ['a restart that only a person may give', [noRestart], [waiting('UpdateStrategyNever')], ['PendingRestart']],
    ['a restart that waited before anybody looked', [], [waiting('WaitingForRequest')], ['PendingRestart']],
    ['ALTER SYSTEM that came over an applied key', [applied], [overridden], ['ConfigOverridden']],
    ['ALTER SYSTEM that was there before the key was set', [loading], [overridden], ['ConfigOverridden']],
  ])('tell %s', (_, before, after, told) => {
    expect(reasons(status(before), status(after))).toEqual(told);
  });

  test.each<[string, readonly Finding[], readonly Finding[]]>([
    ['a cluster that is still not ready, for another reason', [missing], [{ type: 'Ready', reason: 'LeaderUnknown', message: 'No leader.' }]],
    ['a cluster that is being created', [], [{ type: 'Ready', reason: 'Creating', message: '' }, { type: 'EtcdHealthy', reason: 'Forming', message: '' }]],
    ['a member that is away while a switchover is under way', [ready], [missing, { type: 'Progressing', reason: 'Switchover', message: '' }]],
    ['a cluster that is whole again after a rolling restart', [missing, { type: 'Progressing', reason: 'RollingRestart', message: '' }], [ready, { type: 'Progressing', reason: 'Settled', message: '' }]],
    ['etcd that formed', [{ type: 'EtcdHealthy', reason: 'Forming', message: '' }], [{ type: 'EtcdHealthy', reason: 'QuorumHealthy', message: '' }]],
    ['a first look at a valid cluster that is not paused', [], [valid, { type: 'Paused', reason: 'NotPaused', message: '' }]],
    ['a deletion', [ready], [{ type: 'Ready', reason: 'Deleting', message: '' }]],
    ['another message of the same matter', [ready], [{ ...ready, message: 'pg-1 leads.' }]],
    ['a restart that is given at once', [noRestart], [restarting]],
    ['a restart that a pause holds back, which has an event of its own', [noRestart], [waiting('PatroniPaused')]],
    ['restarts that are done', [restarting], [noRestart]],
    ['a restart that still waits, for another setting', [waiting('WaitingForRequest')], [{ ...waiting('WaitingForRequest'), message: 'wal_level replica → logical on pg-1.' }]],
    ['configuration on its way, and applied', [loading], [applied]],
    ['another key that ALTER SYSTEM overrides too', [overridden], [{ ...overridden, message: 'ALTER SYSTEM wins over work_mem on pg-1; geqo on pg-2.' }]],
  ])('keep quiet about %s', (_, before, after) => {
    expect(reasons(status(before), status(after))).toEqual([]);
  });

  test('name the new leader, the old one and the timeline', () => {
    expect(announcements({ leader: 'pg-0', timeline: 1 }, { leader: 'pg-1', timeline: 2 })).toEqual([{ reason: 'LeaderElected', message: 'pg-1 leads instead of pg-0, on timeline 2.' }]);
    expect(announcements({}, { leader: 'pg-0', timeline: 1 })).toEqual([{ reason: 'LeaderElected', message: 'pg-0 leads, on timeline 1.' }]);
    expect(announcements({ leader: 'pg-0' }, {})).toEqual([]);
  });

  test('leave a leader that was asked for to the events of the operation', () => {
    const switching = status([{ type: 'Progressing', reason: 'Switchover', message: '' }], { leader: 'pg-0' });
    expect(announcements(switching, { ...switching, leader: 'pg-1' })).toEqual([]);
  });

  test('say nothing when the status stays', () => {
    const same = status([ready, invalid, { type: 'Paused', reason: 'PatroniPaused', message: '' }], { leader: 'pg-0', timeline: 3 });
    expect(announcements(same, same)).toEqual([]);
  });
});
