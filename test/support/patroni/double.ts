/**
 * Patroni clusters in this process, any number of them: `const double = createPatroniDouble({ clock }); double.addCluster({ scope: 'pg', members: [...] })`.
 * Reach them with `double.clients()` (no sockets; for tests with a fake clock) or over one port after `double.listen()` (for benchmarks; members are told
 * apart by the Host header, so every pod address in 127.0.0.0/8 works with `host: '0.0.0.0'`).
 */
import type { Clock } from '../../../src/lib/clock.ts';
import { createPatroniClients, type PatroniClients, type PatroniTimeouts } from '../../../src/patroni/client.ts';
import {
  InProcessDispatcher,
  type MemberHandler,
  type MemberReply,
  type MemberRequest,
  type MemberServer,
  type ServerTls,
  startMemberServer,
} from '../member-http.ts';
import type { MemberModel } from './member.ts';
import { PatroniModel } from './model.ts';
import type { PatroniModelOptions } from './options.ts';
import { handleRest, type RestAccess } from './rest.ts';

export interface DoubleCluster extends Omit<PatroniModelOptions, 'clock'> {
  /** FQDN of a member, as clients send it in the Host header. @default the name itself */
  readonly serverName?: (member: string) => string;
  readonly access?: RestAccess;
  /** Certificates the member's server shows, asked for at each new connection; only with `listen({ tls: true })`. */
  readonly tls?: (member: string) => ServerTls | undefined;
  readonly onReload?: (member: MemberModel) => void;
}

export interface SeenRequest {
  readonly scope: string;
  readonly member: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface PatroniDouble {
  addCluster(cluster: DoubleCluster): PatroniModel;
  removeCluster(model: PatroniModel): void;
  /** Every request to a known member, oldest first; only the last 10,000 are kept. */
  readonly requests: readonly SeenRequest[];
  /** How many requests there were. */
  requestCount(): number;
  readonly handle: MemberHandler;
  /** Our own client on top of the double, without sockets. */
  clients(options?: { readonly timeouts?: PatroniTimeouts }): PatroniClients;
  listen(options?: { readonly host?: string; readonly port?: number; readonly tls?: boolean }): Promise<MemberServer>;
}

const KEPT_REQUESTS = 10_000;

/** Real time whose timers keep no process alive: what a model still plans when its test is over does not matter. */
const idleClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
};

interface Entry {
  readonly model: PatroniModel;
  readonly cluster: DoubleCluster;
}

export function createPatroniDouble({ clock = idleClock }: { readonly clock?: Clock } = {}): PatroniDouble {
  const entries = new Set<Entry>();
  // Members come and go with a model, so the name is looked up in two steps: which cluster, then which member.
  const known = new Map<string, { readonly entry: Entry; readonly member: string }>();
  const requests: SeenRequest[] = [];
  let count = 0;

  const find = (serverName: string): { readonly entry: Entry; readonly member: MemberModel } | undefined => {
    const hit = known.get(serverName);
    const member = hit?.entry.model.member(hit.member);
    if (hit !== undefined && member !== undefined && entries.has(hit.entry)) return { entry: hit.entry, member };
    for (const entry of entries) {
      for (const m of entry.model.members()) {
        if ((entry.cluster.serverName?.(m.name) ?? m.name).toLowerCase() !== serverName) continue;
        known.set(serverName, { entry, member: m.name });
        return { entry, member: m };
      }
    }
    return undefined;
  };

  const handle = async (request: MemberRequest): Promise<MemberReply> => {
    const found = find(request.serverName);
    if (found === undefined) return { kind: 'refuse' };
    const { entry, member } = found;
    count++;
    requests.push({ scope: entry.model.scope, member: member.name, method: request.method, path: request.path, body: request.body });
    if (requests.length > KEPT_REQUESTS) requests.splice(0, KEPT_REQUESTS / 2);
    const { access = {}, onReload = () => undefined } = entry.cluster;
    return handleRest({ model: entry.model, member, access, onReload }, request);
  };

  return {
    requests,
    requestCount: () => count,
    handle,
    addCluster(cluster) {
      const model = new PatroniModel({ ...cluster, clock });
      const entry = { model, cluster };
      entries.add(entry);
      for (const m of model.members()) known.set((cluster.serverName?.(m.name) ?? m.name).toLowerCase(), { entry, member: m.name });
      return model;
    },
    removeCluster(model) {
      for (const entry of entries) if (entry.model === model) entries.delete(entry);
    },
    clients: (options = {}) =>
      createPatroniClients({
        ...options,
        createDispatcher: ({ tls }) => new InProcessDispatcher(handle, { hasClientCertificate: tls?.cert !== undefined }),
      }),
    listen: ({ tls = false, ...address } = {}) => {
      const certificates = (serverName: string): ServerTls | undefined => {
        const found = find(serverName.toLowerCase());
        return found?.entry.cluster.tls?.(found.member.name);
      };
      return startMemberServer({ handle, ...address, ...(tls ? { tls: certificates } : {}) });
    },
  };
}
