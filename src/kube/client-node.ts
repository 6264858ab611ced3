import { Exec, KubeConfig } from '@kubernetes/client-node';
import type { V1Status } from '@kubernetes/client-node';
import type { RequestOptions } from 'node:https';
import { Readable, Writable } from 'node:stream';
import { errorCode, OperatorError } from '../errors.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { sha256Hex } from '../lib/canonical-json.ts';
import { Secret } from '../lib/secret.ts';

/**
 * The only file that imports values of @kubernetes/client-node: kubeconfig and in-cluster configuration, authentication, exec. Its HTTP client
 * and informers are not used: in 2.0.1 every call opens a connection of its own (#2893) and an informer dies on any error but 410.
 */

/** How to reach one API server, whatever the source of the configuration. */
export interface KubeAccess {
  /** `https://host:port`, without a trailing slash; may carry a path prefix (Rancher). */
  readonly server: string;
  /** Namespace of the kubeconfig context or of the service account; `default` when neither says. */
  readonly namespace: string;
  /** HTTP proxy of the kubeconfig's cluster. */
  readonly proxyUrl?: string;
  /** Headers and TLS material of now: files and tokens are read again at most 10 s later. */
  credentials(): Promise<KubeCredentials>;
  /** Forgets cached credentials, after a 401. */
  refresh(): void;
  /** Runs a command in a container; see `ExecRequest`. @throws ERR_KUBE_EXEC when it could not be run, whatever its exit code would have been */
  exec(request: ExecRequest): Promise<ExecResult>;
}

export interface KubeCredentials {
  /** Authorization and impersonation headers. */
  readonly headers: Secret<Readonly<Record<string, string>>>;
  readonly tls: KubeTls;
  /** Changes exactly when `tls` does: connections made with another one must go. */
  readonly tlsHash: string;
}

export interface KubeTls {
  readonly ca?: Buffer | string;
  readonly cert?: Buffer | string;
  readonly key?: Secret<Buffer | string>;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Program and arguments; no shell. They are visible in audit logs: no secrets here, use `stdin`. */
  readonly command: readonly string[];
  readonly stdin?: Secret<string>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubeAccessOptions {
  /** Path of a kubeconfig. Without it: `$KUBECONFIG`, `~/.kube/config`, then the service account of the pod. */
  readonly kubeconfig?: string;
  /** Context of the kubeconfig. @default its current context */
  readonly context?: string;
  readonly clock?: Clock;
}

const CREDENTIALS_MAX_AGE_MS = 10_000;

/**
 * Reads the configuration.
 * @throws ERR_KUBE_CONFIG when there is none, or the context does not exist
 */
export function loadKubeAccess(options: KubeAccessOptions = {}): KubeAccess {
  const clock = options.clock ?? systemClock;
  let config = loadConfig(options);
  let cached: { readonly atMs: number; readonly value: KubeCredentials } | undefined;

  const credentials = async (): Promise<KubeCredentials> => {
    if (cached !== undefined && clock.nowMs() - cached.atMs < CREDENTIALS_MAX_AGE_MS) return cached.value;
    const value = await readCredentials(config);
    // client-node keeps an agent per cluster and user, with the CA it once read: exec needs a fresh config after a rotation.
    if (cached !== undefined && cached.value.tlsHash !== value.tlsHash) config = loadConfig(options);
    cached = { atMs: clock.nowMs(), value };
    return value;
  };

  const cluster = config.getCurrentCluster();
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return {
    server: (cluster?.server ?? '').replace(/\/+$/, ''),
    namespace: namespace === undefined || namespace === '' ? 'default' : namespace.trim(),
    ...(cluster?.proxyUrl === undefined ? {} : { proxyUrl: cluster.proxyUrl }),
    credentials,
    refresh: () => {
      cached = undefined;
    },
    exec: async (request) => {
      await credentials();
      return runExec(config, request);
    },
  };
}

function loadConfig(options: KubeAccessOptions): KubeConfig {
  const config = new KubeConfig();
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
  } catch (cause) {
    throw new OperatorError('ERR_KUBE_CONFIG', { problem: `cannot read ${options.kubeconfig ?? 'the default kubeconfig'}` }, { cause });
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new OperatorError('ERR_KUBE_CONFIG', { problem: `no context "${config.getCurrentContext()}" with a cluster` });
  // loadFromDefault ends in http://localhost:8080 when it finds nothing: better to say so than to fail on the first request.
  if (options.kubeconfig === undefined && cluster.name === 'cluster' && cluster.server === 'http://localhost:8080') {
    throw new OperatorError('ERR_KUBE_CONFIG', { problem: 'no kubeconfig was found and this process does not run in a pod' });
  }
  if (cluster.proxyUrl?.startsWith('socks') === true)
    throw new OperatorError('ERR_KUBE_CONFIG', { problem: 'SOCKS proxies are not supported' });
  // client-node refuses plain http otherwise; a server URL with http:// is a test server or `kubectl proxy`, and was chosen by the user.
  if (cluster.server.startsWith('http:')) {
    config.clusters = config.clusters.map((each) => (each.name === cluster.name ? { ...each, skipTLSVerify: true } : each));
  }
  return config;
}

async function readCredentials(config: KubeConfig): Promise<KubeCredentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw new OperatorError('ERR_KUBE_CONFIG', { problem: 'cannot read the credentials' }, { cause });
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  if (typeof options.auth === 'string') headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls: KubeTls = {
    ...(isPem(ca) ? { ca } : {}),
    ...(isPem(cert) ? { cert } : {}),
    ...(isPem(key) ? { key: new Secret(key) } : {}),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
  const parts = [ca, cert, key, servername, rejectUnauthorized].map((part) =>
    sha256Hex(isPem(part) ? part.toString() : JSON.stringify(part ?? null)),
  );
  return { headers: new Secret(headers), tls, tlsHash: sha256Hex(parts.join()) };
}

function isPem(value: unknown): value is Buffer | string {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

/** `readyState` of a WebSocket that is closing or closed (2 or 3). */
const CLOSING = 2;

/** What is used of a WebSocket; the types of isomorphic-ws are not installed. */
interface Socket {
  readonly readyState: number;
  onclose: ((event: { readonly code: number }) => void) | null;
  close(): void;
}

/** Output beyond this is dropped: nothing the operator runs says more, and it must not fill the memory. */
const MAX_OUTPUT_BYTES = 1_048_576;

async function runExec(config: KubeConfig, request: ExecRequest): Promise<ExecResult> {
  const pod = `${request.namespace}/${request.pod}`;
  const stdout = new Collector();
  const stderr = new Collector();
  const stdin = request.stdin === undefined ? null : Readable.from([request.stdin.reveal()], { objectMode: false });
  let settle: (status: V1Status) => void = () => undefined;
  let fail: (cause: unknown) => void = () => undefined;
  const finished = new Promise<V1Status>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const timer = setTimeout(() => fail(new Error(`no end within ${request.timeoutMs} ms`)), request.timeoutMs);
  const onAbort = () => fail(new Error('given up by the caller'));
  if (request.signal?.aborted === true) onAbort();
  else request.signal?.addEventListener('abort', onAbort, { once: true });
  const opening = new Exec(config).exec(
    request.namespace,
    request.pod,
    request.container,
    [...request.command],
    stdout,
    stderr,
    stdin,
    false,
    settle,
  ) as Promise<Socket>;
  // Whichever way this ends the socket must go, also when it opens only after the deadline.
  const closed = opening.then((socket) => {
    socket.onclose = (event) => fail(new Error(`connection closed (code ${event.code})`));
    // The connection may be gone between its opening and this line; its close event has then been missed.
    if (socket.readyState >= CLOSING) fail(new Error('connection closed'));
    return finished.finally(() => socket.close());
  });
  closed.catch(fail);
  try {
    const status = await finished;
    return { exitCode: exitCodeOf(status), stdout: stdout.text(), stderr: stderr.text() };
  } catch (cause) {
    throw new OperatorError('ERR_KUBE_EXEC', { pod, problem: describe(cause) }, { cause });
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', onAbort);
  }
}

/** The exit code as the kubelet reports it. @throws Error when the command never ran */
function exitCodeOf(status: V1Status): number {
  if (status.status === 'Success') return 0;
  const code = status.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message;
  if (code === undefined) throw new Error(status.message ?? status.reason ?? 'unknown failure');
  return Number(code);
}

/** A failed upgrade arrives as a ws ErrorEvent, which is not an Error. */
function describe(cause: unknown): string {
  if (cause instanceof Error) return errorCode(cause) === 'ERR_RUNTIME_UNEXPECTED' ? cause.message : cause.name;
  const { message } = (cause ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : 'the connection failed';
}

class Collector extends Writable {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.bytes < MAX_OUTPUT_BYTES) this.chunks.push(chunk);
    this.bytes += chunk.length;
    done();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
