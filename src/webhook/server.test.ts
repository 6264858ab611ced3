import { request } from 'node:https';

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { API_VERSION } from '../api/meta.ts';
import { createCa, issueLeaf, type Issued } from '../pki/issue.ts';
import { generateKeys, parsePrivateKey, randomSerial } from '../pki/keys.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createWebhookServer, WEBHOOK_PATH, type WebhookServer } from './server.ts';

const OPERATOR = { images: { postgres: { '17': 'postgres:17' }, etcd: 'etcd', haproxy: 'haproxy' }, clusterDomain: 'cluster.local' };
const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 86_400_000 };
let ca: Issued;

async function certificate() {
  const issued = await issueLeaf({ ca: { certPem: ca.certPem, privateKey: await parsePrivateKey(ca.keyPem) }, commonName: 'webhook', organization: 'test', dnsNames: ['webhook.test'], ipAddresses: [], usages: ['server'], serial: randomSerial(), ...life, keys: await generateKeys() });
  return { certPem: issued.certPem, keyPem: issued.keyPem };
}

beforeAll(async () => {
  ca = await createCa({ commonName: 'test', serial: randomSerial(), ...life, keys: await generateKeys() });
});

let server: WebhookServer | undefined;
afterEach(() => server?.stop());

const metrics = createMetrics({ processMetrics: false });

async function serve(warningsOf: () => readonly string[] = () => []): Promise<number> {
  server = createWebhookServer({ host: '127.0.0.1', port: 0, certificate: await certificate(), operator: OPERATOR, warningsOf, logger: createLogger({ level: 'silent' }), metrics });
  return server.start();
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly fingerprint: string;
}

function send(port: number, { method = 'POST', path = WEBHOOK_PATH, type = 'application/json', body = '' }: { method?: string; path?: string; type?: string; body?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, ca: ca.certPem, servername: 'webhook.test', agent: false, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } }, (response) => {
      const socket = response.socket as unknown as { getPeerCertificate(): { fingerprint256: string } };
      const { fingerprint256 } = socket.getPeerCertificate();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), fingerprint: fingerprint256 }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const reviewOf = (spec: unknown): string =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'u1', operation: 'CREATE', kind: { kind: 'PatroniCluster' }, object: { apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: 'orders', namespace: 'shop' }, spec } } });

describe('the server of the webhook', () => {
  test('answers a review over verified TLS', async () => {
    const port = await serve();
    const { status, body } = await send(port, { body: reviewOf({ patroni: { config: { scope: 'x' } } }) });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ response: { uid: 'u1', allowed: false } });
    expect(JSON.parse((await send(port, { body: reviewOf({}) })).body)).toMatchObject({ response: { allowed: true } });
  });

  test.each([
    [404, { path: '/other' }],
    [405, { method: 'GET' }],
    [415, { type: 'text/plain', body: reviewOf({}) }],
    [413, { body: JSON.stringify({ fill: 'x'.repeat(5 * 2 ** 20) }) }],
    [400, { body: '{' }],
    [400, { body: '{}' }],
  ])('answers %i to what is no review: %#', async (status, what) => {
    expect((await send(await serve(), what)).status).toBe(status);
  });

  test('answers 500 when it fails itself, so that failurePolicy decides', async () => {
    const port = await serve(() => {
      throw new Error('broken');
    });
    expect((await send(port, { body: reviewOf({}) })).status).toBe(500);
  });

  test('shows another certificate from the next connection on', async () => {
    const port = await serve();
    const before = (await send(port, { body: reviewOf({}) })).fingerprint;
    server?.useCertificate(await certificate());
    const after = await send(port, { body: reviewOf({}) });
    expect(after.status).toBe(200);
    expect(after.fingerprint).not.toBe(before);
  });

  test('counts requests by status, with the names of controller-runtime', async () => {
    const port = await serve();
    await send(port, { body: reviewOf({}) });
    expect(await metrics.registry.metrics()).toMatch(/controller_runtime_webhook_requests_total\{webhook="\/validate-patronicluster",code="200"\} [1-9]/);
  });
});
