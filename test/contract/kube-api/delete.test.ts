import { expect, test } from '@jest/globals';
import { configMap, mapsIn, pod, podsIn } from './objects.ts';
import { contract } from './target.ts';
import { widget, widgetsIn } from './widgets.ts';

contract('deletion', { widgets: true }, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const widgets = (): string => widgetsIn(target().namespace);

  test('an object without finalizers is gone at once, and the answer is a Status', async () => {
    const { client } = target();
    const made = (await client.post(maps(), configMap('gone'))).body;
    const { code, body } = await client.delete(`${maps()}/gone`);
    expect(code).toBe(200);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'gone', kind: 'configmaps', uid: made.metadata.uid },
    });
    expect((await client.get(`${maps()}/gone`)).code).toBe(404);
    expect((await client.delete(`${maps()}/gone`)).code).toBe(404);
  });

  test('finalizers hold an object back until the last is removed', async () => {
    const { client } = target();
    await client.post(widgets(), { ...widget('held'), metadata: { name: 'held', finalizers: ['contract.test/a', 'contract.test/b'] } });
    const marked = (await client.delete(`${widgets()}/held`)).body;
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, generation: 2, deletionTimestamp: expect.stringMatching(/Z$/) });
    const again = (await client.delete(`${widgets()}/held`)).body;
    expect(again.metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp);
    expect(again.metadata.resourceVersion).toBe(marked.metadata.resourceVersion);
    const fewer = await client.merge(`${widgets()}/held`, { metadata: { finalizers: ['contract.test/b'] } });
    expect(fewer.code).toBe(200);
    expect((await client.get(`${widgets()}/held`)).code).toBe(200);
    expect((await client.merge(`${widgets()}/held`, { metadata: { finalizers: null } })).code).toBe(200);
    expect((await client.get(`${widgets()}/held`)).code).toBe(404);
  });

  test('a finalizer cannot be added once deletion has begun', async () => {
    const { client } = target();
    await client.post(maps(), configMap('late', {}, { finalizers: ['contract.test/a'] }));
    await client.delete(`${maps()}/late`);
    const { code, body } = await client.merge(`${maps()}/late`, { metadata: { finalizers: ['contract.test/a', 'contract.test/b'] } });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'ConfigMap "late" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"contract.test/b"}',
    );
    await client.merge(`${maps()}/late`, { metadata: { finalizers: null } });
  });

  test('a watch sees the mark as a change and the end as a deletion', async () => {
    const { client } = target();
    const made = (await client.post(maps(), configMap('seen', {}, { finalizers: ['contract.test/a'] }))).body;
    const watch = await client.watch(maps(), { resourceVersion: made.metadata.resourceVersion, fieldSelector: 'metadata.name=seen' });
    await client.delete(`${maps()}/seen`);
    await client.merge(`${maps()}/seen`, { metadata: { finalizers: [] } });
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { deletionTimestamp: expect.anything() } } });
    expect(await watch.next()).toMatchObject({ type: 'DELETED' });
    watch.close();
  });

  test('a precondition on uid or version that fails is 409 and deletes nothing', async () => {
    const { client } = target();
    const made = (await client.post(maps(), configMap('guarded'))).body;
    const options = (preconditions: object): object => ({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions });
    const wrongUid = await client.delete(`${maps()}/guarded`, options({ uid: 'other' }));
    expect([wrongUid.code, wrongUid.body.reason]).toEqual([409, 'Conflict']);
    expect(wrongUid.body.message).toContain(`the UID in the precondition (other) does not match the UID in record (${made.metadata.uid})`);
    const wrongVersion = await client.delete(`${maps()}/guarded`, options({ resourceVersion: '1' }));
    expect([wrongVersion.code, wrongVersion.body.reason]).toEqual([409, 'Conflict']);
    expect(
      (await client.delete(`${maps()}/guarded`, options({ uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion }))).code,
    ).toBe(200);
  });

  test('a pod that no node has taken goes at once', async () => {
    const { client, namespace } = target();
    await client.post(podsIn(namespace), pod('waiting'));
    expect((await client.delete(`${podsIn(namespace)}/waiting`)).code).toBe(200);
    expect((await client.get(`${podsIn(namespace)}/waiting`)).code).toBe(404);
  });

  test('a pod on a node is only marked, and goes with grace 0', async () => {
    const { client, namespace } = target();
    const placed = { ...pod('placed'), spec: { ...pod('placed').spec, nodeName: 'node-1', terminationGracePeriodSeconds: 60 } };
    await client.post(podsIn(namespace), placed);
    const marked = (await client.delete(`${podsIn(namespace)}/placed`)).body;
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 60, name: 'placed' });
    expect(Date.parse(marked.metadata.deletionTimestamp ?? '')).toBeGreaterThan(Date.now() + 50_000);
    const sooner = (await client.delete(`${podsIn(namespace)}/placed`, { gracePeriodSeconds: 10 })).body;
    expect(sooner.metadata.deletionGracePeriodSeconds).toBe(10);
    await client.delete(`${podsIn(namespace)}/placed`, { gracePeriodSeconds: 0 });
    expect((await client.get(`${podsIn(namespace)}/placed`)).code).toBe(404);
  });

  test('a collection is deleted by selector', async () => {
    const { client } = target();
    for (const name of ['c1', 'c2']) await client.post(maps(), configMap(name, {}, { labels: { sweep: 'yes' } }));
    await client.post(maps(), configMap('c3', {}, { labels: { sweep: 'no' } }));
    const { code } = await client.delete(maps(), undefined, { labelSelector: 'sweep=yes' });
    expect(code).toBe(200);
    const left = (await client.get(maps(), { labelSelector: 'sweep' })).body.items;
    expect(left.map((each) => each.metadata.name)).toEqual(['c3']);
  });
});
