/** A throw-away certificate authority for tests: `const ca = await createTestAuthority(); const leaf = await ca.issue({ dnsNames: ['pg-0'] })`. */
import { createCa, type Issued, issueLeaf } from '../../src/pki/issue.ts';
import { generateKeys, randomSerial } from '../../src/pki/keys.ts';

export interface TestAuthority {
  readonly certPem: string;
  issue(names: {
    readonly dnsNames?: readonly string[];
    readonly ipAddresses?: readonly string[];
    readonly usages?: readonly ('server' | 'client')[];
    /** Length of validity from now; negative for a certificate that is expired. @default one day */
    readonly validForMs?: number;
  }): Promise<Issued>;
}

const DAY_MS = 86_400_000;

export async function createTestAuthority(commonName = 'test CA'): Promise<TestAuthority> {
  const keys = await generateKeys();
  const nowMs = Date.now();
  const { certPem } = await createCa({
    commonName,
    serial: randomSerial(),
    notBeforeMs: nowMs - 2 * DAY_MS,
    notAfterMs: nowMs + 2 * DAY_MS,
    keys,
  });
  return {
    certPem,
    async issue({ dnsNames = [], ipAddresses = [], usages = ['server', 'client'], validForMs = DAY_MS }) {
      return issueLeaf({
        ca: { certPem, privateKey: keys.privateKey },
        commonName: '',
        organization: 'patroni-operator test',
        dnsNames,
        ipAddresses,
        usages,
        serial: randomSerial(),
        notBeforeMs: Date.now() - 2 * DAY_MS,
        notAfterMs: Date.now() + validForMs,
        keys: await generateKeys(),
      });
    },
  };
}
