/**
 * An etcd cluster in this process, as its gRPC gateway shows it: `const etcd = createEtcdDouble(); const model = etcd.addCluster({ members: ['etcd-0'] })`.
 * Reach it with `etcd.clients()` (no sockets) or over one port after `etcd.listen()`; members are told apart by the Host header.
 */
import { createEtcdClients, type EtcdClients, type EtcdClientsOptions } from '../../../src/etcd/client.ts';
import {
  InProcessDispatcher,
  type MemberHandler,
  type MemberReply,
  type MemberRequest,
  type MemberServer,
  type ServerTls,
  startMemberServer,
} from '../member-http.ts';

export interface EtcdClusterOptions {
  readonly members: readonly string[];
  /** FQDN of a member, as clients send it in the Host header. @default the name itself */
  readonly serverName?: (member: string) => string;
  readonly version?: string;
  /** Certificates the member's server shows; only with `listen({ tls: true })`. A client certificate is needed then. */
  readonly tls?: (member: string) => ServerTls | undefined;
}

/** State of one cluster; tests change it as they like. Quorum follows from who is up. */
export class EtcdModel {
  readonly version: string;
  readonly down = new Set<string>();
  readonly cutOff = new Set<string>();
  /** Requests to the key space are refused, as with authentication on and no user. */
  isAuthOn = false;
  /** Told of each key that is deleted: where a test lets a Patroni model forget the member. */
  onDelete: (key: string) => void = () => undefined;
  revision = 1;
  readonly #members: string[];
  readonly #pairs = new Map<string, { readonly value: string; readonly revision: number; readonly lease?: string }>();

  constructor(options: Pick<EtcdClusterOptions, 'members' | 'version'>) {
    this.#members = [...options.members];
    this.version = options.version ?? '3.6.4';
  }

  members(): readonly string[] {
    return this.#members;
  }

  get hasQuorum(): boolean {
    const up = this.#members.filter((name) => !this.down.has(name) && !this.cutOff.has(name)).length;
    return up > this.#members.length / 2;
  }

  put(key: string, value: string, lease?: string): void {
    this.#pairs.set(key, { value, revision: ++this.revision, ...(lease === undefined ? {} : { lease }) });
  }

  get(key: string): string | undefined {
    return this.#pairs.get(key)?.value;
  }

  keys(): readonly string[] {
    return this.#entries().map(([key]) => key);
  }

  /** Pairs with `from <= key < to`; without `to` just `from`; with `to` a zero byte everything from `from` on. */
  range(
    from: Buffer,
    to: Buffer | undefined,
  ): readonly { readonly key: string; readonly value: string; readonly revision: number; readonly lease?: string }[] {
    return this.#entries()
      .filter(([key]) => {
        const bytes = Buffer.from(key, 'utf8');
        if (to === undefined) return bytes.equals(from);
        return bytes.compare(from) >= 0 && ((to.length === 1 && to[0] === 0) || bytes.compare(to) < 0);
      })
      .map(([key, pair]) => ({ key, ...pair }));
  }

  delete(key: string): boolean {
    const isThere = this.#pairs.delete(key);
    if (isThere) {
      this.revision++;
      this.onDelete(key);
    }
    return isThere;
  }

  #entries() {
    return [...this.#pairs].sort(([a], [b]) => Buffer.from(a, 'utf8').compare(Buffer.from(b, 'utf8')));
  }
}

export interface EtcdDouble {
  addCluster(options: EtcdClusterOptions): EtcdModel;
  readonly handle: MemberHandler;
  /** Our own client on top of the double, without sockets. */
  clients(options?: Omit<EtcdClientsOptions, 'createDispatcher'>): EtcdClients;
  listen(options?: { readonly host?: string; readonly port?: number; readonly tls?: boolean }): Promise<MemberServer>;
}

interface Place {
  readonly model: EtcdModel;
  readonly member: string;
  readonly options: EtcdClusterOptions;
}

export function createEtcdDouble(): EtcdDouble {
  const places = new Map<string, Place>();
  const handle = (request: MemberRequest): Promise<MemberReply> => {
    const place = places.get(request.serverName);
    return Promise.resolve(place === undefined ? { kind: 'refuse' } : answer(place, request));
  };
  return {
    handle,
    addCluster(options) {
      const model = new EtcdModel(options);
      for (const member of options.members) places.set((options.serverName?.(member) ?? member).toLowerCase(), { model, member, options });
      return model;
    },
    clients: (options = {}) =>
      createEtcdClients({
        ...options,
        createDispatcher: ({ tls }) => new InProcessDispatcher(handle, { hasClientCertificate: tls?.cert !== undefined }),
      }),
    listen: ({ tls = false, ...address } = {}) => {
      const certificates = (serverName: string): ServerTls | undefined => {
        const place = places.get(serverName.toLowerCase());
        return place?.options.tls?.(place.member);
      };
      return startMemberServer({ handle, ...address, ...(tls ? { tls: certificates } : {}) });
    },
  };
}

function answer({ model, member }: Place, request: MemberRequest): MemberReply {
  // The real one breaks the handshake off.
  if (model.down.has(member) || (request.isTls && !request.hasClientCertificate)) return { kind: 'refuse' };
  if (model.cutOff.has(member)) return { kind: 'hang' };
  const id = idOf(model, member);
  const header = { cluster_id: '14841639068965178418', member_id: id, revision: String(model.revision), raft_term: '2' };
  switch (`${request.method} ${request.path}`) {
    case 'POST /v3/maintenance/status':
      return json(200, {
        header,
        version: model.version,
        dbSize: '49152',
        dbSizeInUse: '49152',
        raftIndex: String(model.revision + 30),
        raftTerm: '2',
        ...(model.hasQuorum
          ? { leader: idOf(model, model.members().find((m) => !model.down.has(m)) ?? member) }
          : { errors: ['etcdserver: no leader'] }),
      });
    case 'POST /v3/cluster/member/list':
      return json(200, {
        header,
        members: model.members().map((name) => ({
          ID: idOf(model, name),
          name,
          peerURLs: [`https://${name}:2380`],
          clientURLs: [`https://${name}:2379`],
        })),
      });
    case 'POST /v3/kv/range':
    case 'POST /v3/kv/deleterange':
    case 'POST /v3/kv/put':
      return keySpace(model, header, request);
    default:
      return json(404, { error: 'Not Found', code: 5, message: 'Not Found' });
  }
}

function keySpace(model: EtcdModel, header: unknown, request: MemberRequest): MemberReply {
  if (!model.hasQuorum) return json(503, failure(14, 'etcdserver: no leader'));
  if (model.isAuthOn) return json(400, failure(3, 'etcdserver: user name is empty'));
  const body = JSON.parse(request.body) as {
    key: string;
    range_end?: string;
    value?: string;
    limit?: string;
    keys_only?: boolean;
    lease?: string;
  };
  const from = Buffer.from(body.key, 'base64');
  const to = body.range_end === undefined ? undefined : Buffer.from(body.range_end, 'base64');
  if (request.path.endsWith('/put')) {
    model.put(from.toString('utf8'), Buffer.from(body.value ?? '', 'base64').toString('utf8'), body.lease);
    return json(200, { header });
  }
  const found = model.range(from, to);
  if (request.path.endsWith('/deleterange')) {
    for (const { key } of found) model.delete(key);
    return json(200, { header, ...(found.length === 0 ? {} : { deleted: String(found.length) }) });
  }
  const limit = Number(body.limit ?? '0');
  const page = limit > 0 ? found.slice(0, limit) : found;
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return json(200, {
    header,
    ...(page.length === 0
      ? {}
      : {
          kvs: page.map(({ key, value, revision, lease }) => ({
            key: base64(key),
            create_revision: String(revision),
            mod_revision: String(revision),
            version: '1',
            ...(body.keys_only === true || value === '' ? {} : { value: base64(value) }),
            ...(lease === undefined ? {} : { lease }),
          })),
        }),
    ...(page.length < found.length ? { more: true } : {}),
    ...(found.length === 0 ? {} : { count: String(found.length) }),
  });
}

function idOf(model: EtcdModel, member: string): string {
  return String(10276657743932975437n + BigInt(model.members().indexOf(member)));
}

function failure(code: number, message: string): unknown {
  return { error: message, code, message };
}

function json(httpStatus: number, value: unknown): MemberReply {
  return { kind: 'answer', httpStatus, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}
