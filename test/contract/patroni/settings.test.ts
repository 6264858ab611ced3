/** Real PostgreSQL only (PATRONI_CONTRACT is `real`); src/postgres/settings.test.ts judges the same against a double of the wire protocol. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Secret } from '../../../src/lib/secret.ts';
import type { PatroniClient } from '../../../src/patroni/client.ts';
import { type PostgresTarget, readSettings } from '../../../src/postgres/client.ts';
import type { RunningSettings } from '../../../src/postgres/settings.ts';
import { type RealMember, realPatroniUnavailable } from '../../support/real-patroni.ts';
import { eventually, query, type RealPair, startRealPair } from './real-pair.ts';

jest.setTimeout(120_000);

const suite = (): void => {
  let pair: RealPair;
  let leader: RealMember;
  let replica: RealMember;

  beforeAll(async () => {
    pair = await startRealPair({ dynamicConfig: { postgresql: { parameters: { max_connections: 30, work_mem: '8192kB', DateStyle: 'iso, dmy' } } } });
    ({ leader, replica } = pair);
  });
  afterAll(() => pair.stop());

  const clientOf = (m: RealMember): PatroniClient => pair.clientOf(m);
  const targetOf = (m: RealMember): PostgresTarget => pair.targetOf(m);
  const read = (m: RealMember, ...names: readonly string[]): Promise<RunningSettings> => readSettings(targetOf(m), names);
  const onMember = (m: RealMember, ...statements: readonly string[]): Promise<unknown> =>
    query(pair.real, m, { user: 'postgres', password: pair.real.superuser.password.reveal(), database: 'postgres' }, ...statements);
  const both = (): readonly (readonly [string, RealMember])[] => [
    ['leader', leader],
    ['replica', replica],
  ];

  test('a leader and a replica tell what they run with, as PostgreSQL writes it, and where it comes from', async () => {
    for (const [, m] of both()) {
      expect(await read(m, 'work_mem', 'MAX_CONNECTIONS', 'datestyle', 'geqo')).toEqual({
        work_mem: { value: '8MB', source: 'configuration file', isFromAlterSystem: false, isFromPatroni: true },
        // Patroni passes those that a standby must have as high as its leader on the command line.
        max_connections: { value: '30', source: 'command line', isFromAlterSystem: false, isFromPatroni: false },
        datestyle: { value: 'ISO, DMY', source: 'configuration file', isFromAlterSystem: false, isFromPatroni: true },
        geqo: { value: 'on', source: 'default', isFromAlterSystem: false, isFromPatroni: false },
      });
    }
  });

  test('settings that PostgreSQL does not know are left out, and a name is never a statement', async () => {
    for (const [, m] of both()) expect(await read(m, 'no_such_setting', 'pg_stat_statements.max', `x'); DROP ROLE replicator; --`)).toEqual({});
    expect(await read(leader)).toEqual({});
  });

  test('ALTER SYSTEM is told from Patroni’s files, on the member where it was given only', async () => {
    await onMember(replica, "ALTER SYSTEM SET work_mem = '9MB'", 'SELECT pg_reload_conf()');
    await eventually('in force', async () => (await read(replica, 'work_mem'))['work_mem']?.value === '9MB');
    expect(await read(replica, 'work_mem')).toEqual({ work_mem: { value: '9MB', source: 'configuration file', isFromAlterSystem: true, isFromPatroni: false } });
    expect(await read(leader, 'work_mem')).toMatchObject({ work_mem: { value: '8MB', isFromAlterSystem: false } });
    await onMember(replica, 'ALTER SYSTEM RESET work_mem', 'SELECT pg_reload_conf()');
    await eventually('gone', async () => (await read(replica, 'work_mem'))['work_mem']?.isFromAlterSystem === false);
  });

  test('a setting that waits for a restart shows what runs, not what is wanted', async () => {
    await clientOf(leader).patchConfig({ postgresql: { parameters: { max_connections: 40 } } });
    await eventually('pending', async () => (await clientOf(leader).getCluster()).members.every((m) => m.pendingRestart));
    for (const [, m] of both()) expect(await read(m, 'max_connections')).toMatchObject({ max_connections: { value: '30' } });
    const view = await clientOf(leader).getCluster();
    for (const m of view.members) expect(m.pendingSettings).toEqual([{ name: 'max_connections', oldValue: '30', newValue: '40' }]);
  });

  test('a replica keeps what its leader has of a setting that shrinks, and still waits, until the leader has restarted', async () => {
    for (const m of [replica, leader]) await clientOf(m).restart({ pendingOnly: true });
    await eventually('grown', async () => (await read(replica, 'max_connections'))['max_connections']?.value === '40' && (await clientOf(leader).getCluster()).members.every((m) => !m.pendingRestart));
    await clientOf(leader).patchConfig({ postgresql: { parameters: { max_connections: 30 } } });
    await eventually('pending', async () => (await clientOf(leader).getCluster()).members.every((m) => m.pendingRestart));
    await clientOf(replica).restart({ pendingOnly: true });
    await eventually('streaming again', async () => (await clientOf(leader).getCluster()).members.some((m) => m.state === 'streaming'));
    expect(await read(replica, 'max_connections')).toMatchObject({ max_connections: { value: '40' } });
    expect((await clientOf(replica).getMember()).pendingRestart).toBe(true);
    // Its key still says `streaming` for a while after the leader has restarted. A replica that restarts before it streams again has not replayed the smaller value, and keeps the old one once more.
    await clientOf(leader).restart({ pendingOnly: true });
    await eventually('streaming by its own word', async () => (await clientOf(replica).getMember()).replicationState === 'streaming');
    await clientOf(replica).restart({ pendingOnly: true });
    for (const [, m] of both()) expect(await read(m, 'max_connections')).toMatchObject({ max_connections: { value: '30' } });
  });

  test('a setting that is taken away comes from Patroni’s file until it is gone: at once, or with the restart that it needs', async () => {
    const change = (value: unknown) => clientOf(leader).patchConfig({ postgresql: { parameters: { max_files_per_process: value, vacuum_cost_limit: value, log_min_duration_statement: value } } });
    const isFromPatroni = async (m: RealMember) => {
      const found = await read(m, 'max_files_per_process', 'vacuum_cost_limit', 'log_min_duration_statement');
      return ['max_files_per_process', 'vacuum_cost_limit', 'log_min_duration_statement'].map((name) => found[name]?.isFromPatroni);
    };
    await change(2000);
    await eventually('pending', async () => (await clientOf(leader).getCluster()).members.every((m) => m.pendingRestart));
    for (const [, m] of both()) await clientOf(m).restart({ pendingOnly: true });
    for (const [, m] of both()) await eventually('in force', async () => (await isFromPatroni(m)).every((is) => is === true));

    await change(null);
    for (const [, m] of both()) await eventually('gone where no restart is needed', async () => (await isFromPatroni(m)).slice(1).every((is) => is === false));
    await eventually('pending', async () => (await clientOf(leader).getCluster()).members.every((m) => m.pendingRestart));
    for (const [, m] of both()) expect(await read(m, 'max_files_per_process')).toMatchObject({ max_files_per_process: { value: '2000', isFromPatroni: true } });
    for (const [, m] of both()) await clientOf(m).restart({ pendingOnly: true });
    for (const [, m] of both()) await eventually('gone', async () => (await isFromPatroni(m))[0] === false);
  });

  test('a wrong password and a certificate for another name are told as such', async () => {
    await expect(readSettings({ ...targetOf(replica), password: new Secret('guess') }, ['work_mem'])).rejects.toMatchObject({ code: 'ERR_POSTGRES_AUTHENTICATION' });
    await expect(readSettings({ ...targetOf(replica), serverName: leader.serverName }, ['work_mem'])).rejects.toMatchObject({ code: 'ERR_POSTGRES_TLS' });
  });
};

const reason = process.env['PATRONI_CONTRACT'] === 'real' ? realPatroniUnavailable() : 'PATRONI_CONTRACT is not `real`';
if (reason === undefined) describe('settings of members (real PostgreSQL)', suite);
else test.skip(`settings of members (real PostgreSQL): ${reason}`, () => undefined);
