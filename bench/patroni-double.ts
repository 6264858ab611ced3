import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';

import { load } from 'js-yaml';

import { names, podFqdn } from '../src/api/names.ts';
import { isJsonObject } from '../src/lib/deep-merge.ts';

import type { Api } from './api.ts';
import type { FakeNodes, FakePod } from './fake-nodes.ts';

type Json = Readonly<Record<string, unknown>>;

interface ClusterState {
  readonly secureContext: SecureContext;
  readonly configHash: unknown;
  dynamicConfig: Json;
}

/** REST APIs of all members of all clusters in one server: who is asked is told by the address that the connection came to. */
export interface PatroniDouble {
  readonly requests: () => number;
  stop(): Promise<void>;
}

const SERVER_VERSION = 170006;

/** Answers as Patroni 4.1 does for clusters that are well: member 0 leads, the others stream. TLS with each cluster's own certificate, from its Secret. */
export async function startPatroniDouble(api: Api, nodes: FakeNodes, port: number): Promise<PatroniDouble> {
  const states = new Map<string, Promise<ClusterState>>();
  const pods = new WeakMap<Socket, FakePod>();
  const open = new Set<Socket>();
  let requests = 0;
  // Patroni speaks HTTP/1.0: one request for each connection.
  const http = createHttpServer({ keepAlive: false }, (request, response) => {
    requests += 1;
    const pod = pods.get(request.socket);
    if (pod === undefined) return void response.destroy();
    void answer(pod, request, response).catch(() => response.destroy());
  });
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    void accept(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '0.0.0.0', backlog: 1024 }, resolve);
  });
  return { requests: () => requests, stop: () => close(server, open) };

  async function accept(socket: Socket): Promise<void> {
    const pod = nodes.podByAddress.get(socket.localAddress ?? '');
    if (pod?.component !== 'postgres') return void socket.destroy();
    const { secureContext } = await stateOf(pod);
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    secured.on('error', () => socket.destroy());
    pods.set(secured, pod);
    http.emit('connection', secured);
  }

  function stateOf({ namespace, cluster }: FakePod): Promise<ClusterState> {
    const key = `${namespace}/${cluster}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const loading = loadState(api, namespace, cluster);
    states.set(key, loading);
    loading.catch(() => states.delete(key));
    return loading;
  }

  async function answer(pod: FakePod, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const state = await stateOf(pod);
    const send = (status: number, body: unknown) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close' }).end(text);
    };
    switch (`${request.method ?? ''} ${request.url ?? ''}`) {
      case 'GET /cluster':
        send(200, clusterOf(pod, state));
        break;
      case 'GET /patroni':
        send(200, memberOf(pod));
        break;
      case 'PATCH /config':
        state.dynamicConfig = patched(state.dynamicConfig, await bodyOf(request));
        send(200, state.dynamicConfig);
        break;
      case 'GET /config':
        send(200, state.dynamicConfig);
        break;
      case 'POST /reload':
        send(202, 'reload scheduled');
        break;
      default:
        send(404, 'not known to the double');
    }
  }

  function clusterOf(pod: FakePod, state: ClusterState): Json {
    const members = nodes.podsOf(pod.namespace, pod.cluster).filter((member) => member.component === 'postgres');
    return {
      scope: pod.cluster,
      members: members.map((member) => {
        const host = podFqdn(member.cluster, member.namespace, 'postgres', member.ordinal, 'cluster.local');
        const common = { name: member.name, api_url: `https://${host}:${port}/patroni`, host, port: 5432, timeline: 1, tags: { 'config-hash': state.configHash } };
        return member.ordinal === 0 ? { ...common, role: 'leader', state: 'running' } : { ...common, role: 'replica', state: 'streaming', lag: 0, receive_lag: 0, replay_lag: 0 };
      }),
    };
  }
}

function memberOf(pod: FakePod): Json {
  const leads = pod.ordinal === 0;
  return {
    state: 'running',
    role: leads ? 'primary' : 'replica',
    server_version: SERVER_VERSION,
    timeline: 1,
    ...(leads ? {} : { replication_state: 'streaming' }),
    database_system_identifier: '7451234567890123456',
    patroni: { version: '4.1.4', scope: pod.cluster, name: pod.name },
  };
}

async function loadState(api: Api, namespace: string, cluster: string): Promise<ClusterState> {
  const secret = await api.get<{ data: Record<string, string> }>(`/api/v1/namespaces/${namespace}/secrets/${names.leafSecret(cluster, 'patroni-rest')}`);
  const files = await api.get<{ data: Record<string, string> }>(`/api/v1/namespaces/${namespace}/configmaps/${names.patroniConfigMap(cluster)}`);
  const pem = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
  const config = Object.keys(files.data)
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .reduce<Record<string, unknown>>((all, file) => ({ ...all, ...(load(files.data[file] ?? '') as Json) }), {}) as { tags?: Json; bootstrap?: { dcs?: Json } };
  return {
    secureContext: createSecureContext({ cert: pem('tls.crt'), key: pem('tls.key') }),
    configHash: config.tags?.['config-hash'],
    dynamicConfig: config.bootstrap?.dcs ?? {},
  };
}

/** Patroni's merge: as ours, but null removes the key. */
function patched(base: Json, patch: unknown): Json {
  if (!isJsonObject(patch)) return base;
  const merged = Object.entries(patch).map(([key, value]): [string, unknown] => {
    const below = base[key];
    return [key, isJsonObject(below) && isJsonObject(value) ? patched(below, value) : value];
  });
  return Object.fromEntries([...Object.entries(base).filter(([key]) => !(key in patch)), ...merged].filter(([, value]) => value !== null));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function close(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  for (const socket of open) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
