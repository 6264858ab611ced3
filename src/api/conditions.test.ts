import { describe, expect, test } from '@jest/globals';

import { CONDITION_TYPES, CONDITIONS, findCondition, setCondition, statusOf, type ConditionType } from './conditions.ts';
import type { Condition } from './status.ts';

const T0 = Date.parse('2026-11-23T10:00:00.123Z');
const T1 = Date.parse('2026-11-23T10:05:00Z');
const creating = { type: 'Ready', reason: 'Creating', message: 'No leader yet.', observedGeneration: 1, nowMs: T0 } as const;

describe('setCondition', () => {
  test('takes the status from the reason and writes the time in whole seconds', () => {
    expect(setCondition([], creating)).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'Creating',
        message: 'No leader yet.',
        observedGeneration: 1,
        lastTransitionTime: '2026-11-23T10:00:00Z',
      },
    ]);
  });

  test('keeps the time of the last transition while the status stays', () => {
    const before = setCondition([], creating);
    const [after] = setCondition(before, { type: 'Ready', reason: 'LeaderUnknown', message: 'The leader is gone.', nowMs: T1 });
    expect(after).toMatchObject({ status: 'False', reason: 'LeaderUnknown', lastTransitionTime: '2026-11-23T10:00:00Z' });
  });

  test('moves the time when the status changes', () => {
    const before = setCondition([], creating);
    const [after] = setCondition(before, { type: 'Ready', reason: 'AllMembersStreaming', message: '', nowMs: T1 });
    expect(after).toMatchObject({ status: 'True', lastTransitionTime: '2026-11-23T10:05:00Z' });
  });

  test('gives an equal list for the same finding later, so that nothing is written', () => {
    const before = setCondition([], creating);
    expect(setCondition(before, { ...creating, nowMs: T1 })).toEqual(before);
  });

  test('keeps the place of a condition, leaves the others alone, and does not change the list it was given', () => {
    const other: Condition = { type: 'Other', status: 'True', reason: 'X', message: '', lastTransitionTime: 'then' };
    const before = Object.freeze([...setCondition([], creating), other]);
    const after = setCondition(before, { type: 'Stalled', reason: 'None', message: '', nowMs: T1 });
    expect(after.map(({ type }) => type)).toEqual(['Ready', 'Other', 'Stalled']);
    expect(setCondition(after, { ...creating, reason: 'Deleting' }).map(({ type }) => type)).toEqual(['Ready', 'Other', 'Stalled']);
    expect(after[1]).toBe(other);
  });
});

test('findCondition finds by type', () => {
  expect(findCondition(setCondition([], creating), 'Ready')?.reason).toBe('Creating');
  expect(findCondition([], 'Ready')).toBeUndefined();
  expect(findCondition(undefined, 'Ready')).toBeUndefined();
});

describe('the table of conditions', () => {
  const types = Object.keys(CONDITIONS) as ConditionType[];

  test.each(types)('%s can be good and can be otherwise', (type) => {
    const statuses = new Set(Object.values<{ readonly status: string }>(CONDITIONS[type]).map(({ status }) => status));
    expect(statuses.size).toBeGreaterThan(1);
    const { good } = CONDITION_TYPES[type];
    if (good !== 'either') expect(statuses).toContain(good);
  });

  test.each(types)('%s has reasons that Kubernetes accepts, each with a meaning', (type) => {
    for (const [reason, { means }] of Object.entries<{ readonly means: string }>(CONDITIONS[type])) {
      // Pattern of metav1.Condition.reason.
      expect(reason).toMatch(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/);
      expect(means).toMatch(/^[A-Za-z].+[.]$/);
    }
  });

  test('True is good, except where kstatus or a neutral state says otherwise', () => {
    expect(types.filter((type) => CONDITION_TYPES[type].good !== 'True')).toEqual(['Reconciling', 'Stalled', 'Progressing', 'PendingRestart', 'Paused']);
  });

  test('a reason decides the status', () => {
    expect(statusOf({ type: 'EtcdHealthy', reason: 'NotObserved' })).toBe('Unknown');
    expect(statusOf({ type: 'Stalled', reason: 'InvalidSpec' })).toBe('True');
  });
});
