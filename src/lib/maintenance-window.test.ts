import { describe, expect, test } from '@jest/globals';

import { isTimeZone, windowState, wrongCron } from './maintenance-window.ts';

const saturday = { cron: '0 2 * * 6', timeZone: 'Europe/Berlin', durationMinutes: 90 };
const at = (time: string) => windowState(saturday, Date.parse(time));

describe('a window on Saturdays at 2 in Berlin for 90 minutes', () => {
  test.each([
    ['is closed before it', '2026-11-28T00:59:59Z', false],
    ['opens on the minute', '2026-11-28T01:00:00Z', true],
    ['is open near its end', '2026-11-28T02:29:59Z', true],
    ['closes after its duration', '2026-11-28T02:30:00Z', false],
    ['follows daylight saving', '2026-07-04T00:00:00Z', true],
  ])('%s', (_, time, isOpen) => {
    expect(at(time).isOpen).toBe(isOpen);
  });

  test('tells when it opens next', () => {
    expect(at('2026-11-26T14:00:00Z').opensAtMs).toBe(Date.parse('2026-11-28T01:00:00Z'));
  });
});

test.each(['61 * * * *', '* * * *', 'every day', '0 2 * * 6 2026 1'])('%s is no cron expression', (cron) => {
  expect(wrongCron(cron)).toBeDefined();
  expect(windowState({ ...saturday, cron }, 0)).toEqual({ isOpen: false });
});

test('an unknown time zone never opens a window', () => {
  expect(isTimeZone('Europe/Berlin')).toBe(true);
  expect(isTimeZone('Nowhere/X')).toBe(false);
  expect(windowState({ ...saturday, timeZone: 'Nowhere/X' }, 0)).toEqual({ isOpen: false });
});
