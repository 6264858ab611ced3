import { DYNAMIC_KEYS, DYNAMIC_POSTGRESQL_KEYS, PATRONI_MINIMUM, STANDBY_SETTINGS } from '../config/dynamic-keys.ts';
import type { KeyType } from '../config/key-type.ts';
import { LOCAL_KEYS } from '../config/local-keys.ts';
import { PROTECTED_DYNAMIC, PROTECTED_LOCAL, PROTECTED_PARAMETERS, type ProtectedKey } from '../config/protected.ts';
import { VERDICTS } from '../config/verdicts.ts';
import { formatPath } from '../lib/json-path.ts';
import { table } from './markdown.ts';

/** `docs/reference/patroni-configuration.md`: what may be set, what is refused, and why. */
export function configDoc(): string {
  return `# Configuration of Patroni and PostgreSQL: what is checked

How the layers work together is told in [the three layers](../concepts/configuration.md). This page holds the tables that the validator goes by: at admission where the
[webhook](../howto/validating-webhook.md) is on, in every pass of the operator, and in \`patroni-operator validate\`.

## Verdicts

What \`status.config\` and \`patroni-operator config explain\` say of each key that a spec sets.

${table(['Verdict', 'Meaning'], Object.entries(VERDICTS).map(([verdict, means]) => [`\`${verdict}\``, means]))}
## Refused in \`spec.patroni.config\`

${protectedTable(PROTECTED_LOCAL)}
## Refused in \`spec.patroni.dynamicConfig\` and \`spec.patroni.config.bootstrap.dcs\`

${protectedTable(PROTECTED_DYNAMIC)}
## Refused settings of PostgreSQL

In \`spec.postgres.parameters\` and under \`postgresql.parameters\` of both maps.

${protectedTable(PROTECTED_PARAMETERS)}
Every other setting is checked against a catalogue of the settings of its PostgreSQL major version, made from the servers themselves: name, type, unit, bounds, choices. A name that no
version knows is a warning, unless it has a prefix (\`pg_stat_statements.max\`). Spellings that PostgreSQL takes and Patroni leaves out with no more than a line in its log are refused, each with what
to write instead: shortened words (\`t\` for \`on\`), unlisted words (\`debug\` for \`debug2\`, \`hot_standby\` for \`replica\`), \`5.\`, hexadecimal real numbers.

Patroni takes these only from a certain value on, and its own default instead of less:

${table(['Setting', 'At least'], Object.entries(PATRONI_MINIMUM).map(([name, least]) => [`\`${name}\``, String(least)]))}
A standby must have at least as much of these as its leader: ${STANDBY_SETTINGS.map((name) => `\`${name}\``).join(', ')}. They are raised on the replicas first and lowered on the leader first.

## Keys of the dynamic configuration

\`loop_wait + 2 × retry_timeout ≤ ttl\` must hold for what the layers give together. Keys that are not in this table are a warning, or an error when they look like one that is misspelt.

${keyTable({ ...DYNAMIC_KEYS, ...Object.fromEntries(Object.entries(DYNAMIC_POSTGRESQL_KEYS).map(([name, type]) => [`postgresql.${name}`, type])) })}
## Keys of the local file

${keyTable(Object.fromEntries(Object.entries(LOCAL_KEYS).flatMap(([section, keys]) => Object.entries(keys).map(([name, type]) => [`${section}.${name}`, type]))))}`;
}

function protectedTable(rows: readonly ProtectedKey[]): string {
  return table(['Key', 'Because it', 'Instead'], rows.map(({ path, why, remedy }) => [`\`${formatPath(path)}\``, why, remedy === 'remove it' ? '' : remedy]));
}

function keyTable(keys: Readonly<Record<string, KeyType>>): string {
  return table(['Key', 'Type'], Object.entries(keys).map(([name, type]) => [`\`${name}\``, typeText(type)]));
}

const WORDS: Readonly<Record<KeyType['type'], string>> = {
  integer: 'whole number',
  boolean: 'true or false',
  booleanOrQuorum: 'true, false or quorum',
  duration: 'seconds, or a duration such as 30min',
  text: 'text',
  textList: 'list of texts',
  textOrList: 'text or list',
  map: 'map',
  list: 'list',
  choice: 'one of',
};

function typeText({ type, min, max, unit, values }: KeyType): string {
  const bounds = min === undefined ? '' : max === undefined ? `, at least ${String(min)}` : `, ${String(min)} to ${String(max)}`;
  return `${WORDS[type]}${values === undefined ? '' : ` ${values.join(', ')}`}${unit === undefined ? '' : unit === 's' ? ' of seconds' : ' of bytes'}${bounds}`;
}
