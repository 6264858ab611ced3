import { describe, expect, test } from '@jest/globals';

import { longestGapMs, missingRows, parseWriterLog } from './gaps.ts';

const LOG = [
  'ack held 1 100.000',
  'ack reconnecting 1 100.100',
  'ack held 2 100.200',
  'err held 3 101.200 timeout',
  'err reconnecting 2 101.300 connection refused by server',
  'ack held 4 103.500',
  'ack reconnecting 3 104.000',
  'ack held 5 104.1',
].join('\n');

describe('parseWriterLog', () => {
  test('reads acknowledgements and failures, and leaves a line out that is not complete', () => {
    const log = parseWriterLog(LOG);
    expect(log.acknowledged.map((row) => `${row.client}/${row.id}`)).toEqual(['held/1', 'reconnecting/1', 'held/2', 'held/4', 'reconnecting/3']);
    expect(log.failures.map((failure) => failure.reason)).toEqual(['timeout', 'connection refused by server']);
  });
});

describe('longestGapMs', () => {
  const log = parseWriterLog(`${LOG}\n`);

  test('is the longest time between two rows of that client that touches the window', () => {
    expect(longestGapMs(log, 'held', { fromMs: 100_200, toMs: 103_600 })).toBeCloseTo(3_300);
    expect(longestGapMs(log, 'reconnecting', { fromMs: 100_200, toMs: 103_600 })).toBeCloseTo(3_900);
  });

  test('counts the whole gap although the window begins or ends inside of it', () => {
    expect(longestGapMs(log, 'held', { fromMs: 101_000, toMs: 102_000 })).toBeCloseTo(3_300);
  });

  test('reaches to the end of the window when no row follows', () => {
    expect(longestGapMs(log, 'reconnecting', { fromMs: 103_900, toMs: 164_000 })).toBeCloseTo(60_000);
  });

  test('is the whole window for a client that never wrote', () => {
    expect(longestGapMs({ acknowledged: [], failures: [] }, 'held', { fromMs: 1_000, toMs: 9_000 })).toBe(8_000);
  });

  test('ignores rows outside of the window', () => {
    expect(longestGapMs(log, 'held', { fromMs: 103_500, toMs: 104_000 })).toBeCloseTo(600);
  });
});

describe('missingRows', () => {
  test('names what was acknowledged and is not in the table, and does not mind rows nobody was told of', () => {
    const log = parseWriterLog(`${LOG}\n`);
    expect(missingRows(log, new Set(['held/1', 'held/2', 'held/3', 'held/4', 'reconnecting/1']))).toEqual(['reconnecting/3', 'held/5']);
  });
});
