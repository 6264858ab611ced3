import type { Query } from './sql.ts';

/** One setting as a running PostgreSQL has it. */
export interface RunningSetting {
  /** As `current_setting` gives it, with its unit: `16MB`, `on`. */
  readonly value: string;
  /** Where it comes from: `configuration file`, `command line`, `default`, ... (`pg_settings.source`). */
  readonly source: string;
  /** Whether ALTER SYSTEM set it, which is stronger than Patroni's files. */
  readonly isFromAlterSystem: boolean;
}

/** Settings by name, in lower case. */
export type RunningSettings = Readonly<Record<string, RunningSetting>>;

/** Rows of `name`, `value`, `source`, `from_auto`; settings of a module that is not loaded are left out. */
export function settingsQuery(names: readonly string[]): Query {
  return {
    text: `SELECT pg_catalog.lower(name) AS name, pg_catalog.current_setting(name, true) AS value, source,
  COALESCE(sourcefile OPERATOR(pg_catalog.~~) '%postgresql.auto.conf', false) AS from_auto
FROM pg_catalog.pg_settings WHERE pg_catalog.lower(name) OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array($1, ','))`,
    values: [names.map((name) => name.toLowerCase()).join(',')],
  };
}

interface Row {
  readonly name: string;
  readonly value: string | null;
  readonly source: string;
  readonly from_auto: boolean;
}

export function settingsOf(rows: readonly unknown[]): RunningSettings {
  return Object.fromEntries(
    (rows as readonly Row[]).map(({ name, value, source, from_auto }) => [name, { value: value ?? '', source, isFromAlterSystem: from_auto }]),
  );
}
