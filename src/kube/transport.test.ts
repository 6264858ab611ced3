import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createTestAuthority } from '../../test/support/certificates.ts';
import { errorCode } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { systemClock } from '../lib/clock.ts';
import { Secret } from '../lib/secret.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { KubeTls } from './client-node.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

const cleanUp: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A stub server that counts requests and connections. */
async function stub(handler: Handler): Promise<{ url: string; connections: () => number; requests: () => number }> {
  let connections = 0;
  let requests = 0;
  const server = createServer((request, response) => handler(request, response, ++requests));
  server.on('connection', () => connections++);
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, connections: () => connections, requests: () => requests };
}

function open(
  server: string,
  options: Partial<TransportOptions> & { tls?: KubeTls; headers?: Record<string, string>; onRefresh?: () => void } = {},
): Transport {
  const access = {
    server,
    credentials: () => Promise.resolve({ headers: new Secret(options.headers ?? {}), tls: options.tls ?? {}, tlsHash: 'x' }),
    refresh: () => options.onRefresh?.(),
  };
  const transport = createTransport({ access, version: '1.2.3', clock: systemClock, ...options });
  cleanUp.push(() => transport.close());
  return transport;
}

const code = async (work: Promise<unknown>): Promise<string> => work.then(() => 'no error', errorCode);

describe('transport', () => {
  test('reuses connections, and says who it is', async () => {
    let seen: IncomingMessage['headers'] = {};
    const server = await stub((request, response) => {
      seen = request.headers;
      response.end('{}');
    });
    const transport = open(server.url, { headers: { authorization: 'Bearer t' } });
    for (let i = 0; i < 20; i++) await transport.request({ method: 'GET', path: '/x' });
    // undici opens a second one when a request comes before the first connection is marked free.
    expect(server.connections()).toBeLessThanOrEqual(2);
    expect(seen).toMatchObject({ 'user-agent': 'patroni-operator/1.2.3', authorization: 'Bearer t', accept: 'application/json' });
  });

  test('keeps a path prefix of the server URL', async () => {
    let path = '';
    const server = await stub((request, response) => {
      path = request.url ?? '';
      response.end('{}');
    });
    await open(`${server.url}/k8s/clusters/c1`).request({ method: 'GET', path: '/api/v1/pods?limit=1' });
    expect(path).toBe('/k8s/clusters/c1/api/v1/pods?limit=1');
  });

  test('waits as long as Retry-After says when throttled, for every method', async () => {
    const server = await stub((_, response, n) => {
      if (n < 3) response.writeHead(429, { 'retry-after': '2' });
      response.end('{}');
    });
    const clock = new FakeClock();
    const transport = open(server.url, { clock });
    let status: number | undefined;
    void transport.request({ method: 'PATCH', path: '/x', body: '{}' }).then((response) => (status = response.status));
    for (let i = 0; i < 2; i++) {
      while (clock.pendingMs().length === 0) await clock.settle();
      expect(clock.pendingMs()).toEqual([2000]);
      await clock.advance(2000);
    }
    while (status === undefined) await clock.settle();
    expect([status, server.requests()]).toEqual([200, 3]);
  });

  test('does not wait for a refused eviction, nor longer than ten seconds', async () => {
    const server = await stub((request, response) =>
      response.writeHead(429, { 'retry-after': request.url === '/long' ? '60' : '1' }).end('{}'),
    );
    const transport = open(server.url);
    expect((await transport.request({ method: 'POST', path: '/eviction', retryThrottled: false })).status).toBe(429);
    expect((await transport.request({ method: 'GET', path: '/long' })).status).toBe(429);
    expect(server.requests()).toBe(2);
  });

  test('repeats a read, but not a write, when the server closes the connection under it', async () => {
    const server = await stub((request, response, n) => {
      if (n === 1 || request.method === 'POST') request.socket.destroy();
      else response.end('{}');
    });
    const transport = open(server.url);
    expect((await transport.request({ method: 'GET', path: '/x' })).status).toBe(200);
    expect(await code(transport.request({ method: 'POST', path: '/x', body: '{}' }))).toBe('ERR_KUBE_UNAVAILABLE');
    expect(server.requests()).toBe(3);
  });

  test('tells a server that is down, one that is slow and a caller that gave up apart', async () => {
    const server = await stub(() => undefined);
    const transport = open(server.url);
    expect(await code(transport.request({ method: 'GET', path: '/x', timeoutMs: 30 }))).toBe('ERR_KUBE_TIMEOUT');
    const abort = new AbortController();
    const given = code(transport.request({ method: 'GET', path: '/x', signal: abort.signal }));
    abort.abort();
    expect(await given).toBe('ERR_KUBE_ABORTED');
    expect(await code(transport.request({ method: 'GET', path: '/x', signal: abort.signal }))).toBe('ERR_KUBE_ABORTED');
    expect(await code(open('http://127.0.0.1:1').request({ method: 'GET', path: '/x' }))).toBe('ERR_KUBE_UNAVAILABLE');
  });

  test('a body cut off in the middle is an error', async () => {
    const server = await stub((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":');
      setImmediate(() => response.destroy());
    });
    expect(await code(open(server.url).request({ method: 'PUT', path: '/x', body: '{}' }))).toBe('ERR_KUBE_UNAVAILABLE');
  });

  test('asks for credentials anew after a 401', async () => {
    const server = await stub((_, response) => response.writeHead(401).end('{}'));
    let refreshed = 0;
    await open(server.url, { onRefresh: () => refreshed++ }).request({ method: 'GET', path: '/x' });
    expect(refreshed).toBe(1);
  });

  test('a stream may be silent for longer than a request may take', async () => {
    let finish: () => void = () => undefined;
    const server = await stub((_, response) => {
      response.writeHead(200);
      response.write('first\n');
      finish = () => response.end('last\n');
    });
    const stream = await open(server.url).stream({ method: 'GET', path: '/x', timeoutMs: 40 });
    const chunks = stream.chunks[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('first\n');
    // Past the 40 ms, by the server's clock and ours alike.
    setTimeout(() => finish(), 120);
    expect(String((await chunks.next()).value)).toBe('last\n');
    expect((await chunks.next()).done).toBe(true);
  });

  test('verifies the server by the given CA, and changes connections with the credentials', async () => {
    const authority = await createTestAuthority();
    const stranger = await createTestAuthority();
    const { certPem, keyPem } = await authority.issue({ ipAddresses: ['127.0.0.1'] });
    let connections = 0;
    const server = createTlsServer({ cert: certPem, key: keyPem }, (_, response) => response.end('{}'));
    server.on('secureConnection', () => connections++);
    const url = `https://127.0.0.1:${await listen(server)}`;
    let ca = stranger.certPem;
    const credentials = () => Promise.resolve({ headers: new Secret({}), tls: { ca }, tlsHash: ca });
    const transport = createTransport({ access: { server: url, credentials, refresh: () => undefined }, version: '1', clock: systemClock });
    cleanUp.push(() => transport.close());
    expect(await code(transport.request({ method: 'GET', path: '/x' }))).toBe('ERR_KUBE_UNAVAILABLE');
    ca = authority.certPem;
    for (let i = 0; i < 10; i++) expect((await transport.request({ method: 'GET', path: '/x' })).status).toBe(200);
    expect(connections).toBeLessThanOrEqual(2);
  });

  test('counts requests by status, with <error> for none', async () => {
    const server = await stub((_, response) => response.writeHead(404).end('{}'));
    const metrics = createMetrics({ processMetrics: false });
    await open(server.url, { metrics }).request({ method: 'GET', path: '/x' });
    await code(open('http://127.0.0.1:1', { metrics }).request({ method: 'PUT', path: '/x' }));
    const text = await metrics.registry.metrics();
    expect(text).toContain(`rest_client_requests_total{code="404",method="GET",host="${new URL(server.url).host}"} 1`);
    expect(text).toContain('rest_client_requests_total{code="<error>",method="PUT",host="127.0.0.1:1"} 1');
  });

  test('refuses to work once closed', async () => {
    const server = await stub((_, response) => response.end('{}'));
    const transport = open(server.url);
    await transport.request({ method: 'GET', path: '/x' });
    await transport.close();
    expect(await code(transport.request({ method: 'GET', path: '/x' }))).toBe('ERR_KUBE_UNAVAILABLE');
  });
});
