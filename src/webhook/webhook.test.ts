import { mkdtemp, rename, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { FakeClock } from '../lib/fake-clock.ts';
import { createCa, issueLeaf, type Issued } from '../pki/issue.ts';
import { generateKeys, parsePrivateKey, randomSerial } from '../pki/keys.ts';
import { silentLogger, type Logger } from '../telemetry/logger.ts';
import { createWebhook, type Webhook } from './webhook.ts';

/** The certificate in files, as cert-manager makes it and the kubelet mounts it: a folder that is exchanged as a whole by a symbolic link. */

const OPERATOR = { images: { postgres: { '17': 'postgres:17' }, etcd: 'etcd', haproxy: 'haproxy' }, clusterDomain: 'cluster.local' };
const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 86_400_000 };
const LOOK_MS = 10_000;
const RETRY_MS = 15_000;

let folder: string;
let clock: FakeClock;
let warnings: unknown[];
let webhook: Webhook;
let versions = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhook-'));
  clock = new FakeClock();
  warnings = [];
  const logger: Logger = { ...silentLogger, warn: (_, facts) => void warnings.push((facts?.error as { code?: string } | undefined)?.code), child: () => logger };
  const rest = { find: forbidden, create: forbidden, patch: forbidden };
  webhook = createWebhook({ settings: { port: 0, certificateFolder: folder, service: 'w', secret: 'w-tls', configuration: 'w' }, namespace: 'x', host: '127.0.0.1', rest, clock, logger, operator: OPERATOR, warningsOf: () => [], lingerMs: 0 });
});

afterEach(async () => {
  await webhook.stop();
  await rm(folder, { recursive: true, force: true });
});

const forbidden = (): never => {
  throw new TypeError('cert-manager’s certificate needs no call of the API server');
};

async function issue(): Promise<Issued & { readonly caPem: string }> {
  const ca = await createCa({ commonName: 'test', serial: randomSerial(), ...life, keys: await generateKeys() });
  const leaf = await issueLeaf({ ca: { certPem: ca.certPem, privateKey: await parsePrivateKey(ca.keyPem) }, commonName: '', organization: 'test', dnsNames: ['w.x.svc'], ipAddresses: [], usages: ['server'], serial: randomSerial(), ...life, keys: await generateKeys() });
  return { ...leaf, caPem: ca.certPem };
}

async function mount({ certPem, keyPem }: Pick<Issued, 'certPem' | 'keyPem'>): Promise<void> {
  const version = `..${String(versions++)}`;
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, 'tls.crt'), certPem);
  await writeFile(join(folder, version, 'tls.key'), keyPem);
  await symlink(version, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(folder, file)).catch(() => undefined);
}

/** Whether the webhook shows a certificate that `caPem` signed. */
function isTrusted(caPem: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: webhook.port() ?? 0, ca: caPem, servername: 'w.x.svc' }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}

/** Lets `ms` pass and the look that is due then come to its end, which arms the next. */
async function pass(ms: number): Promise<void> {
  await clock.advance(ms);
  const deadlineMs = performance.now() + 5000;
  while (clock.pendingMs().length === 0 && performance.now() < deadlineMs) await new Promise((resolve) => setImmediate(resolve));
}

test('opens once the files are there, and says meanwhile what is missing', async () => {
  await webhook.start();
  expect(webhook.port()).toBeUndefined();
  expect(warnings).toEqual(['ERR_WEBHOOK_CERTIFICATE']);
  const first = await issue();
  await mount(first);
  await pass(RETRY_MS);
  expect(await isTrusted(first.caPem)).toBe(true);
});

test('shows a certificate that was exchanged within ten seconds', async () => {
  const [first, second] = [await issue(), await issue()];
  await mount(first);
  await webhook.start();
  await mount(second);
  await pass(LOOK_MS);
  expect([await isTrusted(first.caPem), await isTrusted(second.caPem)]).toEqual([false, true]);
  expect(warnings).toEqual([]);
});

test('goes on with what it has while certificate and key do not belong together', async () => {
  const [first, second] = [await issue(), await issue()];
  await mount(first);
  await webhook.start();
  await mount({ certPem: second.certPem, keyPem: first.keyPem });
  await pass(LOOK_MS);
  expect(await isTrusted(first.caPem)).toBe(true);
  expect(warnings).toEqual(['ERR_WEBHOOK_CERTIFICATE']);
  await mount(second);
  await pass(RETRY_MS);
  expect(await isTrusted(second.caPem)).toBe(true);
});
