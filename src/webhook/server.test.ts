import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { API_VERSION } from '../api/meta.ts';
import { createCa, issueLeaf, type Issued } from '../pki/issue.ts';
import { generateKeys, parsePrivateKey, randomSerial } from '../pki/keys.ts';
import { systemClock } from '../lib/clock.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createWebhookServer, WEBHOOK_PATH, type WebhookServer, type WebhookServerOptions } from './server.ts';

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

async function serve(warningsOf: () => readonly string[] = () => [], settings: Partial<WebhookServerOptions> = {}): Promise<number> {
  server = createWebhookServer({ host: '127.0.0.1', port: 0, certificate: await certificate(), operator: OPERATOR, warningsOf, clock: systemClock, logger: silentLogger, metrics, lingerMs: 0, ...settings });
  return server.start();
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly fingerprint: string;
  readonly connection: string;
}

function send(port: number, { method = 'POST', path = WEBHOOK_PATH, type = 'application/json', body = '', agent = false }: { method?: string; path?: string; type?: string; body?: string; agent?: Agent | false } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, ca: ca.certPem, servername: 'webhook.test', agent, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } }, (response) => {
      const socket = response.socket as unknown as { getPeerCertificate(): { fingerprint256: string } };
      const { fingerprint256 } = socket.getPeerCertificate();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), fingerprint: fingerprint256, connection: response.headers.connection ?? '' }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const reviewOf = (spec: unknown): string =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'u1', operation: 'CREATE', kind: { group: 'patroni-operator.dev', kind: 'PatroniCluster' }, object: { apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: 'orders', namespace: 'shop' }, spec } } });

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
    [413, { body: JSON.stringify({ fill: 'x'.repeat(7 * 2 ** 20) }) }],
    [415, { type: 'application/jsonp', body: reviewOf({}) }],
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

  test('goes on with its certificate when the next one does not belong to its key', async () => {
    const port = await serve();
    const before = (await send(port, { body: reviewOf({}) })).fingerprint;
    const [one, other] = [await certificate(), await certificate()];
    expect(() => server?.useCertificate({ certPem: one.certPem, keyPem: other.keyPem })).toThrow(expect.objectContaining({ code: 'ERR_WEBHOOK_CERTIFICATE' }));
    expect(() => server?.useCertificate({ certPem: 'nonsense', keyPem: one.keyPem })).toThrow(expect.objectContaining({ code: 'ERR_WEBHOOK_CERTIFICATE' }));
    expect(await send(port, { body: reviewOf({}) })).toMatchObject({ status: 200, fingerprint: before });
  });

  test('goes on with connections that are open when its certificate changes', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ca.certPem });
    try {
      const port = await serve();
      const before = (await send(port, { body: reviewOf({}), agent })).fingerprint;
      server?.useCertificate(await certificate());
      expect(await send(port, { body: reviewOf({}), agent })).toMatchObject({ status: 200, fingerprint: before });
    } finally {
      agent.destroy();
    }
  });

  test('speaks no TLS older than 1.2', async () => {
    const port = await serve();
    const socket = connectTls({ host: '127.0.0.1', port, ca: ca.certPem, servername: 'webhook.test', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/protocol version|unsupported protocol|no protocols/);
  });

  test.each(['before the handshake', 'before the request', 'in the middle of a body'])('lets go of a client that stalls %s, and serves others meanwhile', async (when) => {
    const port = await serve(() => [], { patienceMs: 700 });
    const socket = when === 'before the handshake' ? connect({ host: '127.0.0.1', port }) : connectTls({ host: '127.0.0.1', port, ca: ca.certPem, servername: 'webhook.test' });
    socket.on('error', () => undefined).resume();
    await once(socket, when === 'before the handshake' ? 'connect' : 'secureConnect');
    if (when === 'in the middle of a body') socket.write(`POST ${WEBHOOK_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`);
    const closed = once(socket, 'close');
    expect((await send(port, { body: reviewOf({}) })).status).toBe(200);
    await closed;
  });

  test('takes it calmly when a client breaks off', async () => {
    const errors: string[] = [];
    const calm = new Promise<void>((resolve) => {
      const debug = (message: string): void => {
        if (message.includes('broken off')) resolve();
      };
      const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message), debug };
      void serve(() => [], { logger }).then((port) => {
        const outgoing = request({ host: '127.0.0.1', port, method: 'POST', path: WEBHOOK_PATH, ca: ca.certPem, servername: 'webhook.test', agent: false, headers: { 'content-type': 'application/json', 'content-length': 1000 } });
        outgoing.on('error', () => undefined);
        outgoing.write('{', () => setTimeout(() => outgoing.destroy(), 20));
      });
    });
    await calm;
    expect(errors).toEqual([]);
  });

  test('serves on for a while after it was told to stop, and asks clients to come back elsewhere', async () => {
    const port = await serve(() => [], { lingerMs: 700 });
    const stopped = server?.stop();
    expect(await send(port, { body: reviewOf({}) })).toMatchObject({ status: 200, connection: 'close' });
    await stopped;
    await expect(send(port, { body: reviewOf({}) })).rejects.toThrow(/ECONNREFUSED/);
  });

  test('does not wait for ever for a client that holds a request open', async () => {
    const port = await serve();
    const socket = connectTls({ host: '127.0.0.1', port, ca: ca.certPem, servername: 'webhook.test' });
    socket.on('error', () => undefined).resume();
    await once(socket, 'secureConnect');
    socket.write(`POST ${WEBHOOK_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`);
    await send(port, { body: reviewOf({}) });
    const closed = once(socket, 'close');
    await server?.stop();
    await closed;
  });

  test('counts requests by status, with the names of controller-runtime', async () => {
    const port = await serve();
    await send(port, { body: reviewOf({}) });
    expect(await metrics.registry.metrics()).toMatch(/controller_runtime_webhook_requests_total\{webhook="\/validate-patronicluster",code="200"\} [1-9]/);
  });
});
