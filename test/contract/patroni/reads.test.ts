import { describe, expect, test } from '@jest/globals';
import { isStreaming } from '../../../src/patroni/members.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { clientOf, contract, raw, targetOf, wholeCluster } from './world.ts';

contract('reading', (world) => {
  describe('reading a cluster', () => {
    test('shows one leader and replicas that stream on its timeline, the same from every member', async () => {
      const { view, leader } = await wholeCluster(world());
      expect(view.scope).toBe(world().scope);
      expect(view.paused).toBe(false);
      expect(view.members.map((m) => m.name)).toEqual(['pg-0', 'pg-1', 'pg-2']);
      for (const m of view.members) {
        expect(m).toMatchObject({ timeline: 1, pendingRestart: false, tags: {} });
        expect(isStreaming(view, m)).toBe(m.name !== leader);
        expect(m.lag.known).toBe(m.name !== leader);
        const seen = await clientOf(world(), m.name).getCluster();
        expect(seen.members.map((other) => other.role)).toEqual(view.members.map((other) => other.role));
      }
    });

    test('lets each member speak for itself', async () => {
      const { leader, replicas } = await wholeCluster(world());
      const primary = await clientOf(world(), leader).getMember();
      const replica = await clientOf(world(), replicas[0]).getMember();
      expect(primary).toMatchObject({ name: leader, role: 'primary', state: 'running', timeline: 1, pendingRestart: false, paused: false });
      expect(replica).toMatchObject({ role: 'replica', state: 'running', timeline: 1, replicationState: 'streaming' });
      expect(replica.systemIdentifier).toMatch(/^\d{19}$/);
      expect(replica.systemIdentifier).toBe(primary.systemIdentifier);
      expect(primary.serverVersion).toBeGreaterThan(120_000);
      expect(primary.patroniVersion).toMatch(/^4\.\d+\.\d+$/);
    });

    test('serves role checks by status', async () => {
      const { leader, replicas } = await wholeCluster(world());
      const statuses = async (member: string) => {
        const paths = ['/primary', '/replica', '/read-only', '/health', '/liveness', '/readiness', '/nonsense'];
        return Promise.all(paths.map(async (path) => (await raw(world(), member, { method: 'GET', path })).httpStatus));
      };
      expect(await statuses(leader)).toEqual([200, 503, 200, 200, 200, 200, 503]);
      expect(await statuses(replicas[0])).toEqual([503, 200, 200, 200, 200, 200, 503]);
    });

    test('needs neither password nor client certificate', async () => {
      const { tls } = world().credentials;
      const client = clientOf(world(), 'pg-0', { tls: { ca: tls!.ca } });
      await expect(client.getCluster()).resolves.toMatchObject({ scope: world().scope });
      await expect(client.getConfig()).resolves.toMatchObject({ ttl: 20 });
    });

    test('resumed TLS sessions keep their client certificate', async () => {
      const client = clientOf(world(), 'pg-1');
      for (let i = 0; i < 4; i++) await expect(client.reload()).resolves.toBeUndefined();
    });
  });

  describe('trusting a member', () => {
    const tls = () => world().credentials.tls!;

    test('refuses a certificate of another authority', async () => {
      const other = await createTestAuthority();
      const client = world()
        .clients.forCluster('other-ca', { tls: { ca: other.certPem } })
        .member(targetOf(world(), 'pg-0'));
      await expect(client.getCluster()).rejects.toMatchObject({ code: 'ERR_PATRONI_TLS' });
    });

    test('refuses a certificate for another name, though the address is right', async () => {
      const [first, second] = world().targets;
      // The double picks its certificate by the name asked for, so it cannot show a wrong one; it closes the handshake.
      const target = { ...first!, serverName: world().isReal ? second!.serverName : 'nobody.test' };
      const failure = world()
        .clients.forCluster('wrong-name', { tls: { ca: tls().ca } })
        .member(target)
        .getCluster();
      await expect(failure).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PATRONI_(TLS|UNREACHABLE)$/) });
      if (world().isReal)
        await expect(failure).rejects.toMatchObject({ code: 'ERR_PATRONI_TLS', message: expect.stringContaining('ALTNAME_INVALID') });
    });

    test('finds nobody on a closed port', async () => {
      const client = world()
        .clients.forCluster('closed', { tls: { ca: tls().ca } })
        .member({ ...targetOf(world(), 'pg-0'), port: 1 });
      await expect(client.getMember()).rejects.toMatchObject({ code: 'ERR_PATRONI_UNREACHABLE', retry: 'transient' });
    });
  });
});
