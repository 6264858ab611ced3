import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '../../contract/kube-api/client.ts';
import { configMap, mapsIn } from '../../contract/kube-api/objects.ts';
import { startApiServer, type ApiServer } from './server.ts';

describe('faults', () => {
  const maps = mapsIn('default');
  let api: ApiServer;
  let client: Client;
  beforeEach(async () => {
    api = await startApiServer();
    client = new Client(api.kubeconfig());
  });
  afterEach(async () => {
    await client.close();
    await api.stop();
  });
  const broken = (call: Promise<unknown>): Promise<boolean> => call.then(() => false).catch(() => true);

  test('the n-th matching request fails with a status, the others do not', async () => {
    const fault = api.faults.add({
      method: 'POST',
      path: /configmaps/,
      nth: 2,
      action: { kind: 'status', code: 429, retryAfterSeconds: 3 },
    });
    const codes = [];
    for (const name of ['a', 'b', 'c']) codes.push((await client.post(maps, configMap(name))).code);
    expect(codes).toEqual([201, 429, 201]);
    expect(fault.hits).toBe(1);
    expect(api.objects.get('configmap', 'b')).toBeUndefined();
  });

  test('a reset connection leaves nothing behind, a lost reply leaves the write', async () => {
    api.faults.add({ method: 'write', action: { kind: 'reset' } });
    expect(await broken(client.post(maps, configMap('a')))).toBe(true);
    expect(api.objects.get('configmap', 'a')).toBeUndefined();
    api.faults.add({ method: 'write', action: { kind: 'lost-reply' } });
    expect(await broken(client.post(maps, configMap('b')))).toBe(true);
    expect(api.objects.get('configmap', 'b')).toBeDefined();
  });

  test('a partial body cannot be read to its end', async () => {
    api.faults.add({ method: 'read', action: { kind: 'partial-body' } });
    expect(await broken(client.get(maps))).toBe(true);
  });

  test('a delayed request waits for its signal', async () => {
    let release = (): void => undefined;
    api.faults.add({ method: 'POST', action: { kind: 'delay', until: new Promise<void>((resolve) => (release = resolve)) } });
    const slow = client.post(maps, configMap('slow'));
    await client.post(maps, configMap('quick'));
    expect(api.objects.get('configmap', 'slow')).toBeUndefined();
    release();
    expect((await slow).code).toBe(201);
  });

  test('hooks run before and after each write, and may break the connection there', async () => {
    const seen: string[] = [];
    api.faults.aroundWrites({
      before: ({ n }) => {
        seen.push(`before ${n} ${api.objects.list('configmap').length}`);
        return n === 2 ? 'reset' : undefined;
      },
      after: ({ n }) => {
        seen.push(`after ${n} ${api.objects.list('configmap').length}`);
        return n === 3 ? 'reset' : undefined;
      },
    });
    const outcomes = [];
    for (const name of ['a', 'b', 'c']) outcomes.push(await broken(client.post(maps, configMap(name))));
    expect(outcomes).toEqual([false, true, true]);
    expect(seen).toEqual(['before 1 0', 'after 1 1', 'before 2 1', 'before 3 1', 'after 3 2']);
  });

  test('requests are logged with what they did', async () => {
    await client.call('POST', maps, { body: configMap('a', { x: '1' }), userAgent: 'operator/1' });
    await client.apply(`${maps}/a`, 'm', configMap('a', { x: '1' }));
    await client.apply(`${maps}/a`, 'm', configMap('a', { x: '1' }));
    await client.get(maps, { labelSelector: 'a=b' });
    expect(api.requests.writes()).toHaveLength(3);
    expect(api.requests.committed().map((each) => each.verb)).toEqual(['create', 'apply']);
    expect(api.requests.writes({ userAgent: /^operator/ })).toMatchObject([
      { verb: 'create', resource: '/configmaps', namespace: 'default', status: 201 },
    ]);
    expect(api.requests.all({ method: 'read' })).toMatchObject([{ verb: 'list', query: { labelSelector: 'a=b' } }]);
    api.requests.clear();
    expect(api.requests.all()).toEqual([]);
  });

  test('all watches can be dropped, expired, and sent bookmarks', async () => {
    const watch = await client.watch(maps, { resourceVersion: api.resourceVersion(), allowWatchBookmarks: 'true' });
    expect(api.watches.resources()).toEqual(['/configmaps']);
    api.watches.sendBookmarks();
    expect(await watch.next()).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion: api.resourceVersion() } } });
    api.watches.expire();
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    expect(await watch.next()).toBeUndefined();
    const other = await client.watch(maps, { resourceVersion: api.resourceVersion() });
    api.watches.drop('reset');
    await expect(other.next()).rejects.toThrow();
    expect(api.watches.count).toBe(0);
  });

  test('an expired continue token gets 410 and a token to go on with', async () => {
    for (const name of ['a', 'b', 'c']) await client.post(maps, configMap(name));
    const first = (await client.get(maps, { limit: '1' })).body;
    api.compact();
    await client.post(maps, configMap('d'));
    const { code, body } = await client.get(maps, { limit: '1', continue: first.metadata.continue ?? '' });
    expect([code, body.reason]).toEqual([410, 'Expired']);
    const rest = (await client.get(maps, { continue: body.metadata.continue ?? '' })).body;
    expect(rest.items.map((each) => each.metadata.name)).toEqual(['b', 'c', 'd']);
  });

  test('a paused server refuses connections and comes back with its objects', async () => {
    await client.post(maps, configMap('a'));
    await api.pause();
    expect(await broken(client.get(maps))).toBe(true);
    await api.resume();
    expect((await client.get(`${maps}/a`)).code).toBe(200);
  });

  test('a server without streaming lists answers 422', async () => {
    const old = await startApiServer({ watchList: false });
    const other = new Client(old.kubeconfig());
    const query = { watch: 'true', sendInitialEvents: 'true', allowWatchBookmarks: 'true', resourceVersionMatch: 'NotOlderThan' };
    const { code, body } = await other.get(maps, query);
    expect(code).toBe(422);
    expect(body.message).toContain('sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
    await other.close();
    await old.stop();
  });
});
