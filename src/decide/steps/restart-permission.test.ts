import { describe, expect, test } from '@jest/globals';

import { NOW_MS, view } from '../../../test/support/model/cluster.ts';
import { observed } from '../../../test/support/model/observed.ts';
import { ANNOTATIONS } from '../../api/meta.ts';
import type { Seen } from '../facts.ts';

import { restartPermission, type RestartPermission } from './restart-permission.ts';

type Refusal = Extract<RestartPermission, { allowed: false }>['reason'];

interface Circumstances {
  readonly updateStrategy?: object;
  /** Value of the annotation. */
  readonly request?: string;
  readonly paused?: boolean;
  readonly nowMs?: number;
}

/** NOW_MS is a Monday, 12:00 UTC. */
function seen({ updateStrategy, request, paused = false, nowMs = NOW_MS }: Circumstances): Seen {
  const all = observed({
    spec: updateStrategy === undefined ? {} : { updateStrategy },
    metadata: request === undefined ? {} : { annotations: { [ANNOTATIONS.restart]: request } },
    view: view(3, 0, { paused }),
    nowMs,
  });
  return { ...all, effective: all.effective! };
}

const at = (time: string): number => Date.parse(time);
const onRequest = { type: 'OnRequest' };
const never = { type: 'Never' };
/** Saturdays at two in the morning, for an hour. */
const weekly = { type: 'Schedule', schedule: { cron: '0 2 * * 6', durationMinutes: 60 } };

/** One list for each reason, so that a new reason does not compile without its own. */
const REFUSED: Readonly<Record<Refusal, readonly (readonly [what: string, where: Circumstances, says: string])[]>> = {
  WaitingForRequest: [
    ['nobody has asked', { updateStrategy: onRequest }, 'kubectl annotate patroni pg -n shop patroni-operator.dev/restart=pending'],
    ['somebody has asked for something else', { updateStrategy: onRequest, request: 'everything' }, 'OnRequest'],
  ],
  WaitingForWindow: [
    ['the window is days away', { updateStrategy: weekly }, 'opens at 2026-11-28T02:00:00Z'],
    ['the window opens in a second', { updateStrategy: weekly, nowMs: at('2026-11-28T01:59:59Z') }, 'opens at 2026-11-28T02:00:00Z'],
    ['the window has just closed', { updateStrategy: weekly, nowMs: at('2026-11-28T03:00:00Z') }, 'opens at 2026-12-05T02:00:00Z'],
    ['it is that hour elsewhere', { updateStrategy: { type: 'Schedule', schedule: { ...weekly.schedule, timeZone: 'America/New_York' } }, nowMs: at('2026-11-28T02:30:00Z') }, 'opens at 2026-11-28T07:00:00Z'],
    ['there is no such day', { updateStrategy: { type: 'Schedule', schedule: { cron: '0 0 31 2 *', durationMinutes: 60 } } }, 'no window will ever open'],
  ],
  UpdateStrategyNever: [
    ['the spec says so', { updateStrategy: never }, 'patronictl restart'],
    ['somebody has asked all the same', { updateStrategy: never, request: 'pending' }, 'patronictl restart'],
  ],
  PatroniPaused: [
    ['Patroni is paused', { paused: true }, 'patronictl resume'],
    ['Patroni is paused, though somebody has asked', { updateStrategy: onRequest, request: 'pending', paused: true }, 'patronictl resume'],
    ['Patroni is paused, though the window is open', { updateStrategy: weekly, nowMs: at('2026-11-28T02:30:00Z'), paused: true }, 'patronictl resume'],
    ['Patroni is paused, and the spec forbids it anyway', { updateStrategy: never, paused: true }, 'patronictl resume'],
  ],
};

describe.each(Object.entries(REFUSED))('%s: restarts are held back', (reason, rows) => {
  test.each(rows)('while %s', (_, where, says) => {
    const permission = restartPermission(seen(where));
    expect(permission).toMatchObject({ allowed: false, reason });
    expect(permission.allowed ? '' : permission.message).toContain(says);
  });
});

describe('restarts are allowed', () => {
  test.each<[string, Circumstances]>([
    ['where the spec says nothing', {}],
    ['under Always, whatever is asked', { updateStrategy: { type: 'Always' }, request: 'everything' }],
    ['under OnRequest, on a request', { updateStrategy: onRequest, request: 'pending' }],
    ['under Schedule, on a request out of hours', { updateStrategy: weekly, request: 'pending' }],
    ['under Schedule, the moment the window opens', { updateStrategy: weekly, nowMs: at('2026-11-28T02:00:00Z') }],
    ['under Schedule, to the last second', { updateStrategy: weekly, nowMs: at('2026-11-28T02:59:59Z') }],
    ['under Schedule, in a window of another time zone', { updateStrategy: { type: 'Schedule', schedule: { ...weekly.schedule, timeZone: 'America/New_York' } }, nowMs: at('2026-11-28T07:30:00Z') }],
  ])('%s', (_, where) => {
    expect(restartPermission(seen(where))).toEqual({ allowed: true });
  });
});

test('what is told stays the same while it waits for the same window, so that no status is written for it', () => {
  const texts = ['2026-11-23T12:00:00Z', '2026-11-25T00:00:00Z', '2026-11-28T01:59:59Z'].map((time) => restartPermission(seen({ updateStrategy: weekly, nowMs: at(time) })));
  expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBe(1);
});
