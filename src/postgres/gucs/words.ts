import type { Guc } from './catalogue.ts';
import { isMemoryUnit, unitsOf } from './number.ts';

/** Spellings that people use for PostgreSQL's units, in lower case; the first group are Kubernetes' own. */
const MEMORY_WORDS: Readonly<Record<string, string>> = {
  ...{ ki: 'kB', mi: 'MB', gi: 'GB', ti: 'TB' },
  ...{ k: 'kB', m: 'MB', g: 'GB', t: 'TB' },
  ...{ b: 'B', kb: 'kB', mb: 'MB', gb: 'GB', tb: 'TB' },
  ...{ kib: 'kB', mib: 'MB', gib: 'GB', tib: 'TB', byte: 'B', bytes: 'B' },
};
const TIME_WORDS: Readonly<Record<string, string>> = {
  ...{ usec: 'us', µs: 'us', μs: 'us', msec: 'ms', millisecond: 'ms', milliseconds: 'ms', sec: 's', secs: 's', second: 's', seconds: 's' },
  ...{ m: 'min', mins: 'min', minute: 'min', minutes: 'min', hr: 'h', hour: 'h', hours: 'h', day: 'd', days: 'd' },
  ...{ us: 'us', ms: 'ms', s: 's', min: 'min', h: 'h', d: 'd' },
};

/** What a numeric setting must look like, for text that is no number at all. */
export function numberText(guc: Guc): string {
  return `must be ${noun(guc)}: correct it`;
}

/** What to do about a unit that the setting does not take: `must … : write 16MB instead of 16Mi`. `number` and `unit` are as the user wrote them. */
export function unitText(guc: Guc, number: number, unit: string): string {
  const units = unitsOf(guc.unit);
  if (guc.unit === undefined || units === undefined) return `must be ${noun(guc)}, without a unit: remove the unit`;
  const words = isMemoryUnit(guc.unit) ? MEMORY_WORDS : TIME_WORDS;
  const meant = Object.hasOwn(words, unit.toLowerCase()) ? words[unit.toLowerCase()] : undefined;
  const remedy = meant === undefined ? 'correct it' : `write ${number}${meant} instead of ${number}${unit}`;
  return `must be ${noun(guc)}: ${remedy}`;
}

/** `must be between 128kB and …: correct it`, in the largest units that say it exactly; all settings with a unit have both bounds. */
export function boundsText({ min, max, unit }: Guc): string {
  const [low, high] = [min, max].map((bound) => (bound === undefined ? undefined : amountText(bound, unit)));
  const bare = unit === undefined ? '' : `, where a number without a unit counts in ${unit}`;
  if (low !== undefined && high !== undefined) return `must be between ${low} and ${high}${bare}: correct it`;
  return low === undefined ? 'must be a number that PostgreSQL can hold: correct it' : `must be at least ${low}: correct it`;
}

function noun({ type, unit }: Guc): string {
  const kind = type === 'integer' ? 'a whole number' : 'a number';
  const units = Object.keys(unitsOf(unit) ?? {}).reverse();
  return unit === undefined ? kind : `${kind} with one of the units ${units.join(', ')} (none means ${unit})`;
}

/** An amount in the base unit, in the largest unit that keeps it whole: 16384 of `8kB` → `128MB`. Special values (-1, 0) stay bare. */
function amountText(value: number, unit: string | undefined): string {
  const units = Object.entries(unitsOf(unit) ?? {});
  if (value <= 0 || units.length === 0) return String(value);
  const [name, size] = units.find(([, scale]) => Number.isInteger(value / scale)) ?? [unit ?? '', 1];
  const exact = `${value / size}${name}`;
  const [large, scale] = units.find(([, each]) => value / each >= 1) ?? [name, size];
  // The bounds of C's integers read as noise: 2147483647kB is about 2TB.
  return exact.length > 9 ? `${exact} (about ${Number((value / scale).toPrecision(4))}${large})` : exact;
}
