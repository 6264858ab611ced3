import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../../src/lib/secret.ts';
import { clientOf, contract, eventually, raw, rawJson, wholeCluster } from './world.ts';

contract('writing', (world) => {
  describe('access to writes', () => {
    test('is refused without client certificate, before the password is looked at', async () => {
      const client = clientOf(world(), 'pg-0', { tls: { ca: world().credentials.tls!.ca } });
      await expect(client.reload()).rejects.toMatchObject({
        code: 'ERR_PATRONI_FORBIDDEN',
        facts: { detail: 'client certificate required' },
      });
    });

    test('is refused without and with a wrong password', async () => {
      const { tls } = world().credentials;
      await expect(clientOf(world(), 'pg-0', { tls: tls! }).reload()).rejects.toMatchObject({
        code: 'ERR_PATRONI_UNAUTHORIZED',
        facts: { detail: 'no auth header received' },
      });
      const wrong = { tls: tls!, basic: { username: 'patroni', password: new Secret('guess') } };
      const refused = clientOf(world(), 'pg-0', wrong).patchConfig({ ttl: 60 });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_PATRONI_UNAUTHORIZED', facts: { detail: 'not authenticated' } });
      await expect(refused).rejects.not.toThrow(/guess/);
    });
  });

  describe('the dynamic configuration', () => {
    test('merges objects, replaces lists, and null deletes', async () => {
      const client = clientOf(world(), 'pg-1');
      await client.patchConfig({ contract: { a: 1, list: [1, 2], deep: { x: 1, y: 2 } } });
      const merged = await client.patchConfig({ contract: { list: [3], deep: { x: null, z: 3 } } });
      expect(merged['contract']).toEqual({ a: 1, list: [3], deep: { y: 2, z: 3 } });
      // Another member shows what it read last, a moment ago.
      await eventually(
        world(),
        async () => JSON.stringify((await clientOf(world(), 'pg-2').getConfig())['contract']) === JSON.stringify(merged['contract']),
      );
      expect(await client.patchConfig({ contract: null })).not.toHaveProperty('contract');
    });

    test('takes a value that prints the same for no change', async () => {
      const client = clientOf(world(), 'pg-0');
      expect((await client.patchConfig({ ttl: '20' }))['ttl']).toBe(20);
    });

    test('stores a null inside an object that is new', async () => {
      const client = clientOf(world(), 'pg-0');
      expect((await client.patchConfig({ fresh: { a: null, b: 1 } }))['fresh']).toEqual({ a: null, b: 1 });
      await client.patchConfig({ fresh: null });
    });

    test('marks members that must restart for it, until they have', async () => {
      const { leader, replicas } = await wholeCluster(world());
      const replica = clientOf(world(), replicas[0]);
      await expect(replica.restart({ pendingOnly: true })).resolves.toEqual({
        kind: 'refused',
        text: 'restart conditions are not satisfied',
      });
      await replica.patchConfig({ postgresql: { parameters: { max_connections: 35 } } });
      await eventually(world(), (view) => view.members.every((m) => m.pendingRestart));
      expect((await replica.getMember()).pendingRestart).toBe(true);
      // Replicas first: a standby with fewer connections than its primary crashes when it replays the change.
      for (const member of [...replicas, leader])
        await expect(clientOf(world(), member).restart({ pendingOnly: true })).resolves.toEqual({ kind: 'restarted' });
      await eventually(world(), (view) => view.members.every((m) => !m.pendingRestart));
      await wholeCluster(world());
    });
  });

  describe('requests that are not quite right', () => {
    test.each([
      ['no length', { method: 'PATCH', path: '/config', body: '{"ttl":20}', headers: { 'transfer-encoding': 'chunked' } }, 411],
      ['an empty object', { method: 'PATCH', path: '/config', body: '{}', headers: { 'content-length': '2' } }, 400],
      ['broken JSON', { method: 'PATCH', path: '/config', body: '{x', headers: { 'content-length': '2' } }, 400],
      ['a list', { method: 'POST', path: '/switchover', body: '[]', headers: { 'content-length': '2' } }, 400],
      ['a path that does not exist', { method: 'POST', path: '/nonsense', body: '{"a":1}', headers: { 'content-length': '7' } }, 501],
    ])('%s', async (_, request, httpStatus) => {
      expect((await raw(world(), 'pg-0', request)).httpStatus).toBe(httpStatus);
    });
  });

  describe('tags', () => {
    test('show in the view after a reload', async () => {
      await wholeCluster(world());
      await world().setTags('pg-1', { 'config-hash': 'abc123', nofailover: true });
      await clientOf(world(), 'pg-1').reload();
      const view = await eventually(world(), (v) => v.members.some((m) => m.tags['config-hash'] === 'abc123'));
      expect(view.members.find((m) => m.name === 'pg-1')?.tags).toEqual({ 'config-hash': 'abc123', nofailover: true });
      await world().setTags('pg-1', {});
      await clientOf(world(), 'pg-1').reload();
      await eventually(world(), (v) => v.members.every((m) => Object.keys(m.tags).length === 0));
    });
  });

  describe('maintenance mode', () => {
    test('shows everywhere while it lasts', async () => {
      const { leader } = await wholeCluster(world());
      const client = clientOf(world(), leader);
      await client.patchConfig({ pause: true });
      await eventually(world(), (view) => view.paused);
      expect((await rawJson(world(), leader, 'POST', '/switchover', { leader })).httpStatus).toBe(400);
      await client.patchConfig({ pause: null });
      await eventually(world(), (view) => !view.paused);
    });
  });
});
