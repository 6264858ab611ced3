import { expect, jest, test } from '@jest/globals';
import type { Body, Manifest } from './body.ts';
import { configMap, mapsIn } from './objects.ts';
import { contract } from './target.ts';

// The real garbage collector takes its time.
jest.setTimeout(30_000);

contract('garbage collection', { controllers: true }, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const owned = (name: string, owner: Body, more: object = {}): Manifest =>
    configMap(
      name,
      {},
      { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid, ...more }] },
    );
  /** Waits for an object to be gone, or to be as wanted. */
  const eventually = async (name: string, wanted: (object: Body | undefined) => boolean): Promise<void> => {
    for (let tries = 0; tries < 200; tries++) {
      const { code, body } = await target().client.get(`${maps()}/${name}`);
      if (wanted(code === 404 ? undefined : body)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${name} did not become as wanted within 10 s`);
  };
  const gone = (object: Body | undefined): boolean => object === undefined;

  test('what a deleted owner owned goes in the background', async () => {
    const { client } = target();
    const owner = (await client.post(maps(), configMap('owner'))).body;
    await client.post(maps(), owned('child', owner));
    await client.delete(`${maps()}/owner`);
    await eventually('child', gone);
  });

  test('grandchildren go too', async () => {
    const { client } = target();
    const owner = (await client.post(maps(), configMap('old'))).body;
    const child = (await client.post(maps(), owned('middle', owner))).body;
    await client.post(maps(), owned('young', child));
    await client.delete(`${maps()}/old`, { propagationPolicy: 'Background' });
    await eventually('young', gone);
    await eventually('middle', gone);
  });

  test('an object with another owner left stays and loses the reference', async () => {
    const { client } = target();
    const one = (await client.post(maps(), configMap('one'))).body;
    const two = (await client.post(maps(), configMap('two'))).body;
    const ownerReferences = [one, two].flatMap((each) => owned('both', each).metadata.ownerReferences ?? []);
    await client.post(maps(), configMap('both', {}, { ownerReferences }));
    await client.delete(`${maps()}/one`);
    await eventually('both', (object) => object?.metadata.ownerReferences?.map((each) => each.name).join() === 'two');
  });

  test('orphaning leaves the dependents without the reference', async () => {
    const { client } = target();
    const owner = (await client.post(maps(), configMap('parent'))).body;
    await client.post(maps(), owned('orphan', owner));
    await client.delete(`${maps()}/parent`, { propagationPolicy: 'Orphan' });
    await eventually('parent', gone);
    await eventually('orphan', (object) => object !== undefined && object.metadata.ownerReferences === undefined);
  });

  test('foreground deletion waits for the dependents', async () => {
    const { client } = target();
    const owner = (await client.post(maps(), configMap('front'))).body;
    const child = owned('behind', owner, { blockOwnerDeletion: true });
    await client.post(maps(), { ...child, metadata: { ...child.metadata, finalizers: ['contract.test/a'] } });
    const marked = (await client.delete(`${maps()}/front`, { propagationPolicy: 'Foreground' })).body;
    expect(marked.metadata.finalizers).toEqual(['foregroundDeletion']);
    await eventually('behind', (object) => object?.metadata.deletionTimestamp !== undefined);
    expect((await client.get(`${maps()}/front`)).code).toBe(200);
    await client.merge(`${maps()}/behind`, { metadata: { finalizers: null } });
    await eventually('front', gone);
  });
});
