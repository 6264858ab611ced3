import { type Guc, gucOf } from '../postgres/gucs/catalogue.ts';
import { parseGucInteger } from '../postgres/gucs/number.ts';
import { gucText } from '../postgres/gucs/value.ts';

/** Words of a bool that Patroni reads (`parse_bool` of patroni/utils.py); PostgreSQL takes shortened ones too. */
const BOOL_WORDS = ['on', 'off', 'true', 'false', 'yes', 'no', '1', '0'];

/** Words that PostgreSQL lists and Patroni does not know: `major name`. */
const UNKNOWN_WORDS: Readonly<Record<string, readonly string[]>> = { '14 compute_query_id': ['regress'] };

/** Bounds that Patroni has narrower than PostgreSQL, in the base unit: `major name`. Patroni raises what is less. */
const RAISED: Readonly<Record<string, { readonly least: number; readonly message: string }>> = {
  '17 maintenance_work_mem': { least: 1024, message: 'must be at least 1MB, since Patroni raises what is less: raise it' },
};

/**
 * What to say of a value that PostgreSQL takes and Patroni 4.1 leaves out of postgresql.conf with nothing but a line in its log, or undefined if it writes it as it is, or if the
 * catalogue does not know the setting. Found by giving 60,000 values that PostgreSQL 14 to 18 take to `transform_postgresql_parameter_value` (patroni/postgresql/validator.py).
 */
export function leftOutByPatroni(major: string, name: string, value: unknown): string | undefined {
  const guc = gucOf(major, name);
  const text = gucText(value);
  const word = text.toLowerCase();
  switch (guc?.type) {
    case 'bool':
      return BOOL_WORDS.includes(word) ? undefined : 'must be on or off in full, since Patroni leaves shortened words out: correct it';
    case 'enum':
      return enumProblem(major, guc, word);
    case 'integer':
    case 'real': {
      if (/\d\.(?!\d)/.test(text)) return 'must have a digit after the point, since Patroni leaves it out otherwise: correct it';
      if (guc.type === 'real' && /^\s*[+-]?0x/i.test(text)) return 'must be a decimal number, since Patroni leaves hexadecimal ones out: correct it';
      const raised = RAISED[`${major} ${guc.name}`];
      if (raised === undefined) return undefined;
      const parsed = parseGucInteger(text, guc.unit);
      return 'value' in parsed && parsed.value < raised.least ? raised.message : undefined;
    }
    case 'string':
    case undefined:
      return undefined;
  }
}

function enumProblem(major: string, { name, values = [], also }: Guc, word: string): string | undefined {
  const known = values.filter((value) => !(UNKNOWN_WORDS[`${major} ${name}`] ?? []).includes(value));
  if (known.some((value) => value.toLowerCase() === word)) return undefined;
  const meaning = also?.get(word);
  if (meaning === undefined || meaning === word) return `must be one of ${known.join(', ')}, since Patroni leaves others out: choose one of them`;
  return BOOL_WORDS.includes(word) ? undefined : `is a name that Patroni leaves out: write ${meaning}, which means the same`;
}
