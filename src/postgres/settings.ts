import { gucOf } from './gucs/catalogue.ts';
import { sameGucValue } from './gucs/value.ts';
import type { Query } from './sql.ts';

/** One setting as a running PostgreSQL has it. */
export interface RunningSetting {
  /** As `current_setting` gives it, with its unit: `16MB`, `on`. */
  readonly value: string;
  /** Where it comes from: `configuration file`, `command line`, `default`, ... (`pg_settings.source`). */
  readonly source: string;
  /** Whether ALTER SYSTEM set it, which is stronger than Patroni's files. */
  readonly isFromAlterSystem: boolean;
  /** Whether it stands in the postgresql.conf that Patroni writes, or stood there when it was last read for this setting. */
  readonly isFromPatroni: boolean;
}

/** Settings of the server by name, in lower case. What is a matter of the connection that asks (its search_path, say) is left out. */
export type RunningSettings = Readonly<Record<string, RunningSetting>>;

/** Rows of `name`, `value`, `source`, `from_auto`, `from_patroni`; settings of a module that is not loaded are left out. */
export function settingsQuery(names: readonly string[]): Query {
  return {
    text: `SELECT pg_catalog.lower(name) AS name, pg_catalog.current_setting(name, true) AS value, source,
  COALESCE(sourcefile OPERATOR(pg_catalog.~~) '%/postgresql.auto.conf', false) AS from_auto,
  COALESCE(sourcefile OPERATOR(pg_catalog.~~) '%/postgresql.conf', false) AS from_patroni
FROM pg_catalog.pg_settings WHERE pg_catalog.lower(name) OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array($1, ','))`,
    values: [names.map((name) => name.toLowerCase()).join(',')],
  };
}

interface Row {
  readonly name: string;
  readonly value: string | null;
  readonly source: string;
  readonly from_auto: boolean;
  readonly from_patroni: boolean;
}

/** Where a value of the server comes from. Others (`client`, `session`, `database`, `user`, ...) are values of the connection that asked, and say nothing about the server. */
const SOURCES_OF_SERVER = ['default', 'environment variable', 'configuration file', 'command line', 'override'];

export function settingsOf(rows: readonly unknown[]): RunningSettings {
  const ofServer = (rows as readonly Row[]).filter(({ source }) => SOURCES_OF_SERVER.includes(source));
  return Object.fromEntries(
    ofServer.map(({ name, value, source, from_auto, from_patroni }) => [name, { value: value ?? '', source, isFromAlterSystem: from_auto, isFromPatroni: from_patroni }]),
  );
}

/**
 * Settings that PostgreSQL shows otherwise than its files have them: in a spelling of its own (`utc` as `UTC`, `DMY` as `ISO, DMY`), what the socket has where 0 leaves it to the system, or
 * not at all (`archive_command` while `archive_mode` is off).
 */
const SHOWN_OTHERWISE = new Set([
  'archive_command',
  'client_encoding',
  'datestyle',
  'default_text_search_config',
  'log_timezone',
  'tcp_keepalives_count',
  'tcp_keepalives_idle',
  'tcp_keepalives_interval',
  'tcp_user_timeout',
  'timezone',
]);

/**
 * Whether a running value proves that PostgreSQL has not taken `wanted` yet. Values that it works out for itself (`override`: `wal_buffers` of -1), that it shows otherwise, or whose
 * setting belongs to an extension, which alone knows what means the same, prove nothing. `name` in lower case.
 */
export function contradicts(major: string, name: string, { value, source }: RunningSetting, wanted: unknown): boolean {
  return source !== 'override' && !SHOWN_OTHERWISE.has(name) && gucOf(major, name) !== undefined && !sameGucValue(major, name, value, wanted);
}

/**
 * Whether PostgreSQL still runs with a value of Patroni's file for a setting that is to be there no more. One that needs a restart keeps value and source until then (guc-file.l). A value
 * that is the built-in one anyway is as good as gone. `name` in lower case.
 */
export function isStillInForce(major: string, name: string, { value, isFromPatroni }: RunningSetting): boolean {
  return isFromPatroni && !sameGucValue(major, name, value, gucOf(major, name)?.default ?? '');
}
