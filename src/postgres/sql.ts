import { escapeIdentifier, escapeLiteral } from 'pg';

/** Statements, pure. Names go through `escapeIdentifier`, values through parameters or `escapeLiteral`; no statement ever holds a password. */

export interface Query {
  readonly text: string;
  readonly values?: readonly string[];
}

/**
 * Keeps what follows in this session out of the server's log: verifiers are no passwords, but do not belong there. For superusers only
 * (`log_statement` and the others can be set by nobody else).
 */
export const SILENCE_LOG: readonly Query[] = [
  { text: "SET log_statement = 'none'" },
  { text: 'SET log_min_duration_statement = -1' },
  { text: "SET log_min_error_statement = 'panic'" },
];

/** One row with `in_recovery` and `read_only`: both false on a primary that takes writes. */
export const WRITABLE_QUERY: Query = {
  text: "SELECT pg_catalog.pg_is_in_recovery() AS in_recovery, pg_catalog.current_setting('transaction_read_only') = 'on' AS read_only",
};

/** A row of `roleQuery`. */
export interface RoleRow {
  readonly rolcanlogin: boolean;
  readonly rolsuper: boolean;
  readonly rolreplication: boolean;
  readonly rolpassword: string | null;
}

/** No row when the role does not exist. Readable for superusers only. */
export function roleQuery(role: string): Query {
  return { text: 'SELECT rolcanlogin, rolsuper, rolreplication, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1', values: [role] };
}

/** No row when the database does not exist. */
export function databaseQuery(database: string): Query {
  return { text: 'SELECT 1 AS present FROM pg_catalog.pg_database WHERE datname = $1', values: [database] };
}

/** @param verifier from `scramVerifier`; PostgreSQL stores it as it is. */
export function createRole(role: string, verifier: string): Query {
  return { text: `CREATE ROLE ${escapeIdentifier(role)} LOGIN PASSWORD ${escapeLiteral(verifier)}` };
}

/** Gives an existing role what `createRole` would have given it. */
export function repairRole(role: string, verifier: string): Query {
  return { text: `ALTER ROLE ${escapeIdentifier(role)} LOGIN PASSWORD ${escapeLiteral(verifier)}` };
}

/** Cannot run inside a transaction. Encoding, locale and contents come from template1, so that a site's own template is honoured. */
export function createDatabase(database: string, owner: string): Query {
  return { text: `CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(owner)}` };
}
