import { PATRONI_PARAMETERS, STANDBY_SETTINGS } from '../../../src/config/dynamic-keys.ts';
import { gucOf } from '../../../src/postgres/gucs/catalogue.ts';
import type { RunningSettings } from '../../../src/postgres/settings.ts';

/** Settings of PostgreSQL in the double: what a configuration asks for, what a member runs with, and what waits for its restart. */

type Json = Readonly<Record<string, unknown>>;

const MAJOR = '17';

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export function parametersOf(config: Json | undefined): Record<string, unknown> {
  const postgresql = config?.['postgresql'];
  const parameters = isRecord(postgresql) ? postgresql['parameters'] : undefined;
  return isRecord(parameters) ? parameters : {};
}

/** Everything that a configuration sets, as text, over what Patroni passes anyway. */
export function wantedSettings(config: Json | undefined): Record<string, string> {
  const given = Object.entries(parametersOf(config)).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
  return { ...PATRONI_PARAMETERS, ...Object.fromEntries(given) };
}

/** What PostgreSQL runs with after a start: a standby keeps at least what its leader has of some settings (Patroni reads pg_control). */
export function settingsAfterStart(config: Json | undefined, leader: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const wanted = wantedSettings(config);
  if (leader === undefined) return wanted;
  const kept = STANDBY_SETTINGS.filter((name) => Number(leader[name] ?? 0) > Number(wanted[name] ?? 0)).map((name): [string, string] => [name, leader[name] ?? '']);
  return { ...wanted, ...Object.fromEntries(kept) };
}

/** What PostgreSQL runs with after a reload: settings that need a restart stay as they were. */
export function settingsAfterReload(config: Json | undefined, running: Readonly<Record<string, string>>): Record<string, string> {
  const fixed = Object.entries(running).filter(([name]) => needsRestart(name));
  return { ...wantedSettings(config), ...Object.fromEntries(fixed) };
}

/** `pending_restart_reason` of Patroni 4.1. */
export function pendingReason(config: Json | undefined, running: Readonly<Record<string, string>>): Record<string, { old_value: string; new_value: string }> {
  const wanted = wantedSettings(config);
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(running)])].filter((name) => needsRestart(name) && wanted[name] !== running[name]);
  return Object.fromEntries(names.map((name) => [name, { old_value: running[name] ?? '', new_value: wanted[name] ?? gucOf(MAJOR, name)?.default ?? '' }]));
}

const needsRestart = (name: string): boolean => gucOf(MAJOR, name)?.context === 'postmaster';

/** What a query of pg_settings would give. */
export function runningSettings(running: Readonly<Record<string, string>>, names: readonly string[]): RunningSettings {
  const known = names.map((name) => name.toLowerCase()).filter((name) => running[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, { value: running[name] ?? '', source: 'configuration file', isFromAlterSystem: false }]));
}
