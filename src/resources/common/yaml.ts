import { dump } from 'js-yaml';

/**
 * YAML for a program that reads YAML 1.1 (Patroni uses PyYAML): every string is quoted, so that `off`, `1e5` or `12:30` stay strings there too.
 * Keys keep their order, so equal input gives equal bytes.
 */
export function quotedYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true, forceQuotes: true, quoteStyle: 'double' });
}
