/** Against the double, and against a real etcd when PATRONI_CONTRACT is `real` (test/support/real-patroni.ts tells what that needs). */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Agent, request } from 'node:https';
import { createEtcdClients, type EtcdClient, type EtcdCredentials, type EtcdTarget } from '../../../src/etcd/client.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { createEtcdDouble } from '../../support/etcd/double.ts';
import { realPatroniUnavailable, startRealPatroni } from '../../support/real-patroni.ts';

interface EtcdWorld {
  readonly isReal: boolean;
  readonly target: EtcdTarget;
  readonly credentials: EtcdCredentials;
  readonly authority: TestAuthority;
  readonly end: () => Promise<void>;
}

async function doubleWorld(): Promise<EtcdWorld> {
  const authority = await createTestAuthority();
  const client = await authority.issue({ usages: ['client'] });
  const serverName = 'etcd-0.etcd.test.svc.cluster.local';
  const leaf = await authority.issue({ dnsNames: [serverName] });
  const double = createEtcdDouble();
  double.addCluster({
    members: ['etcd-0'],
    serverName: () => serverName,
    tls: () => ({ cert: leaf.certPem, key: leaf.keyPem, ca: authority.certPem }),
  });
  const server = await double.listen({ tls: true });
  return {
    isReal: false,
    target: { member: 'etcd-0', host: '127.0.0.1', port: server.port, serverName },
    credentials: { tls: { ca: authority.certPem, cert: client.certPem, key: new Secret(client.keyPem) } },
    authority,
    end: server.stop,
  };
}

async function realWorld(): Promise<EtcdWorld> {
  const real = await startRealPatroni({ members: 0 });
  return {
    isReal: true,
    target: { member: real.etcd.name, host: '127.0.0.1', port: real.etcd.port, serverName: real.etcd.serverName },
    credentials: { tls: { ca: real.ca, cert: real.clientCert, key: real.clientKey } },
    authority: real.authority,
    end: real.stop,
  };
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 });

/** Our client has no way to write keys, since the operator must not; Patroni does that. */
function put({ target, credentials }: EtcdWorld, key: string, value: string): Promise<number> {
  const body = JSON.stringify({ key: Buffer.from(key).toString('base64'), value: Buffer.from(value).toString('base64') });
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: target.host,
        port: target.port,
        servername: target.serverName,
        method: 'POST',
        path: '/v3/kv/put',
        ca: credentials.tls?.ca,
        cert: credentials.tls?.cert,
        key: credentials.tls?.key?.reveal(),
        headers: { host: `${target.serverName}:${target.port}`, 'content-length': String(Buffer.byteLength(body)) },
        agent: keepAlive,
      },
      (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    call.on('error', reject);
    call.end(body);
  });
}

function suite(create: () => Promise<EtcdWorld>): void {
  const clients = createEtcdClients();
  let world: EtcdWorld;
  let client: EtcdClient;
  beforeAll(async () => {
    world = await create();
    client = clients.forCluster('contract', world.credentials).member(world.target);
    for (let tries = 0; tries < 100; tries++) {
      if (await client.hasQuorum().catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  afterAll(async () => {
    clients.close();
    keepAlive.destroy();
    await world.end();
  });

  test('tells its own state', async () => {
    const status = await client.status();
    expect(status).toMatchObject({ isLearner: false, errors: [] });
    expect(status.version).toMatch(/^3\.\d+\.\d+$/);
    expect(status.leaderId).toBe(status.memberId);
    expect(status.dbSizeBytes).toBeGreaterThan(0);
    expect(status.raftIndex).toBeGreaterThan(0);
  });

  test('lists its members', async () => {
    const [only, ...others] = await client.memberList();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ name: 'etcd-0', isLearner: false });
    expect(only?.id).toBe((await client.status()).memberId);
  });

  test('proves a quorum by reading', async () => {
    await expect(client.hasQuorum()).resolves.toBe(true);
  });

  test('reads exactly the keys below a prefix, in order', async () => {
    for (const [key, value] of [
      ['/a/x/2', 'zwei'],
      ['/a/x/1', 'eins ä'],
      ['/a/x0', 'no'],
      ['/a/x', 'no'],
    ] as const)
      expect(await put(world, key, value)).toBe(200);
    const pairs = await client.rangePrefix('/a/x/');
    expect(pairs.map(({ key, value }) => [key, value])).toEqual([
      ['/a/x/1', 'eins ä'],
      ['/a/x/2', 'zwei'],
    ]);
    expect(pairs[0]!.modRevision).toBeGreaterThan(pairs[1]!.modRevision);
    expect(pairs[0]).not.toHaveProperty('leaseId');
    await expect(client.rangePrefix('/nothing/')).resolves.toEqual([]);
  });

  test('reads more keys than fit one answer', async () => {
    for (let i = 0; i < 1_001; i += 50) {
      await Promise.all(
        Array.from({ length: Math.min(50, 1_001 - i) }, (_, n) => put(world, `/many/${String(i + n).padStart(5, '0')}`, 'v')),
      );
    }
    const pairs = await client.rangePrefix('/many/');
    expect(pairs).toHaveLength(1_001);
    expect(new Set(pairs.map((p) => p.key)).size).toBe(1_001);
  });

  test('deletes one key and tells whether it was there', async () => {
    await put(world, '/d/one', '1');
    await put(world, '/d/one/more', '2');
    await expect(client.deleteKey('/d/one')).resolves.toBe(true);
    await expect(client.deleteKey('/d/one')).resolves.toBe(false);
    expect((await client.rangePrefix('/d/')).map((p) => p.key)).toEqual(['/d/one/more']);
  });

  test('demands a client certificate', async () => {
    const stranger = clients.forCluster('stranger', { tls: { ca: world.credentials.tls!.ca } }).member(world.target);
    await expect(stranger.status()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_ETCD_(TLS|UNREACHABLE)$/) });
  });

  test('is not trusted with a certificate of another authority', async () => {
    const other = await createTestAuthority();
    const tls = { ...world.credentials.tls!, ca: other.certPem };
    await expect(clients.forCluster('other-ca', { tls }).member(world.target).status()).rejects.toMatchObject({ code: 'ERR_ETCD_TLS' });
  });

  test('is not found on a closed port', async () => {
    const closed = clients.forCluster('contract', world.credentials).member({ ...world.target, port: 1 });
    await expect(closed.hasQuorum()).rejects.toMatchObject({ code: 'ERR_ETCD_UNREACHABLE' });
  });
}

jest.setTimeout(60_000);

describe('an etcd member (double)', () => suite(doubleWorld));

const reason = process.env['PATRONI_CONTRACT'] === 'real' ? realPatroniUnavailable() : 'PATRONI_CONTRACT is not `real`';
if (reason === undefined) describe('an etcd member (real etcd)', () => suite(realWorld));
else test.skip(`an etcd member (real etcd): ${reason}`, () => undefined);
