import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { computedParameters } from './computed-parameters.ts';

function parameters(memory: string, size: string) {
  return computedParameters(cluster({ postgres: { storage: { size }, resources: { limits: { memory } } } }));
}

function mb(value: string | number | undefined): number {
  expect(value).toMatch(/^[0-9]+MB$/);
  return Number.parseInt(String(value), 10);
}

describe('computedParameters', () => {
  test.each([
    ['512Mi', '10Gi', { shared_buffers: '128MB', effective_cache_size: '256MB', max_slot_wal_keep_size: '5120MB', max_wal_size: '1280MB' }],
    [
      '64Gi',
      '500Gi',
      { shared_buffers: '16384MB', effective_cache_size: '32768MB', max_slot_wal_keep_size: '256000MB', max_wal_size: '4096MB' },
    ],
    ['256Mi', '256Mi', { shared_buffers: '64MB', max_slot_wal_keep_size: '128MB', max_wal_size: '128MB', min_wal_size: '80MB' }],
  ])('%s of memory and %s of storage', (memory, size, expected) => {
    expect(parameters(memory, size)).toMatchObject(expected);
  });

  test('keeps within the memory and the volume, in whole megabytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 256, max: 512 * 1024 }), fc.integer({ min: 256, max: 8 * 1024 * 1024 }), (memoryMb, storageMb) => {
        const p = parameters(`${memoryMb}Mi`, `${storageMb}Mi`);
        expect(mb(p['shared_buffers'])).toBeLessThanOrEqual(memoryMb / 4);
        expect(mb(p['max_slot_wal_keep_size'])).toBeLessThanOrEqual(storageMb / 2);
        expect(mb(p['max_wal_size'])).toBeGreaterThanOrEqual(mb(p['min_wal_size']));
        expect(mb(p['max_wal_size'])).toBeLessThanOrEqual(storageMb / 2);
        // Patroni 4.1: wal_keep_size below 16 MB falls back to its default.
        expect(mb(p['wal_keep_size'])).toBeGreaterThanOrEqual(16);
      }),
      { numRuns: 50 },
    );
  });

  test('has room for the greatest cluster the schema allows, so that scaling needs no restart', () => {
    expect(parameters('1Gi', '10Gi')['max_wal_senders']).toBeGreaterThanOrEqual(16 + 2);
    expect(parameters('1Gi', '10Gi')['max_replication_slots']).toBeGreaterThanOrEqual(16);
  });
});
