import { afterEach, describe, expect, test } from '@jest/globals';
import { type PostgresDouble, type SqlAnswer, startPostgresDouble } from '../../test/support/postgres-double.ts';
import { Secret } from '../lib/secret.ts';
import { ensureApplicationDatabase, type PostgresTarget } from './client.ts';
import { isVerifierOf, scramVerifier } from './scram.ts';

/** Against a server double; test/contract/patroni runs the same against PostgreSQL. */
const PASSWORD = 'owner-secret';
const app = { database: 'app', owner: 'app_owner', ownerPassword: new Secret(PASSWORD) };
const plainRole = { rolcanlogin: true, rolsuper: false, rolreplication: false, rolpassword: scramVerifier(PASSWORD, Buffer.from('salt')) };

interface Catalog {
  readonly role?: Readonly<Record<string, string | boolean | null>>;
  readonly hasDatabase?: boolean;
  readonly inRecovery?: boolean;
  readonly readOnly?: boolean;
  readonly refuse?: { readonly statement: RegExp; readonly sqlState: string; readonly message: string };
  readonly silentOn?: RegExp;
}

let double: PostgresDouble | undefined;
afterEach(async () => double?.stop());

async function serve(catalog: Catalog): Promise<PostgresTarget> {
  const answer = (statement: string): SqlAnswer | undefined => {
    if (catalog.silentOn?.test(statement) === true) return undefined;
    if (catalog.refuse?.statement.test(statement) === true) return catalog.refuse;
    if (statement.includes('pg_is_in_recovery'))
      return [{ in_recovery: catalog.inRecovery ?? false, read_only: catalog.readOnly ?? false }];
    if (statement.includes('pg_authid')) return catalog.role === undefined ? [] : [catalog.role];
    if (statement.includes('pg_database')) return catalog.hasDatabase === true ? [{ present: '1' }] : [];
    return [];
  };
  double = await startPostgresDouble({ password: 'super-secret', answer });
  return {
    member: 'pg-0',
    host: '127.0.0.1',
    port: double.port,
    serverName: 'pg-0',
    user: 'postgres',
    password: new Secret('super-secret'),
  };
}

const changes = (): readonly string[] => double!.statements.filter((s) => /^(CREATE|ALTER|DROP)/.test(s));

describe('ensureApplicationDatabase', () => {
  test('creates role and database, and sends a verifier of the password, never the password', async () => {
    await expect(ensureApplicationDatabase(await serve({}), app)).resolves.toBe('created');
    const [role, database, ...others] = changes();
    expect(others).toEqual([]);
    const verifier = /^CREATE ROLE "app_owner" LOGIN PASSWORD '(SCRAM-SHA-256[^']+)'$/.exec(role!)?.[1];
    expect(isVerifierOf(verifier!, PASSWORD)).toBe(true);
    expect(database).toBe('CREATE DATABASE "app" OWNER "app_owner"');
    expect(double!.statements.join()).not.toContain(PASSWORD);
  });

  test('changes nothing when all is there', async () => {
    await expect(ensureApplicationDatabase(await serve({ role: plainRole, hasDatabase: true }), app)).resolves.toBe('present');
    expect(changes()).toEqual([]);
  });

  test.each<[string, Catalog, RegExp]>([
    ['the database of a role that exists', { role: plainRole }, /^CREATE DATABASE "app" OWNER "app_owner"$/],
    [
      'a role with another password',
      { role: { ...plainRole, rolpassword: 'md5abc' }, hasDatabase: true },
      /^ALTER ROLE "app_owner" LOGIN PASSWORD 'SCRAM/,
    ],
    [
      'a role without password',
      { role: { ...plainRole, rolpassword: null }, hasDatabase: true },
      /^ALTER ROLE "app_owner" LOGIN PASSWORD 'SCRAM/,
    ],
    [
      'a role that cannot log in',
      { role: { ...plainRole, rolcanlogin: false }, hasDatabase: true },
      /^ALTER ROLE "app_owner" LOGIN PASSWORD 'SCRAM/,
    ],
  ])('repairs %s', async (_, catalog, statement) => {
    await expect(ensureApplicationDatabase(await serve(catalog), app)).resolves.toBe('created');
    expect(changes()).toEqual([expect.stringMatching(statement)]);
  });

  test.each(['rolsuper', 'rolreplication'])('leaves a role with %s alone', async (right) => {
    const target = await serve({ role: { ...plainRole, rolpassword: null, [right]: true } });
    await expect(ensureApplicationDatabase(target, app)).rejects.toMatchObject({ code: 'ERR_POSTGRES_ROLE_RESERVED', retry: 'terminal' });
    expect(changes()).toEqual([]);
  });

  test('pins the search path, says who it is and keeps statements out of the log before it changes anything', async () => {
    await ensureApplicationDatabase(await serve({}), app);
    expect(double!.startup()).toMatchObject({
      user: 'postgres',
      database: 'postgres',
      application_name: 'patroni-operator',
      options: '-c search_path=',
    });
    const first = double!.statements.findIndex((s) => s.startsWith('CREATE'));
    expect(double!.statements.slice(0, first)).toContain("SET log_statement = 'none'");
  });
});

describe('failures', () => {
  test.each<[string, Catalog, string]>([
    ['a replica is asked', { inRecovery: true }, 'ERR_POSTGRES_NOT_PRIMARY'],
    ['a primary takes no writes', { readOnly: true }, 'ERR_POSTGRES_NOT_PRIMARY'],
    [
      'the server shuts down',
      { refuse: { statement: /pg_authid/, sqlState: '57P01', message: 'terminating connection' } },
      'ERR_POSTGRES_UNREACHABLE',
    ],
    [
      'a statement times out',
      { refuse: { statement: /^CREATE DATABASE/, sqlState: '57014', message: 'canceling statement' } },
      'ERR_POSTGRES_TIMEOUT',
    ],
    [
      'a statement is refused',
      { refuse: { statement: /^CREATE DATABASE/, sqlState: '55006', message: 'template1 is in use' } },
      'ERR_POSTGRES_SQL',
    ],
    ['the server says nothing', { silentOn: /pg_is_in_recovery/ }, 'ERR_POSTGRES_TIMEOUT'],
  ])(
    '%s',
    async (_, catalog, code) => {
      const failure: unknown = await ensureApplicationDatabase(await serve(catalog), app, { statementMs: 50 }).catch((e: unknown) => e);
      expect(failure).toMatchObject({ code, retry: 'transient', facts: { member: 'pg-0', step: 'create database app' } });
      expect(String(failure)).not.toMatch(/secret|SCRAM/);
    },
    10_000,
  );

  test('a wrong password', async () => {
    const target = { ...(await serve({})), password: new Secret('guess') };
    const failure: unknown = await ensureApplicationDatabase(target, app).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'ERR_POSTGRES_AUTHENTICATION', facts: { sqlState: '28P01' } });
    expect(String(failure)).not.toContain('guess');
  });

  test('a server without TLS, when TLS is demanded', async () => {
    const target = { ...(await serve({})), ca: 'irrelevant' };
    await expect(ensureApplicationDatabase(target, app)).rejects.toMatchObject({ code: 'ERR_POSTGRES_TLS' });
  });

  test('nobody listens', async () => {
    const target = await serve({});
    await double!.stop();
    await expect(ensureApplicationDatabase(target, app)).rejects.toMatchObject({ code: 'ERR_POSTGRES_UNREACHABLE' });
  });
});
