import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { OperatorError } from '../errors.ts';
import { delay, type Clock } from '../lib/clock.ts';
import { classifyNetworkError, networkErrorCode, networkErrorDetail } from '../lib/network-error.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { KubeAccess, KubeCredentials } from './client-node.ts';

/** One HTTP request to the API server. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, beginning with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Time to the whole answer; for `stream`, to its headers. @default 30_000 ms */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether a 429 is waited for and tried again. Off for evictions, where it means "not now". @default true */
  readonly retryThrottled?: boolean;
}

export interface TransportResponse {
  readonly status: number;
  readonly text: string;
}

export interface TransportStream {
  readonly status: number;
  /** Bytes as they arrive. Ending the iteration closes the connection; a network failure throws ERR_KUBE_UNAVAILABLE, an abort ERR_KUBE_ABORTED. */
  readonly chunks: AsyncIterable<Buffer>;
  /** The whole rest as text, at most 64 KiB: for the body of a refusal. */
  text(): Promise<string>;
}

/**
 * HTTP to one API server over kept-alive connections.
 * Answers of any status are values; only what prevents an answer is thrown: ERR_KUBE_UNAVAILABLE, ERR_KUBE_TIMEOUT, ERR_KUBE_ABORTED.
 */
export interface Transport {
  readonly server: string;
  request(request: TransportRequest): Promise<TransportResponse>;
  stream(request: TransportRequest): Promise<TransportStream>;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly access: Pick<KubeAccess, 'server' | 'proxyUrl' | 'credentials' | 'refresh'>;
  /** Version of the operator, for the User-Agent. */
  readonly version: string;
  readonly clock: Clock;
  readonly metrics?: Metrics | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const THROTTLE_ATTEMPTS = 4;
/** A Retry-After beyond this is not waited for inside a request: the caller's backoff is visible, this is not. */
const MAX_RETRY_AFTER_MS = 10_000;
const MAX_ERROR_BODY_BYTES = 65_536;

/** Connections for short requests and, apart, for watches: a watch holds its connection for minutes and must not use up the others. */
interface Pools {
  readonly tlsHash: string;
  readonly short: Dispatcher;
  readonly long: Dispatcher;
}

/** See `Transport`. Connections are made anew when the CA or the client certificate changes. */
export function createTransport(options: TransportOptions): Transport {
  const { access, clock, metrics } = options;
  const base = new URL(access.server);
  const prefix = base.pathname.replace(/\/+$/, '');
  const userAgent = `patroni-operator/${options.version}`;
  let pools: Pools | undefined;
  let isClosed = false;

  const prepare = async (): Promise<{ readonly pools: Pools; readonly headers: Readonly<Record<string, string>> }> => {
    const credentials = await access.credentials();
    if (isClosed) throw new Error('the transport is closed');
    if (pools?.tlsHash !== credentials.tlsHash) {
      const old = pools;
      pools = openPools(credentials, access.proxyUrl);
      // Graceful: requests under way finish on their connection. Watches end with their timeoutSeconds.
      if (old !== undefined) void Promise.allSettled([old.short.close(), old.long.close()]);
    }
    return { pools, headers: credentials.headers.reveal() };
  };

  const send = async (request: TransportRequest, kind: 'short' | 'long', guard: Guard): Promise<Dispatcher.ResponseData> => {
    const startMs = clock.nowMs();
    const verb = kind === 'long' ? 'WATCH' : request.method;
    let code = '<error>';
    try {
      const ready = await prepare();
      const response = await ready.pools[kind].request({
        origin: base.origin,
        path: `${prefix}${request.path}`,
        method: request.method,
        headers: { accept: 'application/json', 'user-agent': userAgent, ...request.headers, ...ready.headers },
        body: request.body ?? null,
        signal: guard.signal,
      });
      code = String(response.statusCode);
      if (response.statusCode === 401) access.refresh();
      return response;
    } catch (cause) {
      throw networkError(request, guard, cause);
    } finally {
      metrics?.restClientRequests.inc({ code, method: request.method, host: base.host });
      metrics?.restClientDuration.observe({ verb, host: base.host }, (clock.nowMs() - startMs) / 1000);
    }
  };

  const once = async (request: TransportRequest): Promise<TransportResponse & { readonly retryAfterMs?: number }> => {
    const guard = openGuard(request);
    try {
      const response = await send(request, 'short', guard);
      const text = await response.body.text().catch((cause: unknown) => {
        throw networkError(request, guard, cause);
      });
      const retryAfterMs = retryAfter(response.headers['retry-after']);
      return { status: response.statusCode, text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    } finally {
      guard.close();
    }
  };

  const request = async (wanted: TransportRequest): Promise<TransportResponse> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await once(wanted);
        const waitMs = response.retryAfterMs ?? 1000;
        // A 429 was not carried out, so trying again is safe for every method.
        const isRetried =
          response.status === 429 && wanted.retryThrottled !== false && attempt < THROTTLE_ATTEMPTS && waitMs <= MAX_RETRY_AFTER_MS;
        if (!isRetried) return response;
        await delay(clock, waitMs, wanted.signal);
        if (wanted.signal?.aborted === true) return response;
      } catch (e) {
        // The server may close an idle connection just when we use it: once, and only where repeating cannot do harm.
        if (attempt > 1 || wanted.method !== 'GET' || !isStaleConnection(e)) throw e;
      }
    }
  };

  const stream = async (wanted: TransportRequest): Promise<TransportStream> => {
    const guard = openGuard(wanted);
    try {
      const response = await send(wanted, 'long', guard);
      guard.stopTimer();
      const chunks = readChunks(response, wanted, guard);
      return { status: response.statusCode, chunks, text: () => readText(chunks) };
    } catch (e) {
      guard.close();
      throw e;
    }
  };

  return {
    server: access.server,
    request,
    stream,
    close: async () => {
      isClosed = true;
      const open = pools;
      pools = undefined;
      if (open !== undefined) await Promise.allSettled([open.short.destroy(), open.long.destroy()]);
    },
  };
}

function openPools(credentials: KubeCredentials, proxyUrl: string | undefined): Pools {
  const { key, ...tls } = credentials.tls;
  const requestTls = { ...tls, ...(key === undefined ? {} : { key: key.reveal() }) };
  // undici's default of 60 s before the first keep-alive probe races with load balancers that drop idle connections after 60 s.
  const connect = { ...requestTls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000 };
  const make = (settings: Agent.Options): Dispatcher =>
    proxyUrl === undefined ? new Agent({ connect, ...settings }) : new ProxyAgent({ uri: proxyUrl, requestTls, ...settings });
  return {
    tlsHash: credentials.tlsHash,
    short: make({ connections: 32, keepAliveTimeout: 50_000, keepAliveMaxTimeout: 50_000 }),
    // 0: undici's default aborts a body after 300 s of silence; the reflector has a watchdog of its own.
    long: make({ bodyTimeout: 0, headersTimeout: 0 }),
  };
}

/**
 * Abort signal of one request: the caller's, plus a deadline. Not AbortSignal.any: on Node 20 it keeps every combined signal alive as long as the
 * caller's (nodejs/node#54614), and ours lives as long as the process. Real time on purpose: sockets do not run on a fake clock.
 */
interface Guard {
  readonly signal: AbortSignal;
  isTimedOut(): boolean;
  isAborted(): boolean;
  stopTimer(): void;
  close(): void;
}

function openGuard(request: TransportRequest): Guard {
  const controller = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const onAbort = () => controller.abort();
  if (request.signal?.aborted === true) onAbort();
  else request.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    isTimedOut: () => timedOut,
    isAborted: () => request.signal?.aborted === true,
    stopTimer: () => clearTimeout(timer),
    close: () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    },
  };
}

async function* readChunks(response: Dispatcher.ResponseData, request: TransportRequest, guard: Guard): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response.body) yield chunk as Buffer;
  } catch (cause) {
    throw networkError(request, guard, cause);
  } finally {
    guard.close();
    response.body.destroy();
  }
}

async function readText(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_ERROR_BODY_BYTES) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

function networkError(request: TransportRequest, guard: Guard, cause: unknown): OperatorError {
  if (cause instanceof OperatorError) return cause as OperatorError;
  const path = request.path.split('?', 1)[0] ?? '';
  const facts = { method: request.method, path, detail: networkErrorDetail(cause) };
  if (guard.isAborted()) return new OperatorError('ERR_KUBE_ABORTED', facts, { cause });
  if (guard.isTimedOut()) {
    return new OperatorError(
      'ERR_KUBE_TIMEOUT',
      { ...facts, detail: `no answer within ${request.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms` },
      { cause },
    );
  }
  // A connection that cannot even be opened in time is an unreachable server, not a slow one.
  const isSlow = classifyNetworkError(cause) === 'timeout' && networkErrorCode(cause) !== 'UND_ERR_CONNECT_TIMEOUT';
  return new OperatorError(isSlow ? 'ERR_KUBE_TIMEOUT' : 'ERR_KUBE_UNAVAILABLE', facts, { cause });
}

function isStaleConnection(e: unknown): boolean {
  return e instanceof OperatorError && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(networkErrorCode(e.cause));
}

/** Milliseconds of a Retry-After header in seconds; the date form is not used by Kubernetes. */
function retryAfter(header: string | string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : undefined;
  return seconds === undefined ? undefined : Math.max(seconds, 0.1) * 1000;
}
