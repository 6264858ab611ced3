/** Real PostgreSQL only (PATRONI_CONTRACT is `real`); src/postgres/client.test.ts runs the same statements against a double of the wire protocol. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Secret } from '../../../src/lib/secret.ts';
import { ensureApplicationDatabase, type PostgresTarget } from '../../../src/postgres/client.ts';
import { type RealMember, realPatroniUnavailable } from '../../support/real-patroni.ts';
import { query, type RealPair, startRealPair } from './real-pair.ts';

jest.setTimeout(120_000);

const app = { database: 'my "app"', owner: "app-owner's", ownerPassword: new Secret(`p'w"\\x`) };

const suite = (): void => {
  let pair: RealPair;
  let leader: RealMember;
  let replica: RealMember;

  beforeAll(async () => {
    pair = await startRealPair();
    ({ leader, replica } = pair);
  });
  afterAll(() => pair.stop());

  const targetOf = (m: RealMember): PostgresTarget => pair.targetOf(m);
  const asSuperuser = (text: string) => query(pair.real, leader, { user: 'postgres', password: pair.real.superuser.password.reveal(), database: 'postgres' }, text);
  const asOwner = (text: string) => query(pair.real, leader, { user: app.owner, password: app.ownerPassword.reveal(), database: app.database }, text);

  test('creates a database that its owner can log in to and create tables in, once', async () => {
    await expect(ensureApplicationDatabase(targetOf(leader), app)).resolves.toBe('created');
    await asOwner('CREATE TABLE t (id int)');
    await expect(ensureApplicationDatabase(targetOf(leader), app)).resolves.toBe('present');
  });

  test('repairs a password that was changed and a login that was taken away', async () => {
    await asSuperuser(`ALTER ROLE "app-owner's" NOLOGIN PASSWORD 'other'`);
    await expect(ensureApplicationDatabase(targetOf(leader), app)).resolves.toBe('created');
    await expect(asOwner('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });

  test('leaves the superuser alone', async () => {
    const wrong = { database: 'x', owner: 'postgres', ownerPassword: new Secret('new') };
    await expect(ensureApplicationDatabase(targetOf(leader), wrong)).rejects.toMatchObject({ code: 'ERR_POSTGRES_ROLE_RESERVED' });
    await expect(asSuperuser('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });

  test('refuses a replica, a wrong password and a certificate for another name', async () => {
    const code = (value: string) => ({ code: value }) as const;
    await expect(ensureApplicationDatabase(targetOf(replica), app)).rejects.toMatchObject(code('ERR_POSTGRES_NOT_PRIMARY'));
    const guess = { ...targetOf(leader), password: new Secret('guess') };
    await expect(ensureApplicationDatabase(guess, app)).rejects.toMatchObject(code('ERR_POSTGRES_AUTHENTICATION'));
    const other = { ...targetOf(leader), serverName: replica.serverName };
    await expect(ensureApplicationDatabase(other, app)).rejects.toMatchObject(code('ERR_POSTGRES_TLS'));
  });
};

const reason = process.env['PATRONI_CONTRACT'] === 'real' ? realPatroniUnavailable() : 'PATRONI_CONTRACT is not `real`';
if (reason === undefined) describe('the application database (real PostgreSQL)', suite);
else test.skip(`the application database (real PostgreSQL): ${reason}`, () => undefined);
