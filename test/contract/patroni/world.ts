/**
 * Runs a suite against the double (over TLS on loopback, in a hurry), and against real Patroni, PostgreSQL and etcd when PATRONI_CONTRACT is `real`
 * (test/support/real-patroni.ts tells what that needs).
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { request } from 'node:https';
import { Secret } from '../../../src/lib/secret.ts';
import {
  createPatroniClients,
  type PatroniClient,
  type PatroniClients,
  type PatroniCredentials,
  type PatroniTarget,
} from '../../../src/patroni/client.ts';
import type { ClusterView } from '../../../src/patroni/cluster-view.ts';
import { healthyReplicas, leaderOf } from '../../../src/patroni/members.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { createPatroniDouble } from '../../support/patroni/double.ts';
import { realPatroniUnavailable, startRealPatroni } from '../../support/real-patroni.ts';

export interface PatroniWorld {
  readonly isReal: boolean;
  readonly scope: string;
  readonly targets: readonly PatroniTarget[];
  readonly credentials: PatroniCredentials;
  readonly authority: TestAuthority;
  readonly clients: PatroniClients;
  readonly stopMember: (name: string) => Promise<void> | void;
  readonly killMember: (name: string) => Promise<void> | void;
  readonly startMember: (name: string) => void;
  /** The DCS stops answering, and answers again. */
  readonly freezeDcs: () => void;
  readonly thawDcs: () => void;
  /** Changes the member's file; Patroni takes it over at its next reload. */
  readonly setTags: (name: string, tags: Readonly<Record<string, unknown>>) => Promise<void> | void;
  readonly end: () => Promise<void>;
}

const MEMBERS = ['pg-0', 'pg-1', 'pg-2'];

async function doubleWorld(): Promise<PatroniWorld> {
  const authority = await createTestAuthority();
  const client = await authority.issue({ usages: ['client'] });
  const serverName = (member: string): string => `${member}.pg.test.svc.cluster.local`;
  const leaves = new Map(
    await Promise.all(MEMBERS.map(async (name) => [name, await authority.issue({ dnsNames: [serverName(name)] })] as const)),
  );
  const files = new Map<string, Readonly<Record<string, unknown>>>();
  const double = createPatroniDouble();
  const model = double.addCluster({
    scope: 'double',
    members: MEMBERS,
    formed: false,
    timing: { startMs: 60, streamMs: 30, handoverMs: 30, rejoinMs: 80, restartMs: 20, pollMs: 20, secondMs: 100, reloadMs: 20 },
    dynamicConfig: { loop_wait: 2, postgresql: { parameters: { max_connections: 30 } } },
    access: { basic: { username: 'patroni', password: 'rest-secret' } },
    serverName,
    tls: (name) => ({ cert: leaves.get(name)!.certPem, key: leaves.get(name)!.keyPem, ca: authority.certPem }),
    onReload: (m) => (m.tags = files.get(m.name) ?? m.tags),
  });
  const server = await double.listen({ tls: true });
  const clients = createPatroniClients();
  return {
    isReal: false,
    scope: 'double',
    targets: MEMBERS.map((member) => ({ member, host: '127.0.0.1', port: server.port, serverName: serverName(member) })),
    credentials: {
      tls: { ca: authority.certPem, cert: client.certPem, key: new Secret(client.keyPem) },
      basic: { username: 'patroni', password: new Secret('rest-secret') },
    },
    authority,
    clients,
    stopMember: (name) => model.stopMember(name),
    killMember: (name) => model.killMember(name),
    startMember: (name) => model.startMember(name),
    freezeDcs: () => void (model.isDcsDown = true),
    thawDcs: () => void (model.isDcsDown = false),
    setTags: (name, tags) => void files.set(name, tags),
    end: async () => {
      clients.close();
      await server.stop();
    },
  };
}

async function realWorld(): Promise<PatroniWorld> {
  const real = await startRealPatroni();
  const clients = createPatroniClients();
  return {
    isReal: true,
    scope: real.scope,
    targets: real.members.map((m) => ({ member: m.name, host: '127.0.0.1', port: m.restPort, serverName: m.serverName })),
    credentials: { tls: { ca: real.ca, cert: real.clientCert, key: real.clientKey }, basic: real.rest },
    authority: real.authority,
    clients,
    stopMember: real.stopMember,
    killMember: real.killMember,
    startMember: real.startMember,
    freezeDcs: real.freezeEtcd,
    thawDcs: real.thawEtcd,
    setTags: real.setTags,
    end: async () => {
      clients.close();
      await real.stop();
    },
  };
}

/** Declares a suite twice. Tests get the world through a function, since it exists only once they run. */
export function contract(subject: string, suite: (world: () => PatroniWorld) => void): void {
  jest.setTimeout(120_000);
  const declare = (kind: string, create: () => Promise<PatroniWorld>): void => {
    describe(`${subject} (${kind})`, () => {
      let world: PatroniWorld | undefined;
      beforeAll(async () => {
        world = await create();
        await wholeCluster(world);
      });
      afterAll(async () => world?.end());
      suite(() => world!);
    });
  };
  declare('double', doubleWorld);
  const reason = process.env['PATRONI_CONTRACT'] === 'real' ? realPatroniUnavailable() : 'PATRONI_CONTRACT is not `real`';
  if (reason === undefined) declare('real Patroni', realWorld);
  else test.skip(`${subject} (real Patroni): ${reason}`, () => undefined);
}

export function clientOf(world: PatroniWorld, member: string, credentials: PatroniCredentials = world.credentials): PatroniClient {
  return world.clients
    .forCluster(`contract-${JSON.stringify(credentials.tls?.cert?.length ?? 0)}`, credentials)
    .member(targetOf(world, member));
}

export function targetOf(world: PatroniWorld, member: string): PatroniTarget {
  const target = world.targets.find((t) => t.member === member);
  if (target === undefined) throw new Error(`no member ${member}`);
  return target;
}

/** The view of the first member that answers. */
export async function viewOf(world: PatroniWorld): Promise<ClusterView | undefined> {
  for (const { member } of world.targets) {
    const view = await clientOf(world, member)
      .getCluster()
      .catch(() => undefined);
    if (view !== undefined) return view;
  }
  return undefined;
}

/** Looks again until `judge` is content with the view; fails with the last view after a minute (20 s for the double). */
export async function eventually(world: PatroniWorld, judge: (view: ClusterView) => boolean | Promise<boolean>): Promise<ClusterView> {
  const deadlineMs = Date.now() + (world.isReal ? 60_000 : 20_000);
  for (;;) {
    const view = await viewOf(world);
    if (view !== undefined && (await judge(view))) return view;
    if (Date.now() > deadlineMs) {
      expect(view).toBe('what was waited for');
    }
    await new Promise((resolve) => setTimeout(resolve, world.isReal ? 200 : 10));
  }
}

/** Waits until one member leads and the others stream. */
export async function wholeCluster(
  world: PatroniWorld,
): Promise<{ readonly view: ClusterView; readonly leader: string; readonly replicas: readonly [string, string] }> {
  const view = await eventually(world, (v) => leaderOf(v)?.state === 'running' && healthyReplicas(v).length === world.targets.length - 1);
  const [first, second] = healthyReplicas(view).map((m) => m.name);
  return { view, leader: leaderOf(view)!.name, replicas: [first!, second!] };
}

export interface RawAnswer {
  readonly httpStatus: number;
  readonly body: string;
}

/** A request as our client would never send it. `headers` come on top of a valid password. */
export function raw(
  world: PatroniWorld,
  member: string,
  {
    method,
    path,
    body,
    headers = {},
  }: { readonly method: string; readonly path: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<RawAnswer> {
  const { host, port, serverName } = targetOf(world, member);
  const { tls, basic } = world.credentials;
  const authorization = `Basic ${Buffer.from(`${basic!.username}:${basic!.password.reveal()}`).toString('base64')}`;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host,
        port,
        servername: serverName,
        method,
        path,
        ca: tls?.ca,
        cert: tls?.cert,
        key: tls?.key?.reveal(),
        agent: false,
        headers: { host: `${serverName}:${port}`, authorization, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ httpStatus: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** Sends JSON with its length, as Patroni needs it. */
export function rawJson(world: PatroniWorld, member: string, method: string, path: string, value: unknown): Promise<RawAnswer> {
  const body = JSON.stringify(value);
  return raw(world, member, { method, path, body, headers: { 'content-length': String(Buffer.byteLength(body)) } });
}
