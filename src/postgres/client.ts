import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { Client, type ClientConfig, DatabaseError } from 'pg';
import { OperatorError, type PostgresFacts } from '../errors.ts';
import { classifyNetworkError, networkErrorDetail } from '../lib/network-error.ts';
import type { Secret } from '../lib/secret.ts';
import { type RunningSettings, settingsOf, settingsQuery } from './settings.ts';
import { isVerifierOf, SCRAM_SALT_BYTES, scramVerifier } from './scram.ts';
import {
  createDatabase,
  createRole,
  databaseQuery,
  type Query,
  repairRole,
  roleQuery,
  type RoleRow,
  SILENCE_LOG,
  WRITABLE_QUERY,
} from './sql.ts';

/** A superuser's way to one member. */
export interface PostgresTarget {
  /** Name of the member (the pod), for messages. */
  readonly member: string;
  /** Address of the pod itself, not of a Service: behind a Service the primary may change between two connections. */
  readonly host: string;
  readonly port: number;
  /** Name the server certificate must be valid for: the FQDN of the pod. */
  readonly serverName: string;
  /** PEM of the CA. Absent: no TLS. */
  readonly ca?: string;
  readonly user: string;
  readonly password: Secret<string>;
}

export interface ApplicationDatabase {
  readonly database: string;
  readonly owner: string;
  readonly ownerPassword: Secret<string>;
}

export interface PostgresTimeouts {
  /** TCP, TLS and authentication. @default 3_000 ms */
  readonly connectMs?: number;
  /** One statement. CREATE DATABASE copies template1 and may wait for a checkpoint. @default 20_000 ms */
  readonly statementMs?: number;
}

const DEFAULTS = { connectMs: 3_000, statementMs: 20_000 } as const;
/** The client gives up a little later than the server, so that the server's own word on it is seen. */
const GRACE_MS = 2_000;
/** How long a goodbye may take: pg waits for the server to close, which one that was cut off never does. */
const GOODBYE_MS = 1_000;

/**
 * Makes sure that the application's role (with this password) and database exist, on the primary only. `present` when nothing was missing. What an
 * earlier, interrupted attempt left is completed; the owner of a database that exists is left alone.
 * @throws ERR_POSTGRES_UNREACHABLE, _TIMEOUT, _TLS, _AUTHENTICATION, _NOT_PRIMARY, _ROLE_RESERVED, _SQL
 */
export async function ensureApplicationDatabase(
  target: PostgresTarget,
  wanted: ApplicationDatabase,
  timeouts: PostgresTimeouts = {},
): Promise<'created' | 'present'> {
  return withPrimary({ target, step: `create database ${wanted.database}`, timeouts: { ...DEFAULTS, ...timeouts } }, async (run) => {
    for (const query of SILENCE_LOG) await run(query);
    const isRoleChanged = await ensureRole(run, wanted);
    const [found] = await run(databaseQuery(wanted.database));
    if (found === undefined) await run(createDatabase(wanted.database, wanted.owner));
    return isRoleChanged || found === undefined ? 'created' : 'present';
  });
}

/**
 * What a member, leader or replica, runs with. Settings that it does not know are left out.
 * @throws ERR_POSTGRES_UNREACHABLE, _TIMEOUT, _TLS, _AUTHENTICATION, _SQL
 */
export async function readSettings(target: PostgresTarget, names: readonly string[], timeouts: PostgresTimeouts = {}): Promise<RunningSettings> {
  const session = { target, step: 'read its settings', timeouts: { ...DEFAULTS, ...timeouts } };
  return withConnection(session, async (run) => settingsOf(await run(settingsQuery(names))));
}

async function ensureRole(run: Run, { owner, ownerPassword }: ApplicationDatabase): Promise<boolean> {
  const [row] = (await run(roleQuery(owner))) as RoleRow[];
  const password = ownerPassword.reveal();
  const verifier = () => scramVerifier(password, randomBytes(SCRAM_SALT_BYTES));
  if (row === undefined) {
    await run(createRole(owner, verifier()));
    return true;
  }
  // Never the superuser or replicator: a mistyped owner must not change the password that the whole cluster hangs on.
  if (row.rolsuper || row.rolreplication) throw new OperatorError('ERR_POSTGRES_ROLE_RESERVED', { role: owner });
  if (row.rolcanlogin && row.rolpassword !== null && isVerifierOf(row.rolpassword, password)) return false;
  await run(repairRole(owner, verifier()));
  return true;
}

type Run = (query: Query) => Promise<unknown[]>;

interface Session {
  readonly target: PostgresTarget;
  /** What is being done, as the end of "could not reach PostgreSQL to …". */
  readonly step: string;
  readonly timeouts: Required<PostgresTimeouts>;
}

/** As `withConnection`, but `work` runs only on a primary that takes writes. */
async function withPrimary<T>(session: Session, work: (run: Run) => Promise<T>): Promise<T> {
  return withConnection(session, async (run) => {
    const [state] = (await run(WRITABLE_QUERY)) as { in_recovery: boolean; read_only: boolean }[];
    if (state?.in_recovery !== false || state.read_only) throw new OperatorError('ERR_POSTGRES_NOT_PRIMARY', factsOf(session));
    return work(run);
  });
}

/** One connection, used and closed. */
async function withConnection<T>(session: Session, work: (run: Run) => Promise<T>): Promise<T> {
  const socket = new Socket();
  const client = new Client({ ...clientConfig(session), stream: () => socket });
  // Without a listener an error between two queries (the server stops) would end the process; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const run: Run = async ({ text, values }) =>
      (await client.query<Record<string, unknown>>(text, values === undefined ? [] : [...values])).rows;
    return await work(run);
  } catch (e) {
    throw e instanceof OperatorError ? e : failure(session, e);
  } finally {
    const patience = setTimeout(() => socket.destroy(), GOODBYE_MS);
    await client.end().catch(() => undefined);
    clearTimeout(patience);
  }
}

function clientConfig({ target, timeouts }: Session): ClientConfig {
  const { ca, serverName } = target;
  return {
    host: target.host,
    port: target.port,
    user: target.user,
    password: () => target.password.reveal(),
    database: 'postgres',
    application_name: 'patroni-operator',
    // Nobody may slip a function or operator of their own between our names and pg_catalog.
    options: '-c search_path=',
    connectionTimeoutMillis: timeouts.connectMs,
    statement_timeout: timeouts.statementMs,
    lock_timeout: timeouts.statementMs,
    query_timeout: timeouts.statementMs + Math.min(timeouts.statementMs, GRACE_MS),
    // pg overwrites `servername` when the host is a name, so the name is checked here.
    ssl:
      ca === undefined
        ? false
        : {
            ca,
            servername: serverName,
            minVersion: 'TLSv1.2',
            checkServerIdentity: (_host, cert) => checkServerIdentity(serverName, cert),
          },
  };
}

function factsOf({ target, step }: Session): PostgresFacts {
  return { member: target.member, step };
}

/** SQLSTATE classes: 28 invalid authorization, 08 and 57P0x connection and shutdown, 57014 statement_timeout, 55P03 lock_timeout. */
function failure(session: Session, cause: unknown): OperatorError {
  const facts = factsOf(session);
  if (cause instanceof DatabaseError) {
    const answered = { ...facts, sqlState: cause.code ?? 'unknown', detail: cause.message };
    const code = cause.code ?? '';
    if (code.startsWith('28')) return new OperatorError('ERR_POSTGRES_AUTHENTICATION', answered, { cause });
    if (code === '57014' || code === '55P03') return new OperatorError('ERR_POSTGRES_TIMEOUT', answered, { cause });
    if (code.startsWith('57P') || code.startsWith('08')) return new OperatorError('ERR_POSTGRES_UNREACHABLE', answered, { cause });
    return new OperatorError('ERR_POSTGRES_SQL', answered, { cause });
  }
  const detail = networkErrorDetail(cause);
  const kind = classifyNetworkError(cause);
  // pg has no codes for these: "timeout expired" (connecting), "Query read timeout"; "The server does not support SSL connections".
  if (kind === 'timeout' || /timeout expired|read timeout/.test(detail))
    return new OperatorError('ERR_POSTGRES_TIMEOUT', { ...facts, detail }, { cause });
  if (kind === 'tls' || /SSL connection/.test(detail)) return new OperatorError('ERR_POSTGRES_TLS', { ...facts, detail }, { cause });
  return new OperatorError('ERR_POSTGRES_UNREACHABLE', { ...facts, detail }, { cause });
}
