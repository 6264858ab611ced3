/* eslint-disable @typescript-eslint/no-deprecated -- undici's own `request` still speaks the older callbacks of dispatchers */
/**
 * What the doubles of Patroni and etcd share: one handler for the members of any number of clusters, reached over sockets (one port for all of them) or
 * without (an undici dispatcher). Members are told apart by the Host header, which our clients set to the FQDN of the pod whatever address they connect to.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { Dispatcher } from 'undici';

export interface MemberRequest {
  /** Host name that the request is for, in lower case, without the port. */
  readonly serverName: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isTls: boolean;
  /** Whether the client showed a certificate that verified. Only meaningful with TLS. */
  readonly hasClientCertificate: boolean;
}

/** `refuse` closes the connection without a word, as if nobody listened; `hang` never answers. */
export type MemberReply =
  | { readonly kind: 'answer'; readonly httpStatus: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hang' };

export type MemberHandler = (request: MemberRequest) => Promise<MemberReply>;

/** Certificates of the server for one name, PEM; `ca` verifies client certificates. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface MemberServerOptions {
  readonly handle: MemberHandler;
  /** @default 127.0.0.1; `0.0.0.0` serves every loopback address, so that pods may have addresses of their own in 127.0.0.0/8 */
  readonly host?: string;
  /** @default 0, any free port */
  readonly port?: number;
  /** Certificates by name (SNI). Absent: plain HTTP. Without certificates for a name the handshake fails. */
  readonly tls?: (serverName: string) => ServerTls | undefined;
}

export interface MemberServer {
  readonly port: number;
  /** Connections opened since the start. */
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
}

export async function startMemberServer({ handle, host = '127.0.0.1', port = 0, tls }: MemberServerOptions): Promise<MemberServer> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(handle, request, response).catch(() => request.socket.destroy());
  };
  const server =
    tls === undefined
      ? createHttpServer(onRequest)
      : createHttpsServer({ requestCert: true, rejectUnauthorized: false, SNICallback: sniCallback(tls) }, onRequest);
  server.on('connection', (socket: Socket) => {
    opened++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, 4096, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    connections: () => opened,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type SniCallback = (serverName: string, done: (error: Error | null, context?: SecureContext) => void) => void;

function sniCallback(tls: (serverName: string) => ServerTls | undefined): SniCallback {
  // Keyed by the certificate, so that a rotated one is picked up.
  const contexts = new Map<string, { readonly cert: string; readonly context: SecureContext }>();
  return (serverName, done) => {
    const found = tls(serverName);
    if (found === undefined) {
      done(new Error(`no certificate for ${serverName}`));
      return;
    }
    const known = contexts.get(serverName);
    const context = known?.cert === found.cert ? known.context : createSecureContext({ cert: found.cert, key: found.key, ca: found.ca });
    contexts.set(serverName, { cert: found.cert, context });
    done(null, context);
  };
}

async function serve(handle: MemberHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { socket } = request;
  const reply = await handle({
    serverName: hostOf(request.headers.host ?? ''),
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks).toString('utf8'),
    isTls: socket instanceof TLSSocket,
    hasClientCertificate: socket instanceof TLSSocket && socket.authorized,
  });
  if (reply.kind === 'hang') return;
  if (reply.kind === 'refuse') {
    socket.destroy();
    return;
  }
  response.writeHead(reply.httpStatus, reply.headers ?? {});
  response.end(reply.body);
}

function hostOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

/** Brings requests to a handler without sockets. For what undici's `request` sends: string bodies, and callbacks as of undici 7. */
export class InProcessDispatcher extends Dispatcher {
  readonly #handle: MemberHandler;
  readonly #hasClientCertificate: boolean;

  constructor(handle: MemberHandler, options: { readonly hasClientCertificate: boolean }) {
    super();
    this.#handle = handle;
    this.#hasClientCertificate = options.hasClientCertificate;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    let isOver = false;
    const fail = (error: Error): void => {
      if (isOver) return;
      isOver = true;
      handler.onError?.(error);
    };
    handler.onConnect?.((reason) => fail(reason ?? new DOMException('aborted', 'AbortError')));
    this.#handle(this.#requestOf(options)).then((reply) => {
      if (isOver || reply.kind === 'hang') return;
      if (reply.kind === 'refuse') {
        fail(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
        return;
      }
      isOver = true;
      const headers = Object.entries(reply.headers ?? {}).flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
      handler.onHeaders?.(reply.httpStatus, headers, () => undefined, '');
      handler.onData?.(Buffer.from(reply.body, 'utf8'));
      handler.onComplete?.([]);
    }, fail);
    return true;
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | undefined {
    if (callback === undefined) return Promise.resolve();
    callback();
    return undefined;
  }

  override destroy(error?: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(...args: unknown[]): Promise<void> | undefined {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return Promise.resolve();
    (callback as () => void)();
    return undefined;
  }

  #requestOf({ origin, path, method, headers, body }: Dispatcher.DispatchOptions): MemberRequest {
    const given = Object.entries((headers ?? {}) as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value] as const);
    const lower: Record<string, string> = Object.fromEntries(given);
    const text = typeof body === 'string' ? body : '';
    return {
      serverName: hostOf(lower['host'] ?? ''),
      method,
      path,
      headers: text === '' ? lower : { ...lower, 'content-length': String(Buffer.byteLength(text)) },
      body: text,
      isTls: String(origin).startsWith('https:'),
      hasClientCertificate: this.#hasClientCertificate,
    };
  }
}
