import { expect, test } from '@jest/globals';
import type { Body, Manifest } from './body.ts';
import { configMap, mapsIn, setsIn, statefulSet } from './objects.ts';
import { contract } from './target.ts';
import { widget, widgetsIn } from './widgets.ts';

const managersOf = (object: Body): string[] =>
  object.metadata.managedFields
    .map((each) => `${each.manager}/${each.operation}${each.subresource === undefined ? '' : `/${each.subresource}`}`)
    .sort();
const fieldsOf = (object: Body, manager: string): object | undefined =>
  object.metadata.managedFields.find((each) => each.manager === manager)?.fieldsV1;

contract('server-side apply', { widgets: true }, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const sets = (): string => setsIn(target().namespace);
  const widgets = (): string => widgetsIn(target().namespace);

  test('creates what is not there and records the manager', async () => {
    const { client } = target();
    const { code, body } = await client.apply(`${maps()}/new`, 'alpha', configMap('new', { a: '1' }, { labels: { x: 'y' } }));
    expect(code).toBe(201);
    expect(body.metadata.managedFields).toEqual([
      {
        manager: 'alpha',
        operation: 'Apply',
        apiVersion: 'v1',
        time: expect.stringMatching(/Z$/),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } },
      },
    ]);
  });

  test('applying the same again keeps the version', async () => {
    const { client } = target();
    const set = statefulSet('calm', {
      template: {
        metadata: { labels: { app: 'calm' } },
        spec: {
          containers: [
            { name: 'main', image: 'example.com/main:1', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '0.5' } } },
          ],
        },
      },
    });
    const first = (await client.apply(`${sets()}/calm`, 'alpha', set)).body;
    const again = await client.apply(`${sets()}/calm`, 'alpha', set);
    expect(again.code).toBe(200);
    expect(again.body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(again.body.metadata.generation).toBe(1);
    const custom = (await client.apply(`${widgets()}/calm`, 'alpha', widget('calm', { users: [{ name: 'a' }] }))).body;
    expect(
      (await client.apply(`${widgets()}/calm`, 'alpha', widget('calm', { users: [{ name: 'a' }] }))).body.metadata.resourceVersion,
    ).toBe(custom.metadata.resourceVersion);
  });

  test('applying the same again after others changed other fields keeps the version', async () => {
    const { client } = target();
    const set = statefulSet('shared', { replicas: undefined });
    await client.apply(`${sets()}/shared`, 'alpha', set);
    await client.merge(`${sets()}/shared`, { spec: { replicas: 4 }, metadata: { annotations: { who: 'me' } } });
    const status = (await client.merge(`${sets()}/shared/status`, { status: { replicas: 4 } })).body;
    const again = (await client.apply(`${sets()}/shared`, 'alpha', set)).body;
    expect(again.metadata.resourceVersion).toBe(status.metadata.resourceVersion);
    expect(again.spec.replicas).toBe(4);
    expect(again.metadata.annotations).toEqual({ who: 'me' });
  });

  test('a field no longer applied goes, unless somebody else owns it too', async () => {
    const { client } = target();
    await client.apply(`${maps()}/fewer`, 'alpha', configMap('fewer', { a: '1', b: '1', c: '1' }));
    await client.apply(`${maps()}/fewer`, 'beta', configMap('fewer', { b: '1' }));
    const { body } = await client.apply(`${maps()}/fewer`, 'alpha', configMap('fewer', { a: '1' }));
    expect(body.data).toEqual({ a: '1', b: '1' });
    const last = (await client.apply(`${maps()}/fewer`, 'beta', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'fewer' } })).body;
    expect(last.data).toEqual({ a: '1' });
    expect(managersOf(last)).toEqual(['alpha/Apply']);
  });

  test('items of keyed lists belong to those who applied them', async () => {
    const { client } = target();
    const withUsers = (...users: object[]): Manifest => widget('crew', { users });
    await client.apply(`${widgets()}/crew`, 'alpha', withUsers({ name: 'a' }, { name: 'b', quota: 1 }));
    await client.apply(`${widgets()}/crew`, 'beta', { ...widget('crew'), spec: { users: [{ name: 'c' }, { name: 'b' }] } });
    const both = (await client.get(`${widgets()}/crew`)).body;
    expect(both.spec.users.map((each) => each.name)).toEqual(['a', 'c', 'b']);
    expect(fieldsOf(both, 'beta')).toEqual({
      'f:spec': { 'f:users': { 'k:{"name":"b"}': { '.': {}, 'f:name': {} }, 'k:{"name":"c"}': { '.': {}, 'f:name': {} } } },
    });
    const { body } = await client.apply(`${widgets()}/crew`, 'alpha', withUsers({ name: 'a' }));
    expect(body.spec.users).toEqual([
      { name: 'a', login: true },
      { name: 'c', login: true },
      { name: 'b', login: true },
    ]);
  });

  test('ports are told apart by number and protocol', async () => {
    const { client, namespace } = target();
    const services = `/api/v1/namespaces/${namespace}/services`;
    const service = (ports: object[]): Manifest => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'door' }, spec: { ports } });
    await client.apply(`${services}/door`, 'alpha', service([{ name: 'a', port: 80 }]));
    const { body } = await client.apply(`${services}/door`, 'beta', service([{ name: 'b', port: 81, protocol: 'TCP' }]));
    expect(body.spec.ports.map((each) => each.port).sort()).toEqual([80, 81]);
    expect(fieldsOf(body, 'alpha')).toEqual({
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
    });
  });

  test('another owner is a conflict that names manager and field', async () => {
    const { client } = target();
    await client.apply(`${maps()}/owned`, 'alpha', configMap('owned', { a: '1' }));
    const { code, body } = await client.apply(`${maps()}/owned`, 'beta', configMap('owned', { a: '2' }));
    expect(code).toBe(409);
    expect(body).toMatchObject({
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "alpha": .data.a',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "alpha"', field: '.data.a' }] },
    });
    expect((await client.get(`${maps()}/owned`)).body.data).toEqual({ a: '1' });
  });

  test('several conflicts are listed by manager', async () => {
    const { client } = target();
    await client.apply(`${maps()}/many`, 'alpha', configMap('many', { a: '1', b: '1' }));
    const { body } = await client.apply(`${maps()}/many`, 'beta', configMap('many', { a: '2', b: '2' }));
    expect(body.message).toBe('Apply failed with 2 conflicts: conflicts with "alpha":\n- .data.a\n- .data.b');
    expect(body.details.causes).toHaveLength(2);
  });

  test('the same value is no conflict, and shares the field', async () => {
    const { client } = target();
    await client.apply(`${maps()}/agreed`, 'alpha', configMap('agreed', { a: '1' }));
    const { code, body } = await client.apply(`${maps()}/agreed`, 'beta', configMap('agreed', { a: '1' }));
    expect(code).toBe(200);
    expect(managersOf(body)).toEqual(['alpha/Apply', 'beta/Apply']);
  });

  test('force takes the field over', async () => {
    const { client } = target();
    await client.apply(`${maps()}/forced`, 'alpha', configMap('forced', { a: '1' }));
    const { body } = await client.apply(`${maps()}/forced`, 'beta', configMap('forced', { a: '2' }), { force: 'true' });
    expect(body.data).toEqual({ a: '2' });
    expect(managersOf(body)).toEqual(['beta/Apply']);
  });

  test('a plain update takes fields over from appliers, and conflicts with them name its version', async () => {
    const { client } = target();
    await client.apply(`${maps()}/edited`, 'alpha', configMap('edited', { a: '1', b: '1' }));
    const edited = (await client.merge(`${maps()}/edited`, { data: { a: '2' } }, { fieldManager: 'hand' })).body;
    expect(fieldsOf(edited, 'alpha')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(fieldsOf(edited, 'hand')).toEqual({ 'f:data': { 'f:a': {} } });
    const { code, body } = await client.apply(`${maps()}/edited`, 'alpha', configMap('edited', { a: '1', b: '1' }));
    expect(code).toBe(409);
    expect(body.message).toBe('Apply failed with 1 conflict: conflict with "hand" using v1: .data.a');
  });

  test('status has managers of its own', async () => {
    const { client } = target();
    await client.apply(`${widgets()}/state`, 'alpha', widget('state'));
    const { code, body } = await client.apply(`${widgets()}/state/status`, 'alpha', {
      ...widget('state'),
      status: { replicas: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    expect(code).toBe(200);
    expect(managersOf(body)).toEqual(['alpha/Apply', 'alpha/Apply/status']);
    const again = (await client.apply(`${widgets()}/state`, 'alpha', widget('state'))).body;
    expect(again.status?.replicas).toBe(1);
    expect(again.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    const fewer = (await client.apply(`${widgets()}/state/status`, 'alpha', { ...widget('state'), status: { replicas: 1 } })).body;
    expect(fewer.status).toEqual({ replicas: 1 });
  });

  test('a deleted and remade object is refused when the uid is given', async () => {
    const { client } = target();
    const first = (await client.post(maps(), configMap('remade'))).body;
    await client.delete(`${maps()}/remade`);
    const gone = await client.apply(`${maps()}/remade`, 'alpha', configMap('remade', {}, { uid: first.metadata.uid }));
    expect(gone.code).toBe(409);
    await client.post(maps(), configMap('remade'));
    const { code, body } = await client.apply(`${maps()}/remade`, 'alpha', configMap('remade', {}, { uid: first.metadata.uid }));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
  });

  test('an old resourceVersion in the configuration is a conflict', async () => {
    const { client } = target();
    const first = (await client.apply(`${maps()}/versioned`, 'alpha', configMap('versioned', { a: '1' }))).body;
    await client.merge(`${maps()}/versioned`, { data: { b: '1' } });
    const { code } = await client.apply(
      `${maps()}/versioned`,
      'alpha',
      configMap('versioned', { a: '2' }, { resourceVersion: first.metadata.resourceVersion }),
    );
    expect(code).toBe(409);
  });

  test('a manager is required, managedFields are forbidden, unknown fields are an error', async () => {
    const { client } = target();
    const nobody = await client.call('PATCH', `${maps()}/x`, { body: configMap('x'), contentType: 'application/apply-patch+yaml' });
    expect([nobody.code, nobody.body.message]).toEqual([
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ]);
    const managed = await client.apply(
      `${maps()}/x`,
      'alpha',
      configMap('x', {}, { managedFields: [{ manager: 'a', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }] }),
    );
    expect([managed.code, managed.body.message]).toEqual([400, 'metadata.managedFields must be nil']);
    const unknown = await client.apply(`${widgets()}/x`, 'alpha', widget('x', { nonsense: 1 }));
    expect(unknown.code).toBe(500);
    expect(unknown.body.message).toContain('.spec.nonsense: field not declared in schema');
  });

  test('owner references and finalizers of several managers are joined', async () => {
    const { client } = target();
    const [one, two] = [(await client.post(maps(), configMap('owner-1'))).body, (await client.post(maps(), configMap('owner-2'))).body];
    const owner = ({ metadata: { name, uid } }: Body): object => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid });
    const joined = (metadata: object = {}): Manifest => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'joined', ...metadata },
    });
    await client.apply(`${maps()}/joined`, 'alpha', joined({ finalizers: ['contract.test/a'], ownerReferences: [owner(one)] }));
    const { body } = await client.apply(
      `${maps()}/joined`,
      'beta',
      joined({ finalizers: ['contract.test/b'], ownerReferences: [owner(two)] }),
    );
    expect([...body.metadata.finalizers].sort()).toEqual(['contract.test/a', 'contract.test/b']);
    expect(body.metadata.ownerReferences).toHaveLength(2);
    expect(fieldsOf(body, 'beta')).toEqual({
      'f:metadata': { 'f:finalizers': { 'v:"contract.test/b"': {} }, 'f:ownerReferences': { [`k:{"uid":"${two.metadata.uid}"}`]: {} } },
    });
    const dropped = (await client.apply(`${maps()}/joined`, 'alpha', joined())).body;
    expect(dropped.metadata.finalizers).toEqual(['contract.test/b']);
    await client.apply(`${maps()}/joined`, 'beta', joined());
  });

  test('an empty rule list in a NetworkPolicy counts as a change, every time', async () => {
    const { client, namespace } = target();
    const policies = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
    const policy = (spec: object): Manifest => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'restless' },
      spec: { podSelector: {}, ...spec },
    });
    const generations: (number | undefined)[] = [];
    for (let n = 0; n < 3; n++)
      generations.push((await client.apply(`${policies}/restless`, 'alpha', policy({ ingress: [] }))).body.metadata.generation);
    expect(generations).toEqual([1, 2, 3]);
    generations.push((await client.apply(`${policies}/restless`, 'alpha', policy({}))).body.metadata.generation);
    generations.push((await client.apply(`${policies}/restless`, 'alpha', policy({}))).body.metadata.generation);
    expect(generations.slice(3)).toEqual([3, 3]);
  });

  test('a dry-run apply shows the result and writes nothing', async () => {
    const { client } = target();
    const first = (await client.apply(`${maps()}/rehearsed`, 'alpha', configMap('rehearsed', { a: '1' }))).body;
    const { body } = await client.apply(`${maps()}/rehearsed`, 'alpha', configMap('rehearsed', { a: '2' }), { dryRun: 'All' });
    expect(body.data).toEqual({ a: '2' });
    const now = (await client.get(`${maps()}/rehearsed`)).body;
    expect([now.data, now.metadata.resourceVersion]).toEqual([{ a: '1' }, first.metadata.resourceVersion]);
  });
});
