import { describe, expect, test } from '@jest/globals';

import { gucNames, gucOf, majorsOf, POSTGRES_MAJORS } from './catalogue.ts';
import { removedGuc } from './removed.ts';

describe('gucOf', () => {
  test('finds a setting whatever its case, and spells it as PostgreSQL does', () => {
    expect(gucOf('17', 'datestyle')?.name).toBe('DateStyle');
    expect(gucOf('17', 'WORK_MEM')?.name).toBe('work_mem');
  });

  test('tells type, unit, context, bounds and default of each kind', () => {
    expect(gucOf('17', 'shared_buffers')).toEqual({
      ...{ name: 'shared_buffers', type: 'integer', unit: '8kB', context: 'postmaster', min: 16, max: 1_073_741_823, default: '16384' },
    });
    expect(gucOf('17', 'random_page_cost')).toEqual({ name: 'random_page_cost', type: 'real', context: 'user', min: 0, default: '4' });
    expect(gucOf('17', 'fsync')).toEqual({ name: 'fsync', type: 'bool', context: 'sighup', default: 'on' });
    expect(gucOf('17', 'archive_command')).toEqual({ name: 'archive_command', type: 'string', context: 'sighup' });
    expect(gucOf('17', 'wal_level')).toEqual({
      ...{ name: 'wal_level', type: 'enum', context: 'postmaster', values: ['minimal', 'replica', 'logical'], default: 'replica' },
      also: new Map([
        ['archive', 'replica'],
        ['hot_standby', 'replica'],
      ]),
    });
  });

  test('keeps majors apart', () => {
    expect(gucOf('14', 'wal_compression')?.type).toBe('bool');
    expect(gucOf('15', 'wal_compression')?.type).toBe('enum');
    expect(gucOf('17', 'autovacuum_max_workers')?.context).toBe('postmaster');
    expect(gucOf('18', 'autovacuum_max_workers')?.context).toBe('sighup');
    expect(gucOf('17', 'io_method')).toBeUndefined();
    expect(gucOf('18', 'force_parallel_mode')).toBeUndefined();
  });

  test.each([
    ['15', 'wal_compression', 'lz4'],
    ['15', 'wal_compression', 'zstd'],
    ['14', 'default_toast_compression', 'lz4'],
    ['18', 'io_method', 'io_uring'],
  ])('of %s knows that %s takes %s in the builds of Debian and PGDG', (major, name, value) => {
    expect(gucOf(major, name)?.values).toContain(value);
  });

  test('knows what pg_settings hides, and the patch of Debian', () => {
    expect(gucOf('18', 'is_superuser')?.context).toBe('internal');
    expect(gucOf('18', 'role')?.type).toBe('string');
    expect(majorsOf('extension_destdir')).toEqual(['14', '15', '16', '17']);
  });

  test.each(['', ';', '\n', 'work_mem;', 'fsync;;14', ' fsync', 'constructor', '__proto__'])('has no setting called %j', (name) => {
    expect(gucOf('17', name)).toBeUndefined();
    expect(majorsOf(name)).toEqual([]);
  });

  test.each(['13', '19', '', '014', '17.2'])('knows nothing of a major %j', (major) => {
    expect(gucOf(major, 'work_mem')).toBeUndefined();
    expect(gucNames(major)).toEqual([]);
  });
});

describe.each(POSTGRES_MAJORS)('the table of %s', (major) => {
  const all = gucNames(major).map((name) => gucOf(major, name)!);

  test('finds each of its settings by name', () => {
    expect(all.map(({ name }) => name)).toEqual(gucNames(major));
    expect(new Set(gucNames(major)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(350);
  });

  test('holds only types, contexts and units that the code knows, and bounds in order', () => {
    for (const { type, context, unit, min, max, values } of all) {
      expect(['bool', 'integer', 'real', 'string', 'enum']).toContain(type);
      expect(['internal', 'postmaster', 'sighup', 'superuser-backend', 'backend', 'superuser', 'user']).toContain(context);
      expect(['B', 'kB', '8kB', 'MB', 'ms', 's', 'min', undefined]).toContain(unit);
      expect((min ?? 0) <= (max ?? Infinity)).toBe(true);
      expect(type === 'enum').toBe(values !== undefined);
    }
  });

  test('maps every unlisted word to a listed one, except where info is its own level', () => {
    const stray = all.flatMap(({ values = [], also }) =>
      [...(also ?? [])].filter(([word, meaning]) => !values.includes(meaning) && word !== 'info'),
    );
    expect(stray).toEqual([]);
  });
});

describe('majorsOf', () => {
  test.each([
    ['work_mem', ['14', '15', '16', '17', '18']],
    ['Force_Parallel_Mode', ['14', '15']],
    ['io_method', ['18']],
    ['stats_temp_directory', ['14']],
    ['nothing_of_this_name', []],
  ])('of %s is %j', (name, majors) => {
    expect(majorsOf(name)).toEqual(majors);
  });
});

test('every setting that went between 14 and 18 has its remedy, from the right major on', () => {
  const gone = POSTGRES_MAJORS.flatMap((major) => gucNames(major)).filter((name) => !majorsOf(name).includes('18'));
  expect(gone).toContain('db_user_namespace');
  for (const name of gone) expect([name, removedGuc(name)?.since]).toEqual([name, String(Number(majorsOf(name).at(-1)) + 1)]);
});

test.each(['wal_keep_segments', 'checkpoint_segments', 'Sort_Mem'])('%s, older than the table, has a remedy too', (name) => {
  expect(majorsOf(name)).toEqual([]);
  expect(removedGuc(name)?.remedy).toMatch(/^use /);
});

test.each(['work_mem', 'constructor', ''])('%j never went', (name) => {
  expect(removedGuc(name)).toBeUndefined();
});
