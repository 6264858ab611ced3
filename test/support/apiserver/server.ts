/**
 * A Kubernetes API server in this process, for tests. It keeps objects in memory and follows the real one closely enough that one contract suite
 * (test/contract/kube-api) holds for both; real kubectl and helm work against it.
 *
 *   const api = await startApiServer({ crds: [patroniClusterCrd] });
 *   const connection = { baseUrl: api.url };                      // or a client of the kubeconfig: api.kubeconfig()
 *   api.objects.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } });       // straight into the store
 *   expect(api.objects.get('sts', 'orders-postgres')).toMatchObject({ spec: { replicas: 3 } });
 *   expect(api.requests.writes({ userAgent: /^patroni-operator/ })).toEqual([]);          // nothing written in steady state
 *   api.faults.add({ method: 'PATCH', path: /statefulsets/, nth: 2, action: { kind: 'status', code: 500 } });
 *   api.faults.aroundWrites({ after: ({ n }) => (n === 3 ? kill() : undefined) });        // the operator dies after its third write
 *   api.watches.drop('reset'); api.compact();                     // every client must list again
 *   await api.stop();
 *
 * Options: see `ApiServerOptions`. Result: see `ApiServer`. StatefulSets, pods and the like are played by `workloads.ts`.
 * What it does not do: admission webhooks, authorization, protobuf of most kinds, conversion between CRD versions beyond apiVersion, exec and logs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers';
import { answer, type Front } from './front.ts';
import { Faults } from './faults.ts';
import { Objects } from './objects.ts';
import { Registry } from './registry.ts';
import { RequestLog } from './request-log.ts';
import { Store } from './store.ts';
import { Watches } from './watch.ts';
import type { World } from './world.ts';

export interface ApiServerOptions {
  /** CustomResourceDefinitions to serve from the start. More can be POSTed or put. */
  readonly crds?: readonly object[];
  /** Namespaces besides default, kube-system, kube-public and kube-node-lease. */
  readonly namespaces?: readonly string[];
  /** Milliseconds since 1970, for timestamps. @default Date.now */
  readonly now?: () => number;
  /** Answer 404 for objects in namespaces that do not exist. @default true */
  readonly namespacesMustExist?: boolean;
  /** Delete, in the background, what a deleted owner owned. @default true */
  readonly garbageCollection?: boolean;
  /** Bookmarks of themselves, in milliseconds; 0 leaves it to `watches.sendBookmarks()`. @default 0 */
  readonly bookmarkEveryMs?: number;
  /** Answer 422 to streaming lists, as servers do whose WatchList gate is off (1.33). @default true */
  readonly watchList?: boolean;
  /** Serve https with this certificate instead of plain http. PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Changes remembered for watches and consistent pages. @default 20_000 */
  readonly historyLimit?: number;
  /** The resourceVersion before the first write. @default 1000 */
  readonly firstVersion?: number;
}

export interface ApiServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The text of a kubeconfig (YAML) that points here. */
  kubeconfig(): string;
  readonly objects: Objects;
  readonly requests: RequestLog;
  readonly faults: Faults;
  readonly watches: Watches;
  /** The version of the latest change. */
  readonly resourceVersion: () => string;
  /** Forgets history: older versions now get 410, in lists, continued lists and watches that start. Open watches go on. */
  compact(): void;
  /** Refuses new connections and breaks those that are open, as when the API server is down; `resume` ends it. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when background work (garbage collection, emptying of namespaces) has been done. */
  settled(): Promise<void>;
  stop(): Promise<void>;
  /** For `workloads.ts`. */
  readonly world: World;
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Work for after the answer, in order. */
class Later {
  readonly #tasks: (() => void)[] = [];
  #scheduled = false;
  #idle: (() => void)[] = [];

  readonly add = (task: () => void): void => {
    this.#tasks.push(task);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  };

  settled(): Promise<void> {
    return this.#scheduled ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  #run(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task();
    this.#scheduled = false;
    const idle = this.#idle;
    this.#idle = [];
    idle.forEach((resolve) => resolve());
  }
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

export const startApiServer = async (options: ApiServerOptions = {}): Promise<ApiServer> => {
  const later = new Later();
  let addresses = 0;
  const world: World = {
    store: new Store(options.firstVersion ?? 1_000, options.historyLimit ?? 20_000),
    registry: new Registry(),
    now: options.now ?? Date.now,
    namespacesMustExist: options.namespacesMustExist ?? true,
    garbageCollection: options.garbageCollection ?? true,
    later: later.add,
    nextClusterIp: () => {
      addresses++;
      return `10.96.${addresses >> 8}.${addresses & 255}`;
    },
  };
  const objects = new Objects(world);
  for (const name of [...NAMESPACES, ...(options.namespaces ?? [])])
    objects.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const crd of options.crds ?? []) objects.put(crd);
  const front: Front = {
    world,
    faults: new Faults(),
    requests: new RequestLog(),
    watches: new Watches(),
    bookmarkEveryMs: options.bookmarkEveryMs ?? 0,
    watchList: options.watchList ?? true,
  };
  const sockets = new Set<Socket>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void answer(front, request, response);
  const make = (): Server => {
    const server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest);
    server.keepAliveTimeout = 60_000;
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    return server;
  };
  let server = make();
  const port = await listen(server, 0);
  const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    front.watches.drop('reset');
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    sockets.forEach((socket) => socket.destroy());
    await closed;
  };
  return {
    url,
    kubeconfig: () => kubeconfigOf(url),
    objects,
    requests: front.requests,
    faults: front.faults,
    watches: front.watches,
    resourceVersion: () => String(world.store.version),
    compact: () => world.store.compact(),
    pause: close,
    resume: async () => {
      server = make();
      await listen(server, port);
    },
    settled: () => later.settled(),
    stop: async () => {
      front.faults.clear();
      await close();
      await later.settled();
    },
    world,
  };
};

const kubeconfigOf = (url: string): string =>
  [
    'apiVersion: v1',
    'kind: Config',
    `clusters: [{name: double, cluster: {server: "${url}"${url.startsWith('https') ? ', insecure-skip-tls-verify: true' : ''}}}]`,
    'users: [{name: admin, user: {token: not-checked}}]',
    'contexts: [{name: double, context: {cluster: double, user: admin}}]',
    'current-context: double',
    '',
  ].join('\n');
