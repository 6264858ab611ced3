import { closestWord } from '../../lib/closest-word.ts';
import { gucNames, gucOf, isPostgresMajor, majorsOf, type Guc } from './catalogue.ts';
import { extraRule } from './extra-rules.ts';
import { parseGucInteger, parseGucReal, type GucNumber } from './number.ts';
import { removedGuc } from './removed.ts';
import { boundsText, numberText, unitText } from './words.ts';

/** What is wrong with a setting. An error keeps the server from starting or is dropped by Patroni; a warning may be right for a build or an extension that we do not know. */
export interface GucProblem {
  readonly kind: 'name' | 'unknown' | 'type' | 'unit' | 'range' | 'enum' | 'internal';
  readonly severity: 'error' | 'warning';
  /** What is wrong and what to do, without path and without the value of a string setting: `must be one of …: did you mean replica?`. */
  readonly message: string;
}

/**
 * Names that postgresql.conf takes (guc-file.l: ID and QUALIFIED_ID): one dot, after the prefix of an extension, and no `$`. SQL's SET takes more, but Patroni writes the file, and
 * the server does not start with a name that breaks its syntax.
 */
const NAME = /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?$/;

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];

/**
 * The first problem of a setting, or undefined if PostgreSQL `major` takes it from postgresql.conf; hooks of text settings (does that locale exist?) are not judged.
 * Settings with a prefix belong to extensions and are not judged beyond name and shape; neither is anything in a major that the table does not know.
 */
export function checkGuc(major: string, name: string, value: unknown): GucProblem | undefined {
  if (!NAME.test(name)) return error('name', nameMessage(major, name));
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return error(
      'type',
      `must be text, a number, true or false: ${value === null ? 'give it a value or remove it' : 'write lists as one text, with commas'}`,
    );
  }
  const text = gucText(value);
  if (/[\n\0]/.test(text)) {
    return error(
      'type',
      'must be one line, since PostgreSQL does not start otherwise: remove the line break (in YAML, | keeps one at the end, and >- does not)',
    );
  }
  if (name.includes('.') || !isPostgresMajor(major)) return undefined;
  const guc = gucOf(major, name);
  if (guc === undefined) return { kind: 'unknown', severity: 'warning', message: unknownMessage(major, name) };
  if (guc.context === 'internal')
    return error('internal', 'is fixed when PostgreSQL is built or the cluster is made, and cannot be set: remove it');
  return typeProblem(guc, text);
}

/** Whether two spellings mean the same to PostgreSQL: `1GB` and `1024MB`, `on` and true. Text settings, unknown ones and invalid values are the same if their text is. */
export function sameGucValue(major: string, name: string, a: unknown, b: unknown): boolean {
  const [left, right] = [gucText(a), gucText(b)];
  if (left === right) return true;
  const guc = gucOf(major, name);
  if (guc === undefined) return false;
  const meaning = meaningOf(guc, left);
  return meaning !== undefined && meaning === meaningOf(guc, right);
}

/** A value as text, true and false as `on` and `off`; what is no value at all becomes JSON. Patroni 4.1 writes Python's `True`, which PostgreSQL takes wherever it takes `on`. */
export function gucText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  return value === undefined ? '' : JSON.stringify(value);
}

const error = (kind: GucProblem['kind'], message: string): GucProblem => ({ kind, severity: 'error', message });

function nameMessage(major: string, name: string): string {
  const rule = 'must be the name of a setting: letters, digits and underscores, with one dot if it belongs to an extension';
  const meant = closestWord(name, gucNames(major));
  return meant === undefined ? `${rule}: correct it` : `${rule}: did you mean ${meant}?`;
}

function unknownMessage(major: string, name: string): string {
  const removed = removedGuc(name);
  if (removed !== undefined && Number(removed.since) <= Number(major))
    return `is gone since PostgreSQL ${removed.since}, and Patroni leaves it out: ${removed.remedy}`;
  const majors = majorsOf(name);
  const [first] = majors;
  if (first !== undefined && Number(first) > Number(major))
    return `exists since PostgreSQL ${first}, and Patroni leaves it out of ${major}: remove it`;
  if (first !== undefined) return `is not in PostgreSQL ${major} any more, and Patroni leaves it out: remove it`;
  const meant = closestWord(name, gucNames(major));
  const remedy = meant === undefined ? 'correct it, or remove it' : `did you mean ${meant}?`;
  return `is no setting of PostgreSQL ${major}, and Patroni leaves it out: ${remedy}`;
}

function typeProblem(guc: Guc, text: string): GucProblem | undefined {
  switch (guc.type) {
    case 'bool':
      return boolProblem(guc, boolOf(text));
    case 'enum':
      return enumOf(guc, text) === undefined ? error('enum', enumMessage(guc, text)) : undefined;
    case 'integer':
    case 'real':
      return numberProblem(guc, text);
    case 'string':
      return undefined;
  }
}

function numberProblem(guc: Guc, text: string): GucProblem | undefined {
  const parsed = numberOf(guc, text);
  if (!('value' in parsed)) {
    if (parsed.fault === 'range') return error('range', boundsText(guc));
    // What follows a number and starts with no letter is no unit: `08` reads as 0 and an 8 that belongs to nothing.
    if (parsed.fault === 'unit' && /^\p{L}/u.test(parsed.unit)) return error('unit', unitText(guc, parsed.number, parsed.unit));
    return error('type', numberText(guc));
  }
  const { value } = parsed;
  if (value < (guc.min ?? -Infinity) || value > (guc.max ?? Number.MAX_VALUE)) return error('range', boundsText(guc));
  return extraProblem(guc, value);
}

function boolProblem(guc: Guc, value: boolean | undefined): GucProblem | undefined {
  return value === undefined ? error('type', 'must be on or off: correct it') : extraProblem(guc, Number(value));
}

function extraProblem(guc: Guc, value: number): GucProblem | undefined {
  const message = extraRule(guc, value);
  return message === undefined ? undefined : error('range', message);
}

function enumMessage({ values = [] }: Guc, text: string): string {
  const shown = values.filter((value) => value !== '');
  const meant = closestWord(text, shown);
  return `must be one of ${shown.join(', ')}${meant === undefined ? ': choose one of them' : `: did you mean ${meant}?`}`;
}

/** The value in a form that is equal for equal meanings, or undefined if it is invalid. */
function meaningOf(guc: Guc, text: string): string | undefined {
  switch (guc.type) {
    case 'bool':
      return boolOf(text)?.toString();
    case 'enum':
      return enumOf(guc, text);
    case 'integer':
    case 'real': {
      const parsed = numberOf(guc, text);
      return 'value' in parsed ? String(parsed.value) : undefined;
    }
    case 'string':
      return text;
  }
}

const numberOf = (guc: Guc, text: string): GucNumber => (guc.type === 'integer' ? parseGucInteger : parseGucReal)(text, guc.unit);

/** parse_bool() of bool.c: any case, and shortened as far as it stays clear (`t`, `of`, but not `o`). */
function boolOf(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (word === '' || word === 'o') return undefined;
  if (TRUE.some((full) => full.startsWith(word))) return true;
  return FALSE.some((full) => full.startsWith(word)) ? false : undefined;
}

/** The listed value that a word of an enum means, in lower case. */
function enumOf({ values = [], also }: Guc, text: string): string | undefined {
  const word = text.toLowerCase();
  const meaning = [...(also ?? [])].find(([from]) => from.toLowerCase() === word)?.[1];
  return (meaning ?? values.find((value) => value.toLowerCase() === word))?.toLowerCase();
}
