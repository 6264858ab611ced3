import { createHash } from 'node:crypto';

/**
 * JSON with the keys of every object sorted by UTF-16 code unit and no white space: equal values give equal bytes. Members that are undefined
 * are left out and undefined elements become null, as in JSON.stringify; `toJSON` is honoured (dates, redacted secrets).
 * @throws TypeError on a cycle, a BigInt or a number that JSON cannot carry (NaN, Infinity): silently writing null would hide a defect.
 */
export function canonicalJson(value: unknown): string {
  const text = write(value, new Set());
  if (text === undefined) throw new TypeError('undefined has no JSON form');
  return text;
}

function write(raw: unknown, open: Set<object>): string | undefined {
  const value = hasToJson(raw) ? raw.toJSON() : raw;
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${String(value)} has no JSON form`);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (open.has(value)) throw new TypeError('a cycle has no JSON form');
  open.add(value);
  const text = Array.isArray(value) ? writeArray(value, open) : writeObject(value, open);
  open.delete(value);
  return text;
}

function writeArray(value: readonly unknown[], open: Set<object>): string {
  return `[${value.map((item) => write(item, open) ?? 'null').join(',')}]`;
}

function writeObject(value: object, open: Set<object>): string {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = write((value as Record<string, unknown>)[key], open);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** SHA-256 of the UTF-8 bytes of `text`, 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The first `length` hex digits of the SHA-256 of `text`; for names and annotations, not for security. @default 10 digits */
export function shortHash(text: string, length = 10): string {
  return sha256Hex(text).slice(0, length);
}
