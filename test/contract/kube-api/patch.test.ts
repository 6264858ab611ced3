import { expect, test } from '@jest/globals';
import { configMap, mapsIn, setsIn, statefulSet } from './objects.ts';
import { contract } from './target.ts';
import { widget, widgetsIn } from './widgets.ts';

contract('patches and views', { widgets: true }, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const sets = (): string => setsIn(target().namespace);
  const widgets = (): string => widgetsIn(target().namespace);

  test('a JSON patch whose test holds is applied, one whose test fails is 422 and changes nothing', async () => {
    const { client } = target();
    await client.post(maps(), configMap('tested', { a: '1' }));
    const good = await client.jsonPatch(`${maps()}/tested`, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '2' },
      { op: 'add', path: '/metadata/annotations', value: { 'a/b': 'c' } },
    ]);
    expect([good.code, good.body.data, good.body.metadata.annotations]).toEqual([200, { a: '2' }, { 'a/b': 'c' }]);
    const removed = await client.jsonPatch(`${maps()}/tested`, [{ op: 'remove', path: '/metadata/annotations/a~1b' }]);
    expect(removed.body.metadata.annotations).toBeUndefined();
    const bad = await client.jsonPatch(`${maps()}/tested`, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '3' },
    ]);
    expect([bad.code, bad.body.reason]).toEqual([422, 'Invalid']);
    expect((await client.get(`${maps()}/tested`)).body.data).toEqual({ a: '2' });
  });

  test('a JSON patch of what is not there is 422', async () => {
    const { client } = target();
    await client.post(maps(), configMap('thin'));
    for (const operation of [
      { op: 'remove', path: '/data/none' },
      { op: 'replace', path: '/data/none', value: 'x' },
      { op: 'add', path: '/data/none', value: 'x' },
    ]) {
      expect((await client.jsonPatch(`${maps()}/thin`, [operation])).code).toBe(422);
    }
  });

  test('a merge patch replaces lists and deletes with null', async () => {
    const { client } = target();
    await client.post(widgets(), widget('merged', { args: ['a', 'b'], labels: { x: '1', y: '1' } }));
    const { body } = await client.merge(`${widgets()}/merged`, { spec: { args: ['c'], labels: { x: null } } });
    expect(body.spec).toMatchObject({ args: ['c'], labels: { y: '1' } });
  });

  test('a patch with an old resourceVersion is 409', async () => {
    const { client } = target();
    const first = (await client.post(maps(), configMap('dated', { a: '1' }))).body;
    await client.merge(`${maps()}/dated`, { data: { a: '2' } });
    const { code } = await client.merge(`${maps()}/dated`, {
      metadata: { resourceVersion: first.metadata.resourceVersion },
      data: { a: '3' },
    });
    expect(code).toBe(409);
  });

  test('a patch that changes nothing keeps the version', async () => {
    const { client } = target();
    const first = (await client.post(maps(), configMap('idle', { a: '1' }))).body;
    const { body } = await client.merge(`${maps()}/idle`, { data: { a: '1' } });
    expect(body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('a strategic merge patch joins containers by name and environment by key', async () => {
    const { client } = target();
    const containers = [
      {
        name: 'main',
        image: 'example.com/main:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '1' },
        ],
      },
    ];
    await client.post(sets(), statefulSet('joined', { template: { metadata: { labels: { app: 'joined' } }, spec: { containers } } }));
    const patch = {
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'main',
                env: [
                  { name: 'A', value: '2' },
                  { name: 'B', $patch: 'delete' },
                ],
              },
              { name: 'side', image: 'example.com/side:1' },
            ],
          },
        },
      },
    };
    const { body } = await client.strategic(`${sets()}/joined`, patch);
    const result = body.spec.template.spec.containers.map((each) => ({ name: each.name, image: each.image, env: each.env }));
    expect(result).toContainEqual({ name: 'main', image: 'example.com/main:1', env: [{ name: 'A', value: '2' }] });
    expect(result).toContainEqual({ name: 'side', image: 'example.com/side:1', env: undefined });
  });

  test('custom resources know no strategic merge patch', async () => {
    const { client } = target();
    await client.post(widgets(), widget('plain'));
    const { code, body } = await client.strategic(`${widgets()}/plain`, { spec: { replicas: 1 } });
    expect([code, body.reason]).toEqual([415, 'UnsupportedMediaType']);
  });

  test('metadata alone can be read, listed, watched and patched', async () => {
    const { client } = target();
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    await client.post(maps(), configMap('slim', { secret: 'x' }, { labels: { set: 'slim' } }));
    const one = (await client.call('GET', `${maps()}/slim`, { accept })).body;
    expect(one).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'slim' } });
    expect(one.data).toBeUndefined();
    const list = (
      await client.call('GET', maps(), { accept: accept.replace('Metadata;', 'MetadataList;'), query: { labelSelector: 'set=slim' } })
    ).body;
    expect(list).toMatchObject({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      items: [{ metadata: { name: 'slim' } }],
    });
    expect(list.items[0]?.data).toBeUndefined();
    const watch = await client.watch(maps(), { labelSelector: 'set=slim' }, accept);
    const event = await watch.next();
    watch.close();
    expect(event).toMatchObject({ type: 'ADDED', object: { kind: 'PartialObjectMetadata', metadata: { name: 'slim' } } });
    expect(event?.object.data).toBeUndefined();
  });

  test('the scale of a StatefulSet is read and written', async () => {
    const { client } = target();
    await client.post(sets(), statefulSet('sized'));
    const { body } = await client.get(`${sets()}/sized/scale`);
    expect(body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { replicas: 0, selector: 'app=sized' } });
    expect((await client.put(`${sets()}/sized/scale`, { ...body, spec: { replicas: 3 } })).code).toBe(200);
    expect((await client.get(`${sets()}/sized`)).body.spec.replicas).toBe(3);
  });

  test('what is not served is 404, and a wrong method 405', async () => {
    const { client } = target();
    const unknown = await client.get('/apis/nobody.example.com/v1/things');
    expect(unknown.code).toBe(404);
    expect((await client.call('POST', `${maps()}/x`, { body: {} })).code).toBe(405);
  });
});
