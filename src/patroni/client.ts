import { isIPv6 } from 'node:net';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { type ErrorCode, type FactsOf, OperatorError, type PatroniRequestFacts } from '../errors.ts';
import { sha256Hex } from '../lib/canonical-json.ts';
import type { JsonObject } from '../lib/deep-merge.ts';
import { createKeyedPool } from '../lib/keyed-pool.ts';
import { classifyNetworkError, networkErrorDetail } from '../lib/network-error.ts';
import type { Secret } from '../lib/secret.ts';
import type { ClusterView, MemberProbe } from './cluster-view.ts';
import { parseClusterView, parseDynamicConfig, parseMemberProbe } from './parse.ts';
import { parseSwitchoverReply, type SwitchoverReply } from './switchover-reply.ts';

/** Where one member's REST API is. Connect by address: names of pods that were just re-created resolve to the old one for a while. */
export interface PatroniTarget {
  /** Name of the member (the pod), for messages. */
  readonly member: string;
  /** IP address or host name to connect to. */
  readonly host: string;
  readonly port: number;
  /** Name the server certificate must be valid for: the FQDN of the pod. */
  readonly serverName: string;
}

/** How the operator proves itself to the members of one cluster. */
export interface PatroniCredentials {
  /** PEM texts. Absent: plain HTTP. `cert` and `key` are needed for writes where Patroni has `verify_client: optional`. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: Secret<string> };
  /** Basic authentication, needed for writes. */
  readonly basic?: { readonly username: string; readonly password: Secret<string> };
}

export interface PatroniTimeouts {
  /** TCP and TLS. @default 2_000 ms */
  readonly connectMs?: number;
  /** From the call to the end of the answer. Patroni reads etcd for it, with its own retries. @default 6_000 ms */
  readonly requestMs?: number;
  /** The same for a switchover or restart, which Patroni answers when it is over: up to 2 × max(10, loop_wait) rounds. @default 75_000 ms */
  readonly actionMs?: number;
}

/** Whether PostgreSQL was restarted; `refused` (HTTP 503) with Patroni's reason: conditions not met, or the restart failed. */
export type RestartReply = { readonly kind: 'restarted' } | { readonly kind: 'refused'; readonly text: string };

/**
 * REST API of one member (Patroni 4.1). Every method throws ERR_PATRONI_UNREACHABLE, _TIMEOUT, _TLS, _ABORTED, _UNAUTHORIZED, _FORBIDDEN, _REJECTED,
 * _UNAVAILABLE or _PROTOCOL; nothing is repeated here.
 */
export interface PatroniClient {
  /** Read from the DCS at each call: when that does not answer, Patroni breaks off after its retry_timeout (ERR_PATRONI_UNREACHABLE or _TIMEOUT). */
  getCluster(signal?: AbortSignal): Promise<ClusterView>;
  /** `GET /patroni`, answered without the DCS. */
  getMember(signal?: AbortSignal): Promise<MemberProbe>;
  /**
   * The dynamic configuration as the member last saw it: up to a loop_wait old, and answered without the DCS. ERR_PATRONI_CONFIG_MISSING when there is
   * none.
   */
  getConfig(signal?: AbortSignal): Promise<JsonObject>;
  /**
   * Merges `patch` into the dynamic configuration and returns what is in force then: objects merge, null deletes, lists replace. Send null only for
   * keys whose parent exists: inside an object that is new, Patroni stores the null. ERR_PATRONI_CONFIG_CONFLICT (also when the DCS does not take the
   * change), ERR_PATRONI_CONFIG_MISSING.
   */
  patchConfig(patch: JsonObject, signal?: AbortSignal): Promise<JsonObject>;
  /**
   * Asks `leader` to hand over. Any answer of Patroni is a value. When it throws after the connection was made, the request may be carried out
   * nevertheless: look at the cluster, do not ask again.
   */
  postSwitchover(request: { readonly leader: string; readonly candidate?: string }, signal?: AbortSignal): Promise<SwitchoverReply>;
  /** Makes Patroni read its configuration files and certificates again; returns when that is scheduled. */
  reload(signal?: AbortSignal): Promise<void>;
  /** Restarts PostgreSQL of this member and waits for the end. With `pendingOnly` it is refused unless a setting waits for the restart. */
  restart(options?: { readonly pendingOnly?: boolean }, signal?: AbortSignal): Promise<RestartReply>;
}

/** Clients of the members of one cluster: they share certificates and password. */
export interface ClusterPatroniClients {
  member(target: PatroniTarget): PatroniClient;
}

/** Clients for all clusters. */
export interface PatroniClients {
  /** Cheap: call it in every pass with what the Secrets hold then. Rotated credentials take effect with the next request. */
  forCluster(key: string, credentials: PatroniCredentials): ClusterPatroniClients;
  /** Frees what is kept for `key`; requests under way may finish. */
  dispose(key: string): void;
  close(): void;
}

export interface PatroniClientsOptions {
  readonly timeouts?: PatroniTimeouts;
  /**
   * For how many clusters parsed certificates are kept between requests. They cost about 35 kB and 0.9 ms to make (measured, Node 20, P-256), so beyond
   * this number memory is saved at the price of some CPU. @default 256
   */
  readonly capacity?: number;
  /** What sends the requests of one cluster; for tests. @default an undici Agent with the cluster's certificates */
  readonly createDispatcher?: (credentials: PatroniCredentials) => Dispatcher;
}

/** TLS sessions by name of the server; 1.3 kB each. */
type Sessions = Map<string, Buffer>;

/** No answer of Patroni comes near this; it keeps a wrong peer from filling the memory. */
const MAX_RESPONSE_BYTES = 8 * 2 ** 20;
const DEFAULTS = { connectMs: 2_000, requestMs: 6_000, actionMs: 75_000 } as const;

export function createPatroniClients(options: PatroniClientsOptions = {}): PatroniClients {
  const timeouts = { ...DEFAULTS, ...options.timeouts };
  const pool = createKeyedPool<Dispatcher>({
    capacity: options.capacity ?? 256,
    close: (dispatcher) => void dispatcher.close().catch(() => undefined),
  });
  // Apart from the certificates, since they are worth more (a handshake costs half with one) and weigh less.
  const sessions = createKeyedPool<Sessions>({ capacity: 10_000, close: (map) => map.clear() });
  return {
    forCluster(key, credentials) {
      const fingerprint = fingerprintOf(credentials);
      const create = (): Dispatcher =>
        options.createDispatcher?.(credentials) ??
        createAgent(
          credentials,
          timeouts.connectMs,
          sessions.get(key, fingerprint, () => new Map()),
        );
      const dispatcher = () => pool.get(key, fingerprint, create);
      return { member: (target) => createMemberClient({ target, credentials, timeouts, dispatcher }) };
    },
    dispose(key) {
      pool.dispose(key);
      sessions.dispose(key);
    },
    close() {
      pool.clear();
      sessions.clear();
    },
  };
}

function fingerprintOf({ tls }: PatroniCredentials): string {
  return tls === undefined ? 'plain' : sha256Hex([tls.ca, tls.cert ?? '', tls.key?.reveal() ?? ''].join('\0'));
}

/** Patroni speaks HTTP/1.0 and closes after each answer, so an agent holds no idle sockets; what it saves is reading the certificates each time. */
function createAgent({ tls }: PatroniCredentials, connectMs: number, sessions: Sessions): Agent {
  return new Agent({
    connect: tls === undefined ? { timeout: connectMs } : connectorOf(tls, connectMs, sessions),
    pipelining: 0,
    maxResponseSize: MAX_RESPONSE_BYTES,
    // Our own signal limits the whole exchange; a switchover is silent for longer than undici's limits would allow.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * Connects with the session of the last connection to the same member: 2.0 instead of 3.6 ms of CPU for a request (measured), and less in the pods.
 * undici keeps sessions by itself, but weakly: they are gone by the next pass.
 */
function connectorOf(tls: NonNullable<PatroniCredentials['tls']>, connectMs: number, sessions: Sessions): buildConnector.connector {
  const secureContext = createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key?.reveal(), minVersion: 'TLSv1.2' });
  return (options, callback) => {
    const name = options.servername ?? options.hostname;
    const session = sessions.get(name);
    const known = session === undefined ? {} : { session };
    // It returns the socket, which its type does not tell (undici 7.30).
    const connect = buildConnector({ timeout: connectMs, secureContext, maxCachedSessions: 0, ...known }) as (
      ...args: unknown[]
    ) => TLSSocket;
    const socket = connect(options, callback);
    socket.on('session', (fresh: Buffer) => sessions.set(name, fresh));
    // A session that was refused must not be offered again. Only until the handshake is over: undici ends every connection that the server closes with an error.
    const forget = (): void => void sessions.delete(name);
    socket.once('error', forget);
    socket.once('secureConnect', () => socket.off('error', forget));
    return socket;
  };
}

interface Member {
  readonly target: PatroniTarget;
  readonly credentials: PatroniCredentials;
  readonly timeouts: Required<PatroniTimeouts>;
  readonly dispatcher: () => Dispatcher;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: JsonObject;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Answer {
  readonly httpStatus: number;
  readonly text: string;
}

function createMemberClient(member: Member): PatroniClient {
  const { requestMs, actionMs } = member.timeouts;
  const { member: name } = member.target;
  const get = (path: string, signal?: AbortSignal): Call => ({ method: 'GET', path, timeoutMs: requestMs, signal });
  return {
    getCluster: async (signal) => parseClusterView(await exchangeJson(member, get('/cluster', signal)), name),
    getMember: async (signal) => parseMemberProbe(name, await exchangeJson(member, get('/patroni', signal))),
    async getConfig(signal) {
      const call = get('/config', signal);
      const answer = await exchange(member, call);
      // 502 is what Patroni 4.1 answers when there is no /config key.
      if (answer.httpStatus === 502) throw new OperatorError('ERR_PATRONI_CONFIG_MISSING', factsOf(member, call, answer));
      return parseDynamicConfig(json(member, call, expectStatus(member, call, answer, [200])), name);
    },
    async patchConfig(patch, signal) {
      const call: Call = { method: 'PATCH', path: '/config', body: patch, timeoutMs: requestMs, signal };
      const answer = await exchange(member, call);
      if (answer.httpStatus === 409) throw new OperatorError('ERR_PATRONI_CONFIG_CONFLICT', factsOf(member, call, answer));
      if (answer.httpStatus === 503) throw new OperatorError('ERR_PATRONI_CONFIG_MISSING', factsOf(member, call, answer));
      return parseDynamicConfig(json(member, call, expectStatus(member, call, answer, [200])), name);
    },
    async postSwitchover({ leader, candidate }, signal) {
      const body = candidate === undefined ? { leader } : { leader, candidate };
      const answer = await exchange(member, { method: 'POST', path: '/switchover', body, timeoutMs: actionMs, signal });
      return parseSwitchoverReply(answer.httpStatus, answer.text);
    },
    async reload(signal) {
      const call: Call = { method: 'POST', path: '/reload', body: {}, timeoutMs: requestMs, signal };
      expectStatus(member, call, await exchange(member, call), [202]);
    },
    async restart(options, signal) {
      // Patroni tests `restart_pending` for presence: false would act as true.
      const body = options?.pendingOnly === true ? { restart_pending: true } : {};
      const call: Call = { method: 'POST', path: '/restart', body, timeoutMs: actionMs, signal };
      const { httpStatus, text } = expectStatus(member, call, await exchange(member, call), [200, 503]);
      return httpStatus === 200 ? { kind: 'restarted' } : { kind: 'refused', text };
    },
  };
}

async function exchangeJson(member: Member, call: Call): Promise<unknown> {
  return json(member, call, expectStatus(member, call, await exchange(member, call), [200]));
}

/** Sends one request and reads the whole answer. Refusals of access are thrown here, since they mean the same for every call. */
async function exchange(member: Member, call: Call): Promise<Answer> {
  const limit = AbortSignal.timeout(call.timeoutMs);
  const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
  let answer: Answer;
  try {
    const { statusCode, body } = await request(urlOf(member, call.path), {
      ...requestOptions(member, call),
      signal,
      dispatcher: member.dispatcher(),
    });
    answer = { httpStatus: statusCode, text: await body.text() };
  } catch (e) {
    throw networkFailure(member, call, e);
  }
  if (answer.httpStatus === 401) throw new OperatorError('ERR_PATRONI_UNAUTHORIZED', factsOf(member, call, answer));
  if (answer.httpStatus === 403) throw new OperatorError('ERR_PATRONI_FORBIDDEN', factsOf(member, call, answer));
  return answer;
}

function urlOf({ target, credentials }: Member, path: string): string {
  const host = isIPv6(target.host) ? `[${target.host}]` : target.host;
  return `${credentials.tls === undefined ? 'http' : 'https'}://${host}:${target.port}${path}`;
}

function requestOptions(
  { target, credentials }: Member,
  { method, body }: Call,
): Pick<Dispatcher.RequestOptions, 'method' | 'headers'> & { body?: string } {
  const { basic } = credentials;
  const token = basic === undefined ? undefined : Buffer.from(`${basic.username}:${basic.password.reveal()}`, 'utf8').toString('base64');
  return {
    method,
    headers: {
      // undici takes the name for SNI and for checking the certificate from the Host header, so we can connect by address.
      host: `${target.serverName}:${target.port}`,
      accept: 'application/json, text/plain',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Basic ${token}` }),
    },
    // A string has a Content-Length; a stream would be chunked, which Patroni answers with 411.
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function expectStatus(member: Member, call: Call, answer: Answer, accepted: readonly number[]): Answer {
  if (accepted.includes(answer.httpStatus)) return answer;
  const code = answer.httpStatus >= 400 && answer.httpStatus < 500 ? 'ERR_PATRONI_REJECTED' : 'ERR_PATRONI_UNAVAILABLE';
  throw new OperatorError(code, factsOf(member, call, answer));
}

function json(member: Member, call: Call, answer: Answer): unknown {
  try {
    return JSON.parse(answer.text) as unknown;
  } catch (cause) {
    throw new OperatorError('ERR_PATRONI_PROTOCOL', { ...factsOf(member, call, answer), detail: 'not JSON' }, { cause });
  }
}

const NETWORK_CODES = {
  aborted: 'ERR_PATRONI_ABORTED',
  timeout: 'ERR_PATRONI_TIMEOUT',
  tls: 'ERR_PATRONI_TLS',
  unreachable: 'ERR_PATRONI_UNREACHABLE',
} as const satisfies Record<ReturnType<typeof classifyNetworkError>, ErrorCode>;

function networkFailure({ target }: Member, { method, path }: Call, cause: unknown): OperatorError {
  const facts: FactsOf<'ERR_PATRONI_UNREACHABLE'> = { member: target.member, method, path, detail: networkErrorDetail(cause) };
  return new OperatorError(NETWORK_CODES[classifyNetworkError(cause)], facts, { cause });
}

function factsOf({ target }: Member, { method, path }: Call, { httpStatus, text }: Answer): PatroniRequestFacts {
  // Bad requests get an HTML page (http.server), which says no more than the status.
  const detail = text.trimStart().startsWith('<') ? {} : { detail: text.trim().slice(0, 300) };
  return { member: target.member, method, path, httpStatus, ...detail };
}
