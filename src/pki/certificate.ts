import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What the operator wants to know of a certificate. */
export interface CertificateFacts {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the DER form, lower-case hex. */
  readonly fingerprint: string;
  /** Common name, empty when there is none. */
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Lower-case hex. */
  readonly serial: string;
  readonly isCa: boolean;
}

/**
 * Facts of the first certificate in `pem`.
 * @throws Error (OpenSSL's) when the text holds no certificate
 */
export function readCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  const names = (certificate.subjectAltName ?? '').split(', ');
  return {
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    commonName: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '',
    dnsNames: withPrefix(names, 'DNS:'),
    ipAddresses: withPrefix(names, 'IP Address:'),
    serial: certificate.serialNumber.toLowerCase(),
    isCa: certificate.ca,
  };
}

/** Whether `keyPem` is the private key of the first certificate in `certPem`; false when either is unreadable. */
export function isKeyOf(keyPem: string, certPem: string): boolean {
  return readable(() => new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem)));
}

/** Whether the first certificate in `caPem` is a CA that signed the first one in `certPem`; false when either is unreadable. Says nothing about time. */
export function isIssuedBy(certPem: string, caPem: string): boolean {
  return readable(() => {
    const [certificate, ca] = [new X509Certificate(certPem), new X509Certificate(caPem)];
    return ca.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
  });
}

function readable(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

function withPrefix(names: readonly string[], prefix: string): readonly string[] {
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}
