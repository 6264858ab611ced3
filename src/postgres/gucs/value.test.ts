import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { gucNames, gucOf, POSTGRES_MAJORS, type Guc } from './catalogue.ts';
import { unitsOf } from './number.ts';
import { checkGuc, gucText, sameGucValue } from './value.ts';

const settable = POSTGRES_MAJORS.flatMap((major) => gucNames(major).map((name) => [major, gucOf(major, name)!] as const)).filter(
  ([, { context }]) => context !== 'internal',
);
const ofType = (...types: readonly Guc['type'][]) => fc.constantFrom(...settable.filter(([, { type }]) => types.includes(type)));

describe('checkGuc accepts', () => {
  // Judged alike by the servers of each major that has the setting: 215,000 pairs by ALTER SYSTEM, 31,000 in a file read at start.
  test.each<[string, unknown]>([
    ['fsync', true],
    ['fsync', 0],
    ['fsync', 'TRUE'],
    ['fsync', 'tr'],
    ['fsync', 'of'],
    ['fsync', 'y'],
    ['max_connections', 200],
    ['max_connections', '0x64'],
    ['max_connections', '0144'],
    ['max_connections', '1e2'],
    ['max_connections', ' 100 '],
    ['shared_buffers', '128MB'],
    ['shared_buffers', '0.5 GB'],
    ['shared_buffers', 16_384],
    ['work_mem', '65536B'],
    ['checkpoint_timeout', '1d'],
    ['checkpoint_completion_target', 0.9],
    ['random_page_cost', '0x1p1'],
    ['autovacuum_vacuum_cost_delay', '100us'],
    ['wal_level', 'LOGICAL'],
    ['wal_level', 'hot_standby'],
    ['wal_level', 'archive'],
    ['synchronous_commit', false],
    ['synchronous_commit', 'yes'],
    ['huge_pages', 1],
    ['client_min_messages', 'info'],
    ['log_min_messages', 'debug'],
    ['ssl_max_protocol_version', ''],
    ['ssl_min_protocol_version', 'tlsv1.3'],
    ['default_transaction_isolation', 'repeatable read'],
    ['search_path', 'app, public'],
    ['cluster_name', 5],
    ['datestyle', 'ISO, DMY'],
    ['vacuum_buffer_usage_limit', 0],
    ['transaction_buffers', '1MB'],
    ['pg_stat_statements.max', '10000'],
    ['größe.wert', 'x'],
    ['default_with_oids', 'off'],
  ])('%s: %j', (name, value) => {
    expect(checkGuc('17', name, value)).toBeUndefined();
  });

  test('whatever is said of a major that the table does not know', () => {
    expect(checkGuc('19', 'some_new_setting', 'x')).toBeUndefined();
  });
});

describe('checkGuc refuses', () => {
  test.each<[string, unknown, string, string]>([
    ['fsync', 'o', 'type', 'must be on or off: correct it'],
    ['fsync', ' on', 'type', 'must be on or off: correct it'],
    ['fsync', 2, 'type', 'must be on or off: correct it'],
    ['fsync', '', 'type', 'must be on or off: correct it'],
    ['max_connections', true, 'type', 'must be a whole number: correct it'],
    ['max_connections', '08', 'type', 'must be a whole number: correct it'],
    ['max_connections', '-.5', 'type', 'must be a whole number: correct it'],
    ['max_connections', '100s', 'unit', 'must be a whole number, without a unit: remove the unit'],
    ['max_connections', 0, 'range', 'must be between 1 and 262143: correct it'],
    ['max_connections', 1e300, 'range', 'must be between 1 and 262143: correct it'],
    ['work_mem', '', 'type', 'must be a whole number with one of the units B, kB, MB, GB, TB (none means kB): correct it'],
    [
      'work_mem',
      '16Mi',
      'unit',
      'must be a whole number with one of the units B, kB, MB, GB, TB (none means kB): write 16MB instead of 16Mi',
    ],
    [
      'work_mem',
      '16mb',
      'unit',
      'must be a whole number with one of the units B, kB, MB, GB, TB (none means kB): write 16MB instead of 16mb',
    ],
    [
      'work_mem',
      '1.5 G',
      'unit',
      'must be a whole number with one of the units B, kB, MB, GB, TB (none means kB): write 1.5GB instead of 1.5G',
    ],
    ['work_mem', '1PB', 'unit', 'must be a whole number with one of the units B, kB, MB, GB, TB (none means kB): correct it'],
    [
      'shared_buffers',
      1,
      'range',
      'must be between 128kB and 8589934584kB (about 8TB), where a number without a unit counts in 8kB: correct it',
    ],
    [
      'max_wal_size',
      '1MB',
      'range',
      'must be between 2MB and 2147483647MB (about 2048TB), where a number without a unit counts in MB: correct it',
    ],
    [
      'checkpoint_timeout',
      '5m',
      'unit',
      'must be a whole number with one of the units us, ms, s, min, h, d (none means s): write 5min instead of 5m',
    ],
    ['checkpoint_timeout', '10s', 'range', 'must be between 30s and 1d, where a number without a unit counts in s: correct it'],
    [
      'statement_timeout',
      '30d',
      'range',
      'must be between 0 and 2147483647ms (about 24.86d), where a number without a unit counts in ms: correct it',
    ],
    ['random_page_cost', -1, 'range', 'must be at least 0: correct it'],
    ['random_page_cost', 'inf', 'range', 'must be at least 0: correct it'],
    ['random_page_cost', 'nan', 'type', 'must be a number: correct it'],
    ['wal_level', 'logicl', 'enum', 'must be one of minimal, replica, logical: did you mean logical?'],
    ['wal_level', true, 'enum', 'must be one of minimal, replica, logical: choose one of them'],
    ['wal_level', ' replica', 'enum', 'must be one of minimal, replica, logical: did you mean replica?'],
    ['search_path', null, 'type', 'must be text, a number, true or false: give it a value or remove it'],
    ['search_path', ['app'], 'type', 'must be text, a number, true or false: write lists as one text, with commas'],
    ['any.thing', {}, 'type', 'must be text, a number, true or false: write lists as one text, with commas'],
    ['block_size', 8192, 'internal', 'is fixed when PostgreSQL is built or the cluster is made, and cannot be set: remove it'],
    ['notify_buffers', 24, 'range', 'must be a multiple of 16 blocks (128kB): correct it'],
    ['vacuum_buffer_usage_limit', '64kB', 'range', 'must be 0 or between 128kB and 16GB: correct it'],
    ['bonjour', 'on', 'range', 'must be off, since PostgreSQL for Linux is built without Bonjour: remove it'],
    ['default_with_oids', 'on', 'range', 'must be off, since tables have no OIDs any more: remove it'],
  ])('%s: %j as %s', (name, value, kind, message) => {
    expect(checkGuc('17', name, value)).toEqual({ kind, severity: 'error', message });
  });

  // postgresql.conf with such a line keeps every major from starting, quoted or not.
  test.each(['archive_command', 'work_mem', 'any.thing'])('a line break in %s', (name) => {
    expect(checkGuc('17', name, '1\n')).toMatchObject({
      kind: 'type',
      severity: 'error',
      message: expect.stringContaining('must be one line'),
    });
  });

  test.each(['', '1a', 'a b', 'a.b.c', 'a.', '.a', 'a$', 'a.b$c', "a'", 'a;b', 'a=b', 'a.1b'])(
    'the name %j, which breaks the syntax of the file',
    (name) => {
      expect(checkGuc('17', name, 1)).toMatchObject({ kind: 'name', severity: 'error' });
    },
  );

  test('a name with dashes, guessing the right one', () => {
    expect(checkGuc('17', 'shared-buffers', '1GB')?.message).toMatch(/^must be the name of a setting: .*: did you mean shared_buffers\?$/);
  });

  test('io_max_concurrency 0, which is within its bounds', () => {
    expect(checkGuc('18', 'io_max_concurrency', 0)?.kind).toBe('range');
  });
});

describe('checkGuc warns of a name that Patroni leaves out', () => {
  test.each([
    ['17', 'work_men', 'is no setting of PostgreSQL 17, and Patroni leaves it out: did you mean work_mem?'],
    ['17', 'nothing_like_that', 'is no setting of PostgreSQL 17, and Patroni leaves it out: correct it, or remove it'],
    ['17', 'wal_keep_segments', 'is gone since PostgreSQL 13, and Patroni leaves it out: use wal_keep_size, 16MB for each segment'],
    ['16', 'force_parallel_mode', 'is gone since PostgreSQL 16, and Patroni leaves it out: use debug_parallel_query'],
    ['18', 'SSL_ECDH_CURVE', 'is gone since PostgreSQL 18, and Patroni leaves it out: use ssl_groups'],
    ['17', 'io_method', 'exists since PostgreSQL 18, and Patroni leaves it out of 17: remove it'],
    ['15', 'debug_parallel_query', 'exists since PostgreSQL 16, and Patroni leaves it out of 15: remove it'],
  ])('%s %s', (major, name, message) => {
    expect(checkGuc(major, name, 'on')).toEqual({ kind: 'unknown', severity: 'warning', message });
  });
});

test('every default of every server is accepted for its own major', () => {
  const refused = settable.filter(
    ([major, { name, default: builtIn }]) => builtIn !== undefined && checkGuc(major, name, builtIn) !== undefined,
  );
  expect(refused).toEqual([]);
  expect(settable.filter(([, guc]) => guc.default !== undefined).length).toBeGreaterThan(1400);
});

test('every listed and unlisted word of an enum is accepted and means one listed value', () => {
  for (const [major, { name, values = [], also = new Map<string, string>() }] of settable) {
    for (const word of [...values, ...also.keys()]) {
      expect([name, word, checkGuc(major, name, word.toUpperCase())]).toEqual([name, word, undefined]);
      expect(sameGucValue(major, name, word, also.get(word) ?? word)).toBe(true);
    }
  }
});

test('both bounds of a number are accepted, one beyond is not, in the base unit as in any other', () => {
  fc.assert(
    fc.property(ofType('integer'), fc.nat(5), ([major, { name, min = 0, max = 0, unit }], index) => {
      fc.pre(!['io_max_concurrency', 'ssl_renegotiation_limit'].includes(name));
      expect(checkGuc(major, name, min)).toBeUndefined();
      expect(checkGuc(major, name, max)).toBeUndefined();
      expect(checkGuc(major, name, min - 1)?.kind).toBe('range');
      expect(checkGuc(major, name, max + 1)?.kind).toBe('range');
      const [word, size] = Object.entries(unitsOf(unit) ?? {})[index] ?? ['', 1];
      expect(checkGuc(major, name, `${Math.ceil((max + 2) / size) + 1}${word}`)?.kind).toBe('range');
    }),
  );
});

test('a message never holds the text of a value', () => {
  const secret = 'hunter2-Tr0ub4dor';
  fc.assert(
    fc.property(
      ofType('bool', 'integer', 'real', 'string', 'enum'),
      fc.constantFrom(secret, `5${secret}`, `${secret}\n`),
      ([major, { name }], value) => {
        expect(checkGuc(major, name, value)?.message ?? '').not.toContain(secret);
      },
    ),
  );
});

test('no value, however odd, makes the check throw', () => {
  fc.assert(
    fc.property(
      ofType('bool', 'integer', 'real', 'string', 'enum'),
      fc.anything(),
      ([major, { name }], value) => void checkGuc(major, name, value),
    ),
  );
  fc.assert(fc.property(fc.string(), fc.jsonValue(), (name, value) => void checkGuc('17', name, value)));
});

describe('sameGucValue', () => {
  test.each<[string, unknown, unknown]>([
    ['shared_buffers', '1GB', '1024MB'],
    ['shared_buffers', '1GB', 131_072],
    ['shared_buffers', '131072', '0x20000'],
    ['fsync', 'on', true],
    ['fsync', 1, 'YES'],
    ['checkpoint_completion_target', '0.90', 0.9],
    ['checkpoint_timeout', '5min', 300],
    ['autovacuum_vacuum_cost_delay', '2000us', 2],
    ['wal_level', 'hot_standby', 'Replica'],
    ['synchronous_commit', true, 'on'],
    ['wal_compression', true, 'pglz'],
    ['cluster_name', 5, '5'],
    ['pg_stat_statements.track', 'all', 'all'],
    ['random_page_cost', '-0', 0],
  ])('%s: %j is %j', (name, a, b) => {
    expect(sameGucValue('17', name, a, b)).toBe(true);
    expect(sameGucValue('17', name, b, a)).toBe(true);
  });

  test.each<[string, unknown, unknown]>([
    ['shared_buffers', '1GB', '1000MB'],
    ['shared_buffers', '1Gi', '1GB'],
    ['fsync', 'on', 'off'],
    ['synchronous_commit', 'on', 'local'],
    ['cluster_name', 'a', 'A'],
    ['pg_stat_statements.max', '1000', '1e3'],
    ['block_size', '8192', '8kB'],
    ['fsync', null, undefined],
  ])('%s: %j is not %j', (name, a, b) => {
    expect(sameGucValue('17', name, a, b)).toBe(false);
  });

  test('holds between an amount in any unit and the same amount in the base unit', () => {
    fc.assert(
      fc.property(ofType('integer'), fc.nat(5), fc.nat(1000), ([major, { name, unit }], index, count) => {
        const [word, size] = Object.entries(unitsOf(unit) ?? {})[index] ?? ['', 1];
        fc.pre(Number.isInteger(count * size) && count * size < 2 ** 31);
        expect(sameGucValue(major, name, `${count} ${word}`, count * size)).toBe(true);
        expect(sameGucValue(major, name, `${count}${word}`, count * size + 1)).toBe(false);
      }),
    );
  });
});

test.each<[unknown, string]>([
  [true, 'on'],
  [false, 'off'],
  [16_384, '16384'],
  [0.9, '0.9'],
  ['1GB', '1GB'],
  ['', ''],
  [null, 'null'],
  [['a'], '["a"]'],
  [undefined, ''],
])('the text of %j is %j', (value, text) => {
  expect(gucText(value)).toBe(text);
});
