import { shorten } from '../lib/shorten.ts';

/** Rows as aligned columns under a heading, two spaces apart, without spaces at the end; nothing for no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The same with equal rows once: a field that stands for two keys of Patroni is one row to people. */
export function uniqueTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return table(headings, [...new Map(rows.map((row) => [row.join('\n'), row])).values()]);
}

/** Longest text of a value in a cell. */
const MOST_CHARACTERS = 60;

/** A value of a manifest on one line: texts as they are, everything else as JSON, `-` for none. */
export function cell(value: unknown): string {
  const text =
    value === undefined
      ? '-'
      : typeof value === 'string'
        ? value === ''
          ? '""'
          : value
        : typeof value === 'number'
          ? String(value)
          : JSON.stringify(value);
  return shorten(text.replaceAll('\n', '\\n'), MOST_CHARACTERS);
}
