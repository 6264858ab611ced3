import { expect, test } from '@jest/globals';
import { configMap, mapsIn } from './objects.ts';
import { contract } from './target.ts';

contract('list and watch', {}, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const version = async (): Promise<string> => (await target().client.get(maps())).body.metadata.resourceVersion;

  test('a watch from a version sees every later change in order', async () => {
    const { client } = target();
    const from = await version();
    await client.post(maps(), configMap('w1', { a: '1' }));
    const watch = await client.watch(maps(), { resourceVersion: from });
    await client.merge(`${maps()}/w1`, { data: { a: '2' } });
    await client.delete(`${maps()}/w1`);
    const events = [await watch.next(), await watch.next(), await watch.next()];
    watch.close();
    expect(events.map((each) => `${each?.type ?? 'END'} ${each?.object.metadata.name ?? ''} ${each?.object.data?.['a'] ?? ''}`)).toEqual([
      'ADDED w1 1',
      'MODIFIED w1 2',
      'DELETED w1 2',
    ]);
    const versions = events.map((each) => Number(each?.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
    expect(events[0]?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  });

  test('a watch without a version begins with what is there', async () => {
    const { client } = target();
    await client.post(maps(), configMap('w2', {}, { labels: { set: 'w2' } }));
    const watch = await client.watch(maps(), { labelSelector: 'set=w2' });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'w2' } } });
    watch.close();
  });

  test('an object that ceases to match the selector is seen as deleted, and as added when it matches again', async () => {
    const { client } = target();
    await client.post(maps(), configMap('w3', {}, { labels: { role: 'in' } }));
    const watch = await client.watch(maps(), { resourceVersion: await version(), labelSelector: 'role=in' });
    await client.merge(`${maps()}/w3`, { metadata: { labels: { role: 'out' } } });
    await client.merge(`${maps()}/w3`, { data: { ignored: '1' } });
    await client.merge(`${maps()}/w3`, { metadata: { labels: { role: 'in' } } });
    expect(await watch.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'w3' } } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'w3' } } });
    watch.close();
  });

  test('one object can be watched by name', async () => {
    const { client } = target();
    await client.post(maps(), configMap('w4'));
    const watch = await client.watch(maps(), { resourceVersion: await version(), fieldSelector: 'metadata.name=w4' });
    await client.post(maps(), configMap('w5'));
    await client.merge(`${maps()}/w4`, { data: { a: '1' } });
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'w4' } } });
    watch.close();
  });

  test('a streaming list ends its initial events with an annotated bookmark', async () => {
    const { client } = target();
    await client.post(maps(), configMap('s1', {}, { labels: { set: 's' } }));
    await client.post(maps(), configMap('s2', {}, { labels: { set: 's' } }));
    const watch = await client.watch(maps(), {
      labelSelector: 'set=s',
      sendInitialEvents: 'true',
      allowWatchBookmarks: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 's1' } } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 's2' } } });
    const bookmark = await watch.next();
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    expect(Number(bookmark?.object.metadata.resourceVersion)).toBeGreaterThan(0);
    await client.post(maps(), configMap('s3', {}, { labels: { set: 's' } }));
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 's3' } } });
    watch.close();
  });

  test('a streaming list must say NotOlderThan and allow bookmarks', async () => {
    const { client } = target();
    const plain = await client.get(maps(), { watch: 'true', sendInitialEvents: 'true', allowWatchBookmarks: 'true' });
    expect(plain.code).toBe(422);
    expect(plain.body.message).toBe(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  });

  test('timeoutSeconds ends a watch in order', async () => {
    const { client } = target();
    const watch = await client.watch(maps(), { resourceVersion: await version(), timeoutSeconds: '1', labelSelector: 'none=none' });
    expect(await watch.next()).toBeUndefined();
  });

  test('a watch from a version that is no longer known gets 410 in the stream', async () => {
    const { client, double } = target();
    // A real server forgets when it likes: nothing to ask of it here.
    if (double === undefined) return;
    const from = await version();
    await client.post(maps(), configMap('forgotten'));
    double.compact();
    await client.post(maps(), configMap('forgotten-2'));
    const watch = await client.watch(maps(), { resourceVersion: from });
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    expect(await watch.next()).toBeUndefined();
  });

  test('pages are of one moment, whatever happens in between', async () => {
    const { client } = target();
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await client.post(maps(), configMap(name, {}, { labels: { page: 'p' } }));
    const query = { labelSelector: 'page=p', limit: '2' };
    const first = (await client.get(maps(), query)).body;
    expect(first.items.map((each) => each.metadata.name)).toEqual(['p1', 'p2']);
    await client.post(maps(), configMap('p30', {}, { labels: { page: 'p' } }));
    await client.delete(`${maps()}/p4`);
    const second = (await client.get(maps(), { ...query, continue: first.metadata.continue ?? '' })).body;
    expect(second.items.map((each) => each.metadata.name)).toEqual(['p3', 'p4']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const third = (await client.get(maps(), { ...query, continue: second.metadata.continue ?? '' })).body;
    expect(third.items.map((each) => each.metadata.name)).toEqual(['p5']);
    expect(third.metadata.continue ?? '').toBe('');
  });

  test('remainingItemCount tells how many are left when nothing is selected', async () => {
    const { client } = target();
    await client.post(maps(), configMap('r1'));
    await client.post(maps(), configMap('r2'));
    const all = (await client.get(maps())).body.items.length;
    const first = (await client.get(maps(), { limit: '1' })).body;
    expect(first.metadata.remainingItemCount).toBe(all - 1);
  });

  test('items of a built-in list carry no kind of their own', async () => {
    const { client } = target();
    await client.post(maps(), configMap('bare'));
    const { body } = await client.get(maps(), { fieldSelector: 'metadata.name=bare' });
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(body.items[0]?.kind).toBeUndefined();
  });

  test('labels are selected by equality, sets and existence', async () => {
    const { client } = target();
    await client.post(maps(), configMap('l1', {}, { labels: { sel: 'a', tier: 'x' } }));
    await client.post(maps(), configMap('l2', {}, { labels: { sel: 'b' } }));
    await client.post(maps(), configMap('l3', {}, { labels: { sel: 'c', tier: 'y' } }));
    const names = async (labelSelector: string): Promise<string> =>
      (await client.get(maps(), { labelSelector })).body.items.map((each) => each.metadata.name).join(' ');
    expect(await names('sel=a')).toBe('l1');
    expect(await names('sel,sel!=a')).toBe('l2 l3');
    expect(await names('sel in (a, c)')).toBe('l1 l3');
    expect(await names('sel,sel notin (a,c)')).toBe('l2');
    expect(await names('sel,!tier')).toBe('l2');
    expect(await names('tier')).toBe('l1 l3');
  });

  test('a field that cannot be selected is 400', async () => {
    const { code, body } = await target().client.get(maps(), { fieldSelector: 'data.a=1' });
    expect(code).toBe(400);
    expect(body.message).toContain('"data.a" is not a known field selector');
  });

  test('a list at a version from the future times out', async () => {
    const { code, body } = await target().client.get(maps(), { resourceVersion: '999999999999' });
    expect(code).toBe(504);
    expect(body).toMatchObject({ reason: 'Timeout', details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } });
  });
});
