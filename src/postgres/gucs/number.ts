/**
 * Numbers as PostgreSQL reads them: a port of parse_int(), parse_real() and convert_to_base_unit() of guc.c, equal in 14 to 18, with strtol() and strtod() as they call them.
 * Proven against the real servers (`number.test.ts` holds the odd cases).
 */

/** Multipliers into the base unit, largest unit first, as in the tables of guc.c: every product must be the same double as there. */
type Units = Readonly<Record<string, number>>;

const KB = 1024;
const MEMORY: Readonly<Record<string, Units>> = {
  B: { TB: KB ** 4, GB: KB ** 3, MB: KB ** 2, kB: KB, B: 1 },
  kB: { TB: KB ** 3, GB: KB ** 2, MB: KB, kB: 1, B: 1 / KB },
  '8kB': { TB: KB ** 3 / 8, GB: KB ** 2 / 8, MB: KB / 8, kB: 1 / 8, B: 1 / (8 * KB) },
  MB: { TB: KB ** 2, GB: KB, MB: 1, kB: 1 / KB, B: 1 / KB ** 2 },
};
const TIME: Readonly<Record<string, Units>> = {
  ms: { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1000, ms: 1, us: 1 / 1000 },
  s: { d: 86_400, h: 3600, min: 60, s: 1, ms: 1 / 1000, us: 1 / 1_000_000 },
  min: { d: 1440, h: 60, min: 1, s: 1 / 60, ms: 1 / 60_000, us: 1 / 60_000_000 },
};

/** Units that a setting of this base unit takes, largest first, each with its size in the base unit; undefined if the setting takes none. */
export function unitsOf(base: string | undefined): Units | undefined {
  return base === undefined ? undefined : (MEMORY[base] ?? TIME[base]);
}

export function isMemoryUnit(base: string): boolean {
  return Object.hasOwn(MEMORY, base);
}

/** `value` is in the base unit. `syntax`: no number; `unit`: a number with a unit that the setting does not take; `range`: outside of PostgreSQL's own integers. */
export type GucNumber =
  | { readonly value: number }
  | { readonly fault: 'syntax' | 'range' }
  | { readonly fault: 'unit'; readonly number: number; readonly unit: string };

const INT_MAX = 2 ** 31 - 1;
/** isspace() in the C locale, which is less than JavaScript's `\s`. */
const SPACE = '[ \\t\\n\\v\\f\\r]';
const INTEGER = new RegExp(`^${SPACE}*[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)`);
const LEADING_OCTAL = new RegExp(`^(${SPACE}*[+-]?0[0-7]*)`);
const HEX = '0x(?:[0-9a-f]+\\.?[0-9a-f]*|\\.[0-9a-f]+)(?:p[+-]?[0-9]+)?';
const REAL = new RegExp(`^${SPACE}*([+-]?)(${HEX}|(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan(?:\\(\\w*\\))?)`, 'i');
const EDGE_SPACE = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

/** An integer setting's value: decimal, octal (`0755`), hexadecimal (`0xFF`) or with a fraction, which is rounded after the unit (`1.5GB`, `0.5kB`). */
export function parseGucInteger(text: string, base: string | undefined): GucNumber {
  const whole = strtol(text);
  const next = text.charAt(whole?.length ?? 0);
  // A 64-bit overflow makes PostgreSQL read it as a real too.
  const read = ['.', 'e', 'E'].includes(next) || Math.abs(whole?.value ?? 0) >= 2 ** 63 ? strtod(text) : whole;
  const result = withUnit(text, read, base);
  if (!('value' in result)) return result;
  const rounded = rint(result.value);
  return rounded > INT_MAX || rounded < -INT_MAX - 1 ? { fault: 'range' } : { value: rounded };
}

/** A real setting's value. Infinity can come out: it is outside of every setting's bounds. */
export function parseGucReal(text: string, base: string | undefined): GucNumber {
  return withUnit(text, strtod(text), base);
}

interface Read {
  readonly value: number;
  /** Characters read, leading space included. */
  readonly length: number;
}

function withUnit(text: string, read: Read | undefined, base: string | undefined): GucNumber {
  if (read === undefined || Number.isNaN(read.value)) return { fault: 'syntax' };
  const unit = text.slice(read.length).replace(EDGE_SPACE, '');
  if (unit === '') return { value: read.value };
  const units = unitsOf(base);
  const names = Object.keys(units ?? {});
  const index = names.indexOf(unit);
  if (units === undefined || index === -1) return { fault: 'unit', number: read.value, unit };
  const value = read.value * (units[unit] ?? 1);
  const smaller = units[names[index + 1] ?? ''];
  // `30.1GB` is rounded to whole units of the next smaller kind, MB, for the settings whose base unit is finer still.
  return { value: smaller === undefined ? value : rint(value / smaller) * smaller };
}

/** strtol() with base 0. Nothing read is undefined; `08` reads the `0` alone, since 8 is no octal digit. */
function strtol(text: string): Read | undefined {
  const match = INTEGER.exec(text)?.[0];
  if (match === undefined) return undefined;
  const digits = match.replace(EDGE_SPACE, '').replace(/^[+-]/, '');
  const sign = match.includes('-') ? -1 : 1;
  if (/^0x/i.test(digits)) return { value: sign * Number(digits), length: match.length };
  if (!digits.startsWith('0')) return { value: sign * Number(digits), length: match.length };
  const octal = LEADING_OCTAL.exec(match)?.[1] ?? '';
  return { value: sign * Number(`0o${octal.replace(/^[^0]*/, '')}`), length: octal.length };
}

/** strtod(). Nothing read, and what overflows or underflows a double, is undefined, as PostgreSQL refuses both alike. */
function strtod(text: string): Read | undefined {
  const match = REAL.exec(text);
  if (match === null) return undefined;
  const [all, sign, digits = ''] = match;
  const value = (sign === '-' ? -1 : 1) * doubleOf(digits.toLowerCase());
  const isLost =
    !/^[in]/i.test(digits) && (Math.abs(value) === Infinity || (Math.abs(value) < 2 ** -1022 && /[1-9a-f]/i.test(mantissaOf(digits))));
  return isLost ? undefined : { value, length: all.length };
}

const mantissaOf = (digits: string): string => (/^0x/i.test(digits) ? digits.slice(2).replace(/p.*/i, '') : digits.replace(/e.*/i, ''));

function doubleOf(digits: string): number {
  if (digits.startsWith('inf')) return Infinity;
  if (digits.startsWith('nan')) return NaN;
  if (!digits.startsWith('0x')) return Number(digits);
  const [mantissa = '', exponent = '0'] = digits.slice(2).split('p');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
}

/** C's rint(): to the nearest integer, halves to the even one. */
function rint(value: number): number {
  const floor = Math.floor(value);
  const isHalf = value - floor === 0.5;
  return isHalf ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(value);
}
