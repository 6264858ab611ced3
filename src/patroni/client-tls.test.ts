import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createTestAuthority } from '../../test/support/certificates.ts';
import { Secret } from '../lib/secret.ts';
import { createPatroniClients, type PatroniClients, type PatroniCredentials, type PatroniTarget } from './client.ts';

const NAME = 'pg-0.pg.shop.svc.cluster.local';

describe('connections over TLS', () => {
  /** For each connection, whether it resumed a session. */
  const resumed: boolean[] = [];
  let server: Server;
  let clients: PatroniClients;
  let credentials: PatroniCredentials;
  let target: PatroniTarget;

  beforeAll(async () => {
    const authority = await createTestAuthority();
    const [leaf, client] = [await authority.issue({ dnsNames: [NAME] }), await authority.issue({ usages: ['client'] })];
    const options = { cert: leaf.certPem, key: leaf.keyPem, ca: authority.certPem, requestCert: true };
    // As Patroni does it: one request for each connection.
    server = createServer(options, (_, response) => void response.writeHead(202, { connection: 'close' }).end('reload scheduled'));
    server.on('secureConnection', (socket: TLSSocket) => void resumed.push(socket.isSessionReused()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    clients = createPatroniClients();
    credentials = { tls: { ca: authority.certPem, cert: client.certPem, key: new Secret(client.keyPem) } };
    target = { member: 'pg-0', host: '127.0.0.1', port: (server.address() as AddressInfo).port, serverName: NAME };
  });

  afterAll(async () => {
    clients.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test('resume the session of the one before, which costs half', async () => {
    for (let i = 0; i < 4; i++) await clients.forCluster('shop/pg', credentials).member(target).reload();
    expect(resumed).toEqual([false, true, true, true]);
  });
});
