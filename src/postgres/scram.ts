import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

/**
 * SCRAM-SHA-256 verifiers as PostgreSQL stores them in `pg_authid.rolpassword` (RFC 5803; PostgreSQL `src/common/scram-common.c`,
 * `scram_build_secret`): `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. A role can be created with one, so the password itself
 * never travels in SQL and cannot reach the server's log.
 */

/** What PostgreSQL itself uses (`scram_iterations`, `SCRAM_SHA_256_DEFAULT_ITERATIONS`). */
const SCRAM_ITERATIONS = 4096;
/** Length of the salt in bytes that PostgreSQL uses (`SCRAM_DEFAULT_SALT_LEN`). */
export const SCRAM_SALT_BYTES = 16;

const KEY_BYTES = 32;
const VERIFIER = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

/** The verifier of `password`. The salt is an argument, so that the same input gives the same bytes. */
export function scramVerifier(password: string, salt: Uint8Array, iterations: number = SCRAM_ITERATIONS): string {
  const salted = pbkdf2Sync(saslPrep(password), salt, iterations, KEY_BYTES, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}

/** Whether `stored` (of `pg_authid.rolpassword`) is a SCRAM verifier of `password`. False for MD5 and for anything that is no verifier. */
export function isVerifierOf(stored: string, password: string): boolean {
  const match = VERIFIER.exec(stored);
  if (match === null) return false;
  const [, iterations = '0', salt = ''] = match;
  if (Number(iterations) < 1) return false;
  const expected = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)));
  const found = Buffer.from(stored);
  return expected.length === found.length && timingSafeEqual(expected, found);
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/**
 * The normal form of a password (RFC 4013), as libpq and the server make it. ASCII stays as it is; otherwise odd spaces become spaces, invisible
 * characters vanish and the rest is put into NFKC. Passwords with prohibited characters are used unchanged, as PostgreSQL does.
 */
function saslPrep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const mapped = password
    .replace(/[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, ' ')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKC');
  // eslint-disable-next-line no-control-regex -- control characters are what is prohibited here
  const isProhibited = mapped === '' || /[\u0000-\u001f\u007f-\u009f\u06dd\u070f\ufff9-\uffff\ue000-\uf8ff]/.test(mapped);
  return isProhibited ? password : mapped;
}
