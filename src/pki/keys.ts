import { randomBytes, webcrypto } from 'node:crypto';

/** ECDSA on P-256: small, fast to check (Patroni's REST API is asked several times a second) and known to every client. */
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;

export interface KeyPair {
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

/** A new key pair. Random, so not for builders: callers pass the result on. */
export async function generateKeys(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

/** A new certificate serial number: 127 random bits in hex, never zero, positive in DER. */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** Private key as PKCS #8 PEM, which OpenSSL, Go and Python all read. */
export async function privateKeyPem(keys: KeyPair): Promise<string> {
  return pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
}

/**
 * The signing key in a PKCS #8 PEM.
 * @throws DOMException when the text is not a P-256 private key
 */
export async function parsePrivateKey(text: string): Promise<webcrypto.CryptoKey> {
  const base64 = text.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return webcrypto.subtle.importKey('pkcs8', Buffer.from(base64, 'base64'), KEY_ALGORITHM, false, ['sign']);
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
