import { PATRONI_PARAMETERS, STANDBY_SETTINGS } from '../../../src/config/dynamic-keys.ts';
import { gucOf } from '../../../src/postgres/gucs/catalogue.ts';
import { gucText, sameGucValue } from '../../../src/postgres/gucs/value.ts';
import type { RunningSettings } from '../../../src/postgres/settings.ts';

import type { Json, MemberModel, PendingReason } from './member.ts';

/** Settings of PostgreSQL in the double: what a configuration asks for, what a member runs with, and what waits for its restart. */

const MAJOR = '17';

type Settings = Readonly<Record<string, string>>;

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export function parametersOf(config: Json | undefined): Record<string, unknown> {
  const postgresql = config?.['postgresql'];
  const parameters = isRecord(postgresql) ? postgresql['parameters'] : undefined;
  return isRecord(parameters) ? parameters : {};
}

/** Everything that a configuration sets, as text, over what Patroni passes anyway. A null is a key that was stored as such, and sets nothing. */
export function wantedSettings(config: Json | undefined): Record<string, string> {
  const given = Object.entries(parametersOf(config)).flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name.toLowerCase(), gucText(value)]]));
  return { ...PATRONI_PARAMETERS, ...Object.fromEntries(given) };
}

/** What PostgreSQL runs with after a start: a standby keeps at least what its leader has of some settings (Patroni reads pg_control). */
export function settingsAfterStart(config: Json | undefined, leader: Settings | undefined): Settings {
  const wanted = wantedSettings(config);
  if (leader === undefined) return wanted;
  const kept = STANDBY_SETTINGS.filter((name) => isLess(wanted[name], leader[name])).map((name): [string, string] => [name, leader[name] ?? '']);
  return { ...wanted, ...Object.fromEntries(kept) };
}

/** What PostgreSQL runs with after a reload: settings that need a restart stay as they were. */
export function settingsAfterReload(config: Json | undefined, running: Settings): Settings {
  const fixed = Object.entries(running).filter(([name]) => needsRestart(name));
  const movable = Object.entries(wantedSettings(config)).filter(([name]) => !needsRestart(name));
  return Object.fromEntries([...movable, ...fixed]);
}

/** What differs between what runs and what is loaded, of the settings that need a restart. */
export function pendingReason(config: Json | undefined, running: Settings): PendingReason {
  const wanted = wantedSettings(config);
  const valueIn = (settings: Settings, name: string): string => settings[name] ?? gucOf(MAJOR, name)?.default ?? '';
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(running)])].filter((name) => needsRestart(name) && !sameGucValue(MAJOR, name, valueIn(wanted, name), valueIn(running, name)));
  return Object.fromEntries(names.map((name) => [name, { old_value: valueIn(running, name), new_value: valueIn(wanted, name) }]));
}

/** Settings of which a leader runs with more than one of its standbys, which then stops to replay (PostgreSQL's docs, "Hot Standby"). */
export function outgrown(leader: Settings, standby: Settings): readonly string[] {
  return STANDBY_SETTINGS.filter((name) => isLess(standby[name], leader[name]));
}

const needsRestart = (name: string): boolean => gucOf(MAJOR, name)?.context === 'postmaster';

const isLess = (one: string | undefined, other: string | undefined): boolean => Number(one ?? 0) < Number(other ?? 0);

/** What PostgreSQL shows otherwise than its files have it; undefined for what a connection sets for itself, as the operator does. */
const SHOWN: Readonly<Record<string, (value: string) => string | undefined>> = {
  archive_command: () => '(disabled)',
  timezone: (value) => value.toUpperCase(),
  search_path: () => undefined,
  statement_timeout: () => undefined,
};

/** What a query of pg_settings would give; names that PostgreSQL does not know are left out. */
export function runningSettings({ running, altered }: MemberModel, names: readonly string[]): RunningSettings {
  const row = (name: string): RunningSettings[string] | undefined => {
    const byHand = needsRestart(name) ? undefined : altered[name];
    const kept = byHand ?? running[name] ?? gucOf(MAJOR, name)?.default;
    const value = kept === undefined ? undefined : Object.hasOwn(SHOWN, name) ? SHOWN[name]?.(kept) : kept;
    if (value === undefined || (gucOf(MAJOR, name) === undefined && !name.includes('.'))) return undefined;
    const isSet = (byHand ?? running[name]) !== undefined;
    return { value, source: isSet ? 'configuration file' : 'default', isFromAlterSystem: byHand !== undefined, isFromPatroni: isSet && byHand === undefined };
  };
  return Object.fromEntries(
    names.flatMap((each) => {
      const name = each.toLowerCase();
      const found = row(name);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}
