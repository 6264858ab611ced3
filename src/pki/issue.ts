// @peculiar/x509 needs the metadata polyfill to be there before it loads.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';

import * as x509 from '@peculiar/x509';

import { type KeyPair, privateKeyPem, SIGNATURE_ALGORITHM } from './keys.ts';

/** A certificate and its private key, both PEM. */
export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CaRequest {
  readonly commonName: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly keys: KeyPair;
}

export interface LeafRequest {
  readonly ca: { readonly certPem: string; readonly privateKey: webcrypto.CryptoKey };
  /** May be empty: then the certificate has no common name at all. */
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: readonly ('server' | 'client')[];
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly keys: KeyPair;
}

const { KeyUsageFlags: Flag } = x509;

/** A self-signed CA that may sign leaves only (path length 0). keyUsage and key identifiers are there because strict verifiers (Python 3.13) demand them. */
export async function createCa(request: CaRequest): Promise<Issued> {
  const { commonName, serial, notBeforeMs, notAfterMs, keys } = request;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [commonName] }],
      serialNumber: serial,
      notBefore: new Date(notBeforeMs),
      notAfter: new Date(notAfterMs),
      keys,
      signingAlgorithm: SIGNATURE_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(Flag.keyCertSign | Flag.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPem: withNewline(certificate.toString('pem')), keyPem: await privateKeyPem(keys) };
}

/** A leaf certificate signed by `request.ca`. */
export async function issueLeaf(request: LeafRequest): Promise<Issued> {
  const { ca, commonName, organization, dnsNames, ipAddresses, usages, serial, notBeforeMs, notAfterMs, keys } = request;
  const issuer = new x509.X509Certificate(ca.certPem);
  const alternativeNames: x509.JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [{ O: [organization] }, ...(commonName === '' ? [] : [{ CN: [commonName] }])],
      issuer: issuer.subjectName,
      serialNumber: serial,
      notBefore: new Date(notBeforeMs),
      notAfter: new Date(notAfterMs),
      publicKey: keys.publicKey,
      signingKey: ca.privateKey,
      signingAlgorithm: SIGNATURE_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(Flag.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages.map((usage) => x509.ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth'])),
        ...(alternativeNames.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternativeNames)]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPem: withNewline(certificate.toString('pem')), keyPem: await privateKeyPem(keys) };
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
