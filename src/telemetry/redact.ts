/** Removes what must not reach a log: values under telling keys, whatever their type, and telling patterns inside any text. */

const REDACTED = '[redacted]';

/** Names of fields whose value is a secret. `key` alone is not one: it is the key of the work queue. */
const SECRET_KEY =
  /pass(?:word|wd|phrase|file)?$|^pgpass|secret$|token$|^authorization$|cookie$|private-?key|\.key$|^(?:jdbc-?)?uri$|^dsn$|connectionstring|^credentials?$|^(?:string|binary)?data$/i;

const PEM_PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi;
const AUTHORIZATION = /\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}/gi;

/** Deep enough for any fact worth logging; a whole manifest is not one. */
const MAX_DEPTH = 6;

/** `text` without private keys in PEM, passwords in URLs, and HTTP credentials. */
export function redactText(text: string): string {
  return text
    .replace(PEM_PRIVATE_KEY, REDACTED)
    .replace(URL_PASSWORD, (_, head: string) => `${head}${REDACTED}@`)
    .replace(AUTHORIZATION, (_, scheme: string) => `${scheme} ${REDACTED}`);
}

/** A copy of `value`, fit for a log line: secrets replaced, at most six levels deep, `toJSON` honoured. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deeper]';
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return redact((toJSON as () => unknown).call(value), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isHidden(key, item) ? REDACTED : redact(item, depth + 1)]));
}

/** A boolean or a number under a telling key is a setting (`hasPassword: true`, `tokenTtlSeconds`), not the secret itself. */
function isHidden(key: string, value: unknown): boolean {
  return SECRET_KEY.test(key) && (typeof value === 'string' || (typeof value === 'object' && value !== null));
}
