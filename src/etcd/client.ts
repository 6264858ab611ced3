import { isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import { type ErrorCode, type EtcdRequestFacts, isOperatorError, OperatorError } from '../errors.ts';
import { sha256Hex } from '../lib/canonical-json.ts';
import type { JsonObject } from '../lib/deep-merge.ts';
import { createKeyedPool } from '../lib/keyed-pool.ts';
import { classifyNetworkError, networkErrorDetail } from '../lib/network-error.ts';
import type { Secret } from '../lib/secret.ts';
import {
  type EtcdKeyValue,
  type EtcdMember,
  type EtcdStatus,
  parseDeleted,
  parseFailure,
  parseMemberList,
  parseRange,
  parseStatus,
  prefixEndBase64,
  toBase64,
} from './parse.ts';

/** Where one member's client port is. Connect by address: names of pods that were just re-created resolve to the old one for a while. */
export interface EtcdTarget {
  /** Name of the member (the pod), for messages. */
  readonly member: string;
  /** IP address or host name to connect to. */
  readonly host: string;
  readonly port: number;
  /** Name the server certificate must be valid for: the FQDN of the pod. */
  readonly serverName: string;
}

/** PEM texts. Absent `tls`: plain HTTP. The client certificate must have an empty subject, or the gateway refuses it once auth is on (Patroni #2036). */
export interface EtcdCredentials {
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: Secret<string> };
}

/**
 * One member through etcd's gRPC gateway (`/v3`, JSON over HTTPS). Every method throws ERR_ETCD_UNREACHABLE, _TIMEOUT, _TLS, _ABORTED, _DENIED,
 * _NO_QUORUM, _FAILED or _PROTOCOL; nothing is repeated here.
 */
export interface EtcdClient {
  /** The member's own state; it answers without a quorum. */
  status(signal?: AbortSignal): Promise<EtcdStatus>;
  /** The members as this one knows them; it answers without a quorum, perhaps with an outdated list. */
  memberList(signal?: AbortSignal): Promise<readonly EtcdMember[]>;
  /**
   * Whether a quorum exists, proved by a linearizable read through this member (as etcd's own `/health` does). False when etcd says that there is
   * no leader or does not answer in time; throws when the member cannot be asked.
   */
  hasQuorum(signal?: AbortSignal): Promise<boolean>;
  /** All keys that begin with `prefix`, sorted. Needs a quorum. */
  rangePrefix(prefix: string, signal?: AbortSignal): Promise<readonly EtcdKeyValue[]>;
  /** Deletes exactly `key`; tells whether it was there. Needs a quorum. */
  deleteKey(key: string, signal?: AbortSignal): Promise<boolean>;
}

/** Clients of the members of one etcd cluster: they share certificates. */
export interface ClusterEtcdClients {
  member(target: EtcdTarget): EtcdClient;
}

/** Clients for all clusters. */
export interface EtcdClients {
  /** Cheap: call it in every pass with what the Secrets hold then. Rotated certificates take effect with the next request. */
  forCluster(key: string, credentials: EtcdCredentials): ClusterEtcdClients;
  /** Frees what is kept for `key`; requests under way may finish. */
  dispose(key: string): void;
  close(): void;
}

export interface EtcdClientsOptions {
  /** TCP and TLS. @default 2_000 ms */
  readonly connectMs?: number;
  /** From the call to the end of the answer. etcd gives up on a read without a leader after about 7 s itself. @default 4_000 ms */
  readonly requestMs?: number;
  /** For how many clusters connections and TLS state are kept; see `PatroniClientsOptions.capacity`. @default 256 */
  readonly capacity?: number;
  /** What sends the requests of one cluster; for tests. @default an undici Agent with the cluster's certificates */
  readonly createDispatcher?: (credentials: EtcdCredentials) => Dispatcher;
}

/** Idle connections live this long: for the requests of one pass, not until the next. */
const KEEP_ALIVE_MS = 4_000;
const MAX_RESPONSE_BYTES = 16 * 2 ** 20;
/** Keys per answer of a range; Patroni keeps about ten keys per cluster. */
const PAGE_SIZE = 1_000;

export function createEtcdClients(options: EtcdClientsOptions = {}): EtcdClients {
  const requestMs = options.requestMs ?? 4_000;
  const pool = createKeyedPool<Dispatcher>({
    capacity: options.capacity ?? 256,
    close: (dispatcher) => void dispatcher.close().catch(() => undefined),
  });
  return {
    forCluster(key, credentials) {
      const fingerprint = fingerprintOf(credentials);
      const dispatcher = () =>
        pool.get(key, fingerprint, () => options.createDispatcher?.(credentials) ?? createAgent(credentials, options.connectMs ?? 2_000));
      return { member: (target) => createMemberClient({ target, isSecure: credentials.tls !== undefined, requestMs, dispatcher }) };
    },
    dispose: (key) => pool.dispose(key),
    close: () => pool.clear(),
  };
}

function fingerprintOf({ tls }: EtcdCredentials): string {
  return tls === undefined ? 'plain' : sha256Hex([tls.ca, tls.cert ?? '', tls.key?.reveal() ?? ''].join('\0'));
}

function createAgent({ tls }: EtcdCredentials, connectMs: number): Agent {
  const secureContext =
    tls === undefined ? undefined : createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key?.reveal(), minVersion: 'TLSv1.2' });
  return new Agent({
    connect: { timeout: connectMs, ...(secureContext === undefined ? {} : { secureContext }) },
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
}

interface Member {
  readonly target: EtcdTarget;
  readonly isSecure: boolean;
  readonly requestMs: number;
  readonly dispatcher: () => Dispatcher;
}

function createMemberClient(member: Member): EtcdClient {
  const name = member.target.member;
  return {
    status: async (signal) => parseStatus(await post(member, '/v3/maintenance/status', {}, signal), name),
    memberList: async (signal) => parseMemberList(await post(member, '/v3/cluster/member/list', {}, signal), name),
    async hasQuorum(signal) {
      try {
        await post(member, '/v3/kv/range', { key: toBase64('health'), keys_only: true }, signal);
        return true;
      } catch (e) {
        // Being denied needs a quorum as well: permissions are checked against the store (etcdctl endpoint health judges likewise).
        if (isOperatorError(e, 'ERR_ETCD_DENIED')) return true;
        if (isOperatorError(e, 'ERR_ETCD_NO_QUORUM') || isOperatorError(e, 'ERR_ETCD_TIMEOUT')) return false;
        throw e;
      }
    },
    async rangePrefix(prefix, signal) {
      const pairs: EtcdKeyValue[] = [];
      let from = prefix;
      for (;;) {
        const body = { key: toBase64(from), range_end: prefixEndBase64(prefix), limit: String(PAGE_SIZE) };
        const page = parseRange(await post(member, '/v3/kv/range', body, signal), name);
        pairs.push(...page.pairs);
        const last = page.pairs.at(-1);
        if (!page.hasMore || last === undefined) return pairs;
        from = `${last.key}\0`;
      }
    },
    async deleteKey(key, signal) {
      return parseDeleted(await post(member, '/v3/kv/deleterange', { key: toBase64(key) }, signal), name) > 0;
    },
  };
}

async function post(member: Member, path: string, body: JsonObject, signal?: AbortSignal): Promise<unknown> {
  const { target, isSecure } = member;
  const limit = AbortSignal.timeout(member.requestMs);
  const host = isIPv6(target.host) ? `[${target.host}]` : target.host;
  let httpStatus: number;
  let text: string;
  try {
    const response = await request(`${isSecure ? 'https' : 'http'}://${host}:${target.port}${path}`, {
      method: 'POST',
      // undici takes the name for SNI and for checking the certificate from the Host header, so we can connect by address.
      headers: { host: `${target.serverName}:${target.port}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      dispatcher: member.dispatcher(),
    });
    httpStatus = response.statusCode;
    text = await response.body.text();
  } catch (cause) {
    const facts = { member: target.member, path, detail: networkErrorDetail(cause) };
    throw new OperatorError(NETWORK_CODES[classifyNetworkError(cause)], facts, { cause });
  }
  if (httpStatus !== 200) throw refusal({ member: target.member, path, httpStatus }, text);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new OperatorError('ERR_ETCD_PROTOCOL', { member: target.member, path, httpStatus, detail: 'not JSON' }, { cause });
  }
}

const NETWORK_CODES = {
  aborted: 'ERR_ETCD_ABORTED',
  timeout: 'ERR_ETCD_TIMEOUT',
  tls: 'ERR_ETCD_TLS',
  unreachable: 'ERR_ETCD_UNREACHABLE',
} as const satisfies Record<ReturnType<typeof classifyNetworkError>, ErrorCode>;

/** gRPC status codes: 3 invalid argument, 7 permission denied, 14 unavailable, 16 unauthenticated. */
function refusal(facts: EtcdRequestFacts, body: string): OperatorError {
  const { grpcCode, detail } = parseFailure(body);
  const all = { ...facts, detail };
  // With auth on, a request without a user is "user name is empty" (3), and so is a certificate with a CN through the gateway (HTTP 400).
  const isDenied =
    grpcCode === 7 || grpcCode === 16 || (grpcCode === 3 && /user name|authenticat/i.test(detail)) || /CommonName/.test(detail);
  if (isDenied) return new OperatorError('ERR_ETCD_DENIED', all);
  if (/no leader|request timed out|leader changed|stopped by a leader/i.test(detail)) return new OperatorError('ERR_ETCD_NO_QUORUM', all);
  return new OperatorError('ERR_ETCD_FAILED', all);
}
