import { expect, test } from '@jest/globals';

import { ANNOTATIONS } from '../api/meta.ts';
import { leafVerdict } from './leaf-verdict.ts';

const NOW_MS = Date.parse('2026-11-22T00:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const WANTED = { subjectHash: 'names', subject: { validityDays: 90 } };

function annotations(changes: Record<string, string> = {}): Record<string, string> {
  return {
    [ANNOTATIONS.notAfter]: new Date(NOW_MS + 60 * DAY_MS).toISOString(),
    [ANNOTATIONS.caFingerprint]: 'ca',
    [ANNOTATIONS.subjectHash]: 'names',
    ...changes,
  };
}

function expiresIn(ms: number): Record<string, string> {
  return annotations({ [ANNOTATIONS.notAfter]: new Date(NOW_MS + ms).toISOString() });
}

test.each([
  ['two thirds of its life are left', annotations(), 'ca', 'ok'],
  ['exactly a third is left', expiresIn(30 * DAY_MS), 'ca', 'ok'],
  ['less than a third is left', expiresIn(30 * DAY_MS - 1), 'ca', 'renew'],
  ['it has expired', expiresIn(-1), 'ca', 'renew'],
  ['another CA signs now', annotations(), 'another', 'renew'],
  ['the CA is not seen yet', annotations(), undefined, 'ok'],
  ['it should say something else', annotations({ [ANNOTATIONS.subjectHash]: 'other' }), 'ca', 'renew'],
  ['its time is unreadable', annotations({ [ANNOTATIONS.notAfter]: 'soon' }), 'ca', 'renew'],
  ['somebody removed the annotations', {}, 'ca', 'renew'],
  ['there is no Secret', undefined, 'ca', 'missing'],
] as const)('a leaf of which %s: %#', (_, seen, caFingerprint, verdict) => {
  expect(leafVerdict(seen, WANTED, caFingerprint, NOW_MS)).toBe(verdict);
});
