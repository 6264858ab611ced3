/** Real PostgreSQL only (PATRONI_CONTRACT is `real`); src/postgres/client.test.ts runs the same statements against a double of the wire protocol. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { Secret } from '../../../src/lib/secret.ts';
import { createPatroniClients, type PatroniClients } from '../../../src/patroni/client.ts';
import { leaderOf } from '../../../src/patroni/members.ts';
import { ensureApplicationDatabase, type PostgresTarget } from '../../../src/postgres/client.ts';
import { type RealMember, type RealPatroni, realPatroniUnavailable, startRealPatroni } from '../../support/real-patroni.ts';

jest.setTimeout(120_000);

const app = { database: 'my "app"', owner: "app-owner's", ownerPassword: new Secret(`p'w"\\x`) };

const suite = (): void => {
  let real: RealPatroni;
  let clients: PatroniClients;
  let leader: RealMember;
  let replica: RealMember;

  beforeAll(async () => {
    real = await startRealPatroni({ members: 2 });
    clients = createPatroniClients();
    const credentials = { tls: { ca: real.ca, cert: real.clientCert, key: real.clientKey }, basic: real.rest };
    const [first] = real.members;
    const client = clients
      .forCluster('real', credentials)
      .member({ member: first!.name, host: '127.0.0.1', port: first!.restPort, serverName: first!.serverName });
    for (let tries = 0; tries < 300; tries++) {
      const view = await client.getCluster().catch(() => undefined);
      const name = view === undefined ? undefined : leaderOf(view)?.name;
      if (view?.members.some((m) => m.state === 'streaming') === true && name !== undefined) {
        leader = real.members.find((m) => m.name === name)!;
        replica = real.members.find((m) => m.name !== name)!;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  afterAll(async () => {
    clients.close();
    await real.stop();
  });

  const targetOf = (m: RealMember): PostgresTarget => ({
    member: m.name,
    host: '127.0.0.1',
    port: m.postgresPort,
    serverName: m.serverName,
    ca: real.ca,
    user: real.superuser.username,
    password: real.superuser.password,
  });
  const query = async (user: string, password: string, database: string, text: string): Promise<unknown[]> => {
    const ssl = { ca: real.ca };
    const client = new Client({ host: '127.0.0.1', port: leader.postgresPort, user, password, database, ssl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const asSuperuser = (text: string) => query('postgres', real.superuser.password.reveal(), 'postgres', text);
  const asOwner = (text: string) => query(app.owner, app.ownerPassword.reveal(), app.database, text);

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
