import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { Secret } from '../lib/secret.ts';
import { loadKubeAccess, type KubeAccess } from './client-node.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kube-access-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function kubeconfig(name: string, cluster: string, user = '{token: t0ken}'): Promise<string> {
  return write(
    name,
    `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
contexts: [{name: main, context: {cluster: c, user: u, namespace: shop}}, {name: broken, context: {cluster: none, user: u}}]
current-context: main
`,
  );
}

describe('loadKubeAccess', () => {
  test('gives server, namespace and credentials of the current context', async () => {
    const ca = Buffer.from('CA PEM').toString('base64');
    const path = await kubeconfig(
      'one',
      `{server: "https://api.test:6443/", certificate-authority-data: ${ca}, tls-server-name: kubernetes}`,
    );
    const access = loadKubeAccess({ kubeconfig: path });
    expect([access.server, access.namespace]).toEqual(['https://api.test:6443', 'shop']);
    const { headers, tls } = await access.credentials();
    expect(headers.reveal()).toEqual({ authorization: 'Bearer t0ken' });
    expect([String(tls.ca), tls.servername]).toEqual(['CA PEM', 'kubernetes']);
    expect(JSON.stringify(await access.credentials())).not.toContain('t0ken');
  });

  test('takes client certificates, and basic authentication', async () => {
    const pem = (text: string) => Buffer.from(text).toString('base64');
    const path = await kubeconfig(
      'cert',
      '{server: "https://api.test"}',
      `{client-certificate-data: ${pem('CERT')}, client-key-data: ${pem('KEY')}, username: me, password: pw}`,
    );
    const { headers, tls } = await loadKubeAccess({ kubeconfig: path }).credentials();
    expect([String(tls.cert), String(tls.key?.reveal())]).toEqual(['CERT', 'KEY']);
    expect(headers.reveal()['authorization']).toBe(`Basic ${pem('me:pw')}`);
  });

  test('allows plain http, as kubectl proxy and test servers speak it', async () => {
    const path = await kubeconfig('http', '{server: "http://127.0.0.1:8001"}');
    const { headers } = await loadKubeAccess({ kubeconfig: path }).credentials();
    expect(headers.reveal()).toEqual({ authorization: 'Bearer t0ken' });
  });

  test('reads files again after ten seconds, and at once after a refusal; the hash tells when TLS changed', async () => {
    await write('ca.crt', 'OLD');
    const path = await kubeconfig('files', '{server: "https://api.test", certificate-authority: ca.crt}');
    const clock = new FakeClock();
    const access = loadKubeAccess({ kubeconfig: path, clock });
    const first = await access.credentials();
    await write('ca.crt', 'NEW');
    expect(String((await access.credentials()).tls.ca)).toBe('OLD');
    await clock.advance(10_001);
    const second = await access.credentials();
    expect(String(second.tls.ca)).toBe('NEW');
    expect(second.tlsHash).not.toBe(first.tlsHash);
    await write('ca.crt', 'NEWER');
    access.refresh();
    expect(String((await access.credentials()).tls.ca)).toBe('NEWER');
  });

  test.each<[string, () => Promise<KubeAccess>]>([
    ['a file that is not there', async () => Promise.resolve(loadKubeAccess({ kubeconfig: join(folder, 'none') }))],
    ['a file that is not YAML', async () => loadKubeAccess({ kubeconfig: await write('bad', '{{{') })],
    [
      'a context that does not exist',
      async () => loadKubeAccess({ kubeconfig: await kubeconfig('ctx', '{server: "https://x"}'), context: 'none' }),
    ],
    [
      'a context without its cluster',
      async () => loadKubeAccess({ kubeconfig: await kubeconfig('ctx', '{server: "https://x"}'), context: 'broken' }),
    ],
    [
      'a SOCKS proxy',
      async () => loadKubeAccess({ kubeconfig: await kubeconfig('socks', '{server: "https://x", proxy-url: "socks5://y"}') }),
    ],
  ])('%s is a configuration error', async (_, load) => {
    const e: unknown = await load().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(e instanceof OperatorError && (e as OperatorError).code).toBe('ERR_KUBE_CONFIG');
  });
});

/** The server's end of an exec WebSocket, just enough of RFC 6455: frames below 64 KiB, no fragments. */
class Channel {
  readonly url: string;
  private readonly socket: Socket;
  private pending = Buffer.alloc(0);
  private readonly onMessage: (stream: number, data: Buffer) => void;

  constructor(url: string, socket: Socket, onMessage: (stream: number, data: Buffer) => void) {
    this.url = url;
    this.socket = socket;
    this.onMessage = onMessage;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  send(stream: number, text: string): void {
    const payload = Buffer.concat([Buffer.from([stream]), Buffer.from(text)]);
    const head =
      payload.length < 126 ? Buffer.from([0x82, payload.length]) : Buffer.from([0x82, 126, payload.length >> 8, payload.length & 255]);
    this.socket.write(Buffer.concat([head, payload]));
  }

  exit(code: number): void {
    const failed = { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: String(code) }] } };
    this.send(3, JSON.stringify(code === 0 ? { status: 'Success' } : failed));
  }

  /** Ends the connection without a closing frame. */
  end(): void {
    this.socket.end();
  }

  private receive(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 6) {
      const length = (this.pending[1] ?? 0) & 0x7f;
      if (this.pending.length < 6 + length) return;
      const mask = this.pending.subarray(2, 6);
      const payload = Buffer.from(this.pending.subarray(6, 6 + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
      const opcode = (this.pending[0] ?? 0) & 0x0f;
      this.pending = this.pending.subarray(6 + length);
      if (opcode === 8) this.socket.end(Buffer.from([0x88, 0]));
      else if (opcode === 2) this.onMessage(payload[0] ?? 0, payload.subarray(1));
    }
  }
}

describe('exec', () => {
  let server: Server;
  let play: (channel: Channel) => void = () => undefined;
  let hear: (channel: Channel, stream: number, data: Buffer) => void = () => undefined;
  let access: KubeAccess;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(404).end());
    server.on('upgrade', (request, socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      const accept = createHash('sha1')
        .update(`${String(request.headers['sec-websocket-key'])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
      );
      const channel: Channel = new Channel(request.url ?? '', socket, (stream, data) => hear(channel, stream, data));
      play(channel);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    access = loadKubeAccess({
      kubeconfig: await kubeconfig('exec', `{server: "http://127.0.0.1:${(server.address() as AddressInfo).port}"}`),
    });
  });

  afterEach(() => {
    play = () => undefined;
    hear = () => undefined;
    for (const socket of sockets) socket.destroy();
  });

  afterAll(() => {
    server.close();
  });

  const request = { namespace: 'shop', pod: 'pg-0', container: 'postgres', command: ['psql', '-c', 'select 1'], timeoutMs: 5000 };

  async function problem(work: Promise<unknown>): Promise<string> {
    const e = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return e instanceof OperatorError ? `${(e as OperatorError).code} ${e.message}` : 'no error';
  }

  test('gives output and exit code', async () => {
    let url = '';
    play = (channel) => {
      url = channel.url;
      channel.send(1, 'out ü\n');
      channel.send(2, 'err\n');
      channel.send(1, 'more\n');
      channel.exit(3);
    };
    expect(await access.exec(request)).toEqual({ exitCode: 3, stdout: 'out ü\nmore\n', stderr: 'err\n' });
    expect(url).toBe(
      '/api/v1/namespaces/shop/pods/pg-0/exec?stdout=true&stderr=true&stdin=false&tty=false&command=psql&command=-c&command=select%201&container=postgres',
    );
    play = (channel) => channel.exit(0);
    expect((await access.exec(request)).exitCode).toBe(0);
  });

  test('sends standard input and its end', async () => {
    let input = '';
    hear = (channel, stream, data) => {
      if (stream === 0) input += data.toString();
      else if (stream === 255) {
        channel.send(1, `got ${input}`);
        channel.exit(0);
      }
    };
    expect((await access.exec({ ...request, stdin: new Secret('hunter2') })).stdout).toBe('got hunter2');
  });

  test('a command that could not run is an error, unlike one that fails', async () => {
    play = (channel) => channel.send(3, JSON.stringify({ status: 'Failure', reason: 'InternalError', message: 'container not found' }));
    expect(await problem(access.exec(request))).toBe('ERR_KUBE_EXEC could not run a command in pod shop/pg-0: container not found');
  });

  test('a connection that is cut is an error', async () => {
    play = (channel) => {
      channel.send(1, 'half');
      channel.end();
    };
    expect(await problem(access.exec(request))).toContain('connection closed');
  });

  test('a command without end is given up at its deadline, or when the caller says so', async () => {
    expect(await problem(access.exec({ ...request, timeoutMs: 30 }))).toContain('no end within 30 ms');
    const abort = new AbortController();
    const given = problem(access.exec({ ...request, signal: abort.signal }));
    abort.abort();
    expect(await given).toContain('given up by the caller');
  });

  test('a server that cannot be reached is an error', async () => {
    const elsewhere = loadKubeAccess({ kubeconfig: await kubeconfig('down', '{server: "http://127.0.0.1:1"}') });
    expect(await problem(elsewhere.exec(request))).toContain('ECONNREFUSED');
  });
});
