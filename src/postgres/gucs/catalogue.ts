import { GUC_TABLE } from './table.ts';

/** Majors that the table knows, oldest first: those that `versions.postgres` of a PatroniCluster may name. */
export const POSTGRES_MAJORS = ['14', '15', '16', '17', '18'] as const;

export type PostgresMajor = (typeof POSTGRES_MAJORS)[number];

/** One setting in one major, after pg_settings. Bounds and numeric defaults count in `unit` (`8kB`: in blocks of 8 kB). */
export interface Guc {
  /** As PostgreSQL spells it: `work_mem`, `DateStyle`. */
  readonly name: string;
  readonly type: 'bool' | 'integer' | 'real' | 'string' | 'enum';
  /** Base unit: `B`, `kB`, `8kB`, `MB`, `ms`, `s` or `min`; values without a unit count in it. */
  readonly unit?: string;
  readonly context: 'internal' | 'postmaster' | 'sighup' | 'superuser-backend' | 'backend' | 'superuser' | 'user';
  readonly min?: number;
  readonly max?: number;
  /** Values of an enum that PostgreSQL lists. */
  readonly values?: readonly string[];
  /** Words of an enum that PostgreSQL takes without listing them, or that mean another value, with the value they mean: `archive` → `replica`. */
  readonly also?: ReadonlyMap<string, string>;
  /** Built-in default, as text; absent if it is empty or depends on the build. */
  readonly default?: string;
}

export function isPostgresMajor(major: string): major is PostgresMajor {
  return (POSTGRES_MAJORS as readonly string[]).includes(major);
}

/** The setting, whatever the case of `name`, or undefined if this major has none of that name (or the table does not know the major). Built anew by every call: nothing is kept. */
export function gucOf(major: string, name: string): Guc | undefined {
  if (!isPostgresMajor(major)) return undefined;
  const fields = definitionsOf(name).find((definition) => isIn(definition, major));
  return fields === undefined ? undefined : gucFrom(fields);
}

/** Names of all settings of a major as PostgreSQL spells them, sorted without regard to case; none for a major that the table does not know. */
export function gucNames(major: string): readonly string[] {
  if (!isPostgresMajor(major)) return [];
  return lines()
    .map((line) => line.split(';'))
    .filter((fields) => isIn(fields, major))
    .map(nameFrom);
}

/** Majors that have a setting of this name, oldest first: `['14', '15']` for force_parallel_mode. */
export function majorsOf(name: string): readonly PostgresMajor[] {
  const definitions = definitionsOf(name);
  return POSTGRES_MAJORS.filter((major) => definitions.some((fields) => isIn(fields, major)));
}

/** Fields of a line; their order is told in `table.ts`. */
type Fields = readonly string[];

const lines = (): readonly string[] => GUC_TABLE.trim().split('\n');
const nameFrom = ([key = '', name = '']: Fields): string => (name === '' ? key : name);

/** Found by searching the text, 10 µs, so that no index of it lives in memory. */
function definitionsOf(name: string): readonly Fields[] {
  const key = name.toLowerCase();
  if (!/^\w+$/.test(key)) return [];
  const found: Fields[] = [];
  let start = GUC_TABLE.indexOf(`\n${key};`);
  while (start !== -1) {
    const end = GUC_TABLE.indexOf('\n', start + 1);
    found.push(GUC_TABLE.slice(start + 1, end).split(';'));
    start = GUC_TABLE.startsWith(`\n${key};`, end) ? end : -1;
  }
  return found;
}

function isIn([, , majors = '']: Fields, major: PostgresMajor): boolean {
  const [from = '', to = from] = majors.split('-');
  return Number(from) <= Number(major) && Number(major) <= Number(to);
}

function gucFrom(fields: Fields): Guc {
  const [, , , type, context, unit = '', min = '', max = '', values = '', also = '', builtIn = ''] = fields;
  return {
    name: nameFrom(fields),
    type: type as Guc['type'],
    context: context as Guc['context'],
    ...(unit === '' ? {} : { unit }),
    ...(min === '' ? {} : { min: Number(min) }),
    ...(max === '' ? {} : { max: Number(max) }),
    // The empty text is a value too: that of ssl_max_protocol_version.
    ...(type === 'enum' ? { values: values.split(',') } : {}),
    ...(also === '' ? {} : { also: new Map(also.split(',').map((pair) => pair.split(':') as [string, string])) }),
    ...(builtIn === '' ? {} : { default: builtIn }),
  };
}
