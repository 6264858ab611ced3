import { gucNames, gucOf, POSTGRES_MAJORS, type Guc } from '../../src/postgres/gucs/catalogue.ts';

/** A setting with a value for it. */
export type GucValue = readonly [major: string, name: string, value: string | number | boolean];

const NUMBERS = ['0', '1', '2', '10', '16', '100', '1000', '100000', '1.5', '0.5', '.5', '5.', '0x10', '010', '1e3', '1.5e3', '1e-3', ' 5 ', '+5', '-1', '9 '];
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'us', 'ms', 's', 'min', 'h', 'd'];
const AMOUNTS = ['1', '10', '1000', '1.5', '.5', '5.', '0x10', ' 5 ', '1e2', '010'];

/** Spellings of values for every setting of every major, right ones and wrong ones, each kind that PostgreSQL's own parsers tell apart. */
export function gucValues(): readonly GucValue[] {
  return POSTGRES_MAJORS.flatMap((major) =>
    gucNames(major).flatMap((name) => {
      const guc = gucOf(major, name);
      return guc === undefined ? [] : spellings(guc).map((value): GucValue => [major, name, value]);
    }),
  );
}

function spellings({ type, values = [], also = new Map<string, string>(), min, max, default: builtIn }: Guc): readonly GucValue[2][] {
  switch (type) {
    case 'bool':
      return [true, false, 1, 0, 'on', 'OFF', 'True', 'no', 't', 'of', 'y', '0'];
    case 'enum':
      return [...values, ...values.map((word) => word.toUpperCase()), ...also.keys(), true, false];
    case 'string':
      return ['', 'x'];
    case 'integer':
    case 'real':
      return [...[min, max, builtIn].flatMap((value) => value ?? []), ...NUMBERS, ...AMOUNTS.flatMap((amount) => UNITS.flatMap((unit) => [`${amount}${unit}`, `${amount} ${unit}`]))];
  }
}
