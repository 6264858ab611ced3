import { X509Certificate } from 'node:crypto';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { readCertificate } from './certificate.ts';
import { createCa, type Issued, issueLeaf, type LeafRequest } from './issue.ts';
import { generateKeys, parsePrivateKey, privateKeyPem, randomSerial } from './keys.ts';

const START_MS = Date.parse('2026-11-22T00:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;

let ca: Issued;

beforeAll(async () => {
  ca = await createCa({
    commonName: 'orders.shop CA',
    serial: '01',
    notBeforeMs: START_MS,
    notAfterMs: START_MS + 3650 * DAY_MS,
    keys: await generateKeys(),
  });
});

async function leaf(changes: Partial<LeafRequest> = {}): Promise<Issued> {
  return issueLeaf({
    ca: { certPem: ca.certPem, privateKey: await parsePrivateKey(ca.keyPem) },
    commonName: 'patroni-rest',
    organization: 'orders',
    dnsNames: ['*.orders-postgres.shop.svc.cluster.local', 'localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
    usages: ['server'],
    serial: '4c2626f88bfee76f47ce2b5b1dcdaa5c',
    notBeforeMs: START_MS,
    notAfterMs: START_MS + 90 * DAY_MS,
    keys: await generateKeys(),
    ...changes,
  });
}

describe('the CA', () => {
  test('is a certificate authority that signs itself, for as long as asked', () => {
    const certificate = new X509Certificate(ca.certPem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(readCertificate(ca.certPem)).toMatchObject({ commonName: 'orders.shop CA', isCa: true, notAfterMs: START_MS + 3650 * DAY_MS });
  });
});

describe('a leaf', () => {
  test('is signed by the CA and says what was asked for', async () => {
    const { certPem } = await leaf();
    const [certificate, authority] = [new X509Certificate(certPem), new X509Certificate(ca.certPem)];
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(readCertificate(certPem)).toMatchObject({
      commonName: 'patroni-rest',
      dnsNames: ['*.orders-postgres.shop.svc.cluster.local', 'localhost'],
      ipAddresses: ['127.0.0.1', '0:0:0:0:0:0:0:1'],
      serial: '4c2626f88bfee76f47ce2b5b1dcdaa5c',
      isCa: false,
      notBeforeMs: START_MS,
      notAfterMs: START_MS + 90 * DAY_MS,
    });
  });

  test('matches every pod of its StatefulSet by host name', async () => {
    const certificate = new X509Certificate((await leaf()).certPem);
    expect(certificate.checkHost('orders-postgres-7.orders-postgres.shop.svc.cluster.local')).toBeDefined();
    expect(certificate.checkHost('orders-postgres-7.orders-postgres.other.svc.cluster.local')).toBeUndefined();
  });

  test('has no common name at all when that is empty', async () => {
    const { certPem } = await leaf({ commonName: '', dnsNames: [], ipAddresses: [], usages: ['client'] });
    expect(new X509Certificate(certPem).subject).toBe('O=orders');
    expect(readCertificate(certPem)).toMatchObject({ commonName: '', dnsNames: [], ipAddresses: [] });
  });

  test.each([
    [['server'], ['1.3.6.1.5.5.7.3.1']],
    [['client'], ['1.3.6.1.5.5.7.3.2']],
    [
      ['server', 'client'],
      ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    ],
  ] as const)('may be used as %p and for nothing else', async (usages, oids) => {
    expect(new X509Certificate((await leaf({ usages })).certPem).keyUsage).toEqual(oids);
  });

  test('comes with the key that belongs to it', async () => {
    const keys = await generateKeys();
    const { certPem, keyPem } = await leaf({ keys });
    expect(keyPem).toBe(await privateKeyPem(keys));
    expect(keyPem.startsWith('-----BEGIN PRIVATE KEY-----\n')).toBe(true);
    expect(certPem.endsWith('-----END CERTIFICATE-----\n')).toBe(true);
  });
});

test('serial numbers are positive, of one length and different', () => {
  const serials = Array.from({ length: 100 }, randomSerial);
  expect(new Set(serials).size).toBe(100);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
});
