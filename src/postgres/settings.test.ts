import { afterEach, describe, expect, test } from '@jest/globals';

import { type PostgresDouble, type SqlAnswer, startPostgresDouble } from '../../test/support/postgres-double.ts';
import { Secret } from '../lib/secret.ts';

import { type PostgresTarget, readSettings } from './client.ts';
import { contradicts, isStillInForce, settingsOf, settingsQuery } from './settings.ts';

/** test/contract/patroni/settings.test.ts asks a real PostgreSQL. */

describe('settingsQuery', () => {
  test('asks for names in lower case, as one value, so that no name is ever part of the statement', () => {
    const { text, values } = settingsQuery(['work_mem', 'DateStyle', "x'; DROP TABLE t; --"]);
    expect(values).toEqual(["work_mem,datestyle,x'; drop table t; --"]);
    expect(text).not.toContain('DROP');
  });

  test('names everything that it uses with its schema, since the search path is empty', () => {
    const { text } = settingsQuery(['work_mem']);
    expect(text.match(/(?<!pg_catalog\.)\b(lower|current_setting|string_to_array|pg_settings)\b/g)).toBeNull();
    expect(text.replaceAll(/OPERATOR\(pg_catalog\.[^)]+\)/g, '')).not.toMatch(/ (=|~~|LIKE) /);
  });
});

describe('settingsOf', () => {
  test.each([
    ['a setting of Patroni’s file', { name: 'work_mem', value: '8MB', source: 'configuration file', from_auto: false, from_patroni: true }, { value: '8MB', source: 'configuration file', isFromAlterSystem: false, isFromPatroni: true }],
    ['one that ALTER SYSTEM set', { name: 'work_mem', value: '9MB', source: 'configuration file', from_auto: true, from_patroni: false }, { value: '9MB', source: 'configuration file', isFromAlterSystem: true, isFromPatroni: false }],
    ['one from the command line', { name: 'work_mem', value: '1', source: 'command line', from_auto: false, from_patroni: false }, { value: '1', source: 'command line', isFromAlterSystem: false, isFromPatroni: false }],
    ['one without a value', { name: 'work_mem', value: null, source: 'default', from_auto: false, from_patroni: false }, { value: '', source: 'default', isFromAlterSystem: false, isFromPatroni: false }],
  ])('reads %s', (_, row, expected) => {
    expect(settingsOf([row])).toEqual({ work_mem: expected });
  });

  test.each(['client', 'session', 'user', 'database', 'database user', 'global', 'interactive'])('leaves out what comes from %s, which is about the connection that asks', (source) => {
    expect(settingsOf([{ name: 'search_path', value: '', source, from_auto: false, from_patroni: false }])).toEqual({});
  });

  test('gives nothing for no rows', () => {
    expect(settingsOf([])).toEqual({});
  });
});

describe('a running value', () => {
  const running = (value: string, source = 'configuration file') => ({ value, source, isFromAlterSystem: false, isFromPatroni: source === 'configuration file' });

  test.each<[string, string, string, unknown]>([
    ['another number', 'work_mem', '4MB', '8MB'],
    ['another word', 'lc_messages', 'C', 'en_US.utf8'],
    ['the other truth', 'log_lock_waits', 'on', false],
  ])('contradicts: %s', (_, name, value, wanted) => {
    expect(contradicts('17', name, running(value), wanted)).toBe(true);
  });

  // As PostgreSQL 17.12 shows them.
  test.each<[string, string, string, string, unknown]>([
    ['the same in another unit', 'work_mem', '8MB', 'configuration file', '8192kB'],
    ['an archive_command that is not shown while archiving is off', 'archive_command', '(disabled)', 'configuration file', 'cp %p /archive/%f'],
    ['a time zone in its own spelling', 'timezone', 'UTC', 'configuration file', 'utc'],
    ['a time zone of the log', 'log_timezone', 'Europe/Berlin', 'configuration file', 'europe/berlin'],
    ['a date style that was completed', 'datestyle', 'ISO, DMY', 'configuration file', 'dmy'],
    ['an encoding', 'client_encoding', 'UTF8', 'configuration file', 'utf8'],
    ['what the socket has', 'tcp_keepalives_idle', '7200', 'configuration file', 0],
    ['what PostgreSQL has worked out', 'wal_buffers', '3120kB', 'override', -1],
    ['a setting of an extension', 'auto_explain.log_min_duration', '5s', 'configuration file', '5000ms'],
  ])('does not contradict: %s', (_, name, value, source, wanted) => {
    expect(contradicts('17', name, running(value, source), wanted)).toBe(false);
  });
});

describe('a setting that is to be there no more', () => {
  test.each<[string, string, { value: string; isFromPatroni: boolean }, boolean]>([
    ['is in force while its value comes from Patroni’s file', 'max_files_per_process', { value: '2000', isFromPatroni: true }, true],
    ['is gone once it does not', 'max_files_per_process', { value: '1000', isFromPatroni: false }, false],
    ['is gone where ALTER SYSTEM or initdb’s own file sets it', 'max_wal_size', { value: '2GB', isFromPatroni: false }, false],
    ['is as good as gone where it is the built-in value', 'max_files_per_process', { value: '1000', isFromPatroni: true }, false],
    ['is in force where it has no built-in value', 'auto_explain.log_min_duration', { value: '5s', isFromPatroni: true }, true],
  ])('%s', (_, name, { value, isFromPatroni }, expected) => {
    expect(isStillInForce('17', name, { value, isFromPatroni, source: 'configuration file', isFromAlterSystem: false })).toBe(expected);
  });
});

describe('readSettings', () => {
  let double: PostgresDouble | undefined;
  afterEach(async () => double?.stop());

  async function serve(answer: (statement: string, values: readonly string[]) => SqlAnswer | undefined): Promise<PostgresTarget> {
    double = await startPostgresDouble({ password: 'super-secret', answer });
    return { member: 'pg-1', host: '127.0.0.1', port: double.port, serverName: 'pg-1', user: 'postgres', password: new Secret('super-secret') };
  }

  test('asks once, and not whether the member is a primary: replicas are asked as well', async () => {
    const target = await serve(() => [{ name: 'work_mem', value: '8MB', source: 'configuration file', from_auto: false, from_patroni: true }]);
    await expect(readSettings(target, ['work_mem', 'gone'])).resolves.toEqual({ work_mem: { value: '8MB', source: 'configuration file', isFromAlterSystem: false, isFromPatroni: true } });
    expect(double?.statements).toHaveLength(1);
    expect(double?.statements[0]).toContain('| work_mem,gone');
    expect(double?.startup()).toMatchObject({ options: '-c search_path=' });
  });

  test.each<[string, SqlAnswer | undefined, string]>([
    ['a server that shuts down', { sqlState: '57P01', message: 'terminating connection' }, 'ERR_POSTGRES_UNREACHABLE'],
    ['a server that is slow', { sqlState: '57014', message: 'canceling statement' }, 'ERR_POSTGRES_TIMEOUT'],
    ['a server that says nothing', undefined, 'ERR_POSTGRES_TIMEOUT'],
    ['a refusal', { sqlState: '42501', message: 'permission denied' }, 'ERR_POSTGRES_SQL'],
  ])('tells of %s', async (_, answer, code) => {
    const target = await serve(() => answer);
    await expect(readSettings(target, ['work_mem'], { statementMs: 50 })).rejects.toMatchObject({ code, facts: { member: 'pg-1', step: 'read its settings' } });
  });
});
