import { expect, test } from '@jest/globals';
import type { DiscoveredResource } from './body.ts';
import { contract } from './target.ts';
import { widget, widgetsIn } from './widgets.ts';

contract('custom resources', { widgets: true }, (target) => {
  const widgets = (): string => widgetsIn(target().namespace);
  /** The causes of a refused create, in an order that does not depend on the server. */
  const refused = async (spec: object): Promise<string[]> => {
    const { code, body } = await target().client.post(widgets(), widget('refused', spec));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    return body.details.causes.map((each) => `${each.reason} ${each.field}: ${each.message}`).sort();
  };
  const UNCHECKED =
    'FieldValueInvalid <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

  test('defaults are filled in, also inside objects and lists', async () => {
    const { body } = await target().client.post(widgets(), widget('defaulted', { tls: { days: 5 }, users: [{ name: 'a' }] }));
    expect(body.spec).toEqual({
      size: 'small',
      replicas: 3,
      mode: 'single',
      tls: { enabled: true, days: 5 },
      users: [{ name: 'a', login: true }],
    });
  });

  test('unknown fields are dropped with a warning, kept where the schema says so', async () => {
    const { body, headers } = await target().client.post(
      widgets(),
      widget('pruned', { nonsense: 1, tls: { x: 1 }, free: { any: { thing: [1, null] }, nothing: null } }),
    );
    expect(body.spec.nonsense).toBeUndefined();
    expect(body.spec.tls).toEqual({ enabled: true, days: 90 });
    expect(body.spec.free).toEqual({ any: { thing: [1, null] }, nothing: null });
    expect([headers['warning']].flat()).toEqual(['299 - "unknown field \\"spec.nonsense\\""', '299 - "unknown field \\"spec.tls.x\\""']);
  });

  test('fieldValidation=Strict refuses unknown fields, Ignore says nothing', async () => {
    const { client } = target();
    const strict = await client.post(widgets(), widget('strict', { nonsense: 1, tls: { x: 1 } }), { fieldValidation: 'Strict' });
    expect([strict.code, strict.body.reason]).toEqual([400, 'BadRequest']);
    expect(strict.body.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.nonsense", unknown field "spec.tls.x"',
    );
    const ignore = await client.post(widgets(), widget('lenient', { nonsense: 1 }), { fieldValidation: 'Ignore' });
    expect([ignore.code, ignore.headers['warning']]).toEqual([201, undefined]);
    const patch = await client.merge(`${widgets()}/lenient`, { spec: { nonsense: 1 } }, { fieldValidation: 'Strict' });
    expect(patch.code).toBe(422);
    expect(patch.body.message).toContain('strict decoding error: unknown field "spec.nonsense"');
  });

  test('wrong types are refused with type and path', async () => {
    expect(await refused({ port: true, args: 'x', tls: [], labels: { a: 1 } })).toEqual(
      [
        UNCHECKED,
        'FieldValueTypeInvalid spec.args: Invalid value: "string": spec.args in body must be of type array: "string"',
        'FieldValueTypeInvalid spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
        'FieldValueTypeInvalid spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        'FieldValueTypeInvalid spec.tls: Invalid value: "array": spec.tls in body must be of type object: "array"',
      ].sort(),
    );
  });

  test('required fields, bounds, lengths, patterns and choices are checked', async () => {
    expect(await refused({ size: undefined })).toEqual([UNCHECKED, 'FieldValueRequired spec.size: Required value'].sort());
    expect(await refused({ replicas: 10 })).toEqual([
      'FieldValueInvalid spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9',
    ]);
    expect(await refused({ name: 'x' })).toEqual([
      'FieldValueInvalid spec.name: Invalid value: "x": spec.name in body should be at least 2 chars long',
    ]);
    expect(await refused({ name: 'toolong' })).toEqual(
      [UNCHECKED, 'FieldValueTooLong spec.name: Too long: may not be more than 5 bytes'].sort(),
    );
    expect(await refused({ name: 'A1' })).toEqual([
      'FieldValueInvalid spec.name: Invalid value: "A1": spec.name in body should match \'^[a-z]+$\'',
    ]);
    expect(await refused({ mode: 'triple' })).toEqual(
      [UNCHECKED, 'FieldValueNotSupported spec.mode: Unsupported value: "triple": supported values: "single", "pair"'].sort(),
    );
    expect(await refused({ users: ['a', 'b', 'c', 'd'].map((name) => ({ name })) })).toEqual(
      [UNCHECKED, 'FieldValueTooMany spec.users: Too many: 4: must have at most 3 items'].sort(),
    );
    expect(await refused({ users: [{ login: true }] })).toEqual(
      [UNCHECKED, 'FieldValueRequired spec.users[0].name: Required value'].sort(),
    );
    expect(await refused({ users: [{ name: 'a' }, { name: 'a' }], tags: ['x', 'x'] })).toEqual(
      ['FieldValueDuplicate spec.tags[1]: Duplicate value: "x"', 'FieldValueDuplicate spec.users[1]: Duplicate value: {"name":"a"}'].sort(),
    );
  });

  test('the replicas that scale reads must be a whole number, not negative', async () => {
    expect(await refused({ replicas: -1 })).toEqual(
      [
        'FieldValueInvalid .spec.replicas: Invalid value: -1: should be a non-negative integer',
        'FieldValueInvalid spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0',
      ].sort(),
    );
  });

  test('nulls are dropped where null is not allowed, and defaults take their place', async () => {
    const { body } = await target().client.post(widgets(), widget('nulls', { tls: null, replicas: null, name: null }));
    expect(body.spec).toEqual({ size: 'small', replicas: 3, mode: 'single', tls: { enabled: true, days: 90 } });
  });

  test('CEL rules are evaluated on the defaulted object', async () => {
    expect(await refused({ mode: 'pair' })).toEqual(['FieldValueInvalid spec: Invalid value: "object": a pair has two replicas']);
    expect(await refused({ storage: '1Ki' })).toEqual([
      'FieldValueInvalid spec.storage: Invalid value: "object": storage must be more than 1Mi',
    ]);
    expect((await target().client.post(widgets(), widget('ruled', { mode: 'pair', replicas: 2, storage: '2Mi' }))).code).toBe(201);
  });

  test('transition rules compare with the old object, on update only', async () => {
    const { client } = target();
    await client.post(widgets(), widget('sized'));
    const { code, body } = await client.merge(`${widgets()}/sized`, { spec: { size: 'big' } });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'Widget.contract.patroni-operator.dev "sized" is invalid: spec.size: Invalid value: "string": size is immutable',
    );
    expect((await client.merge(`${widgets()}/sized`, { spec: { replicas: 1 } })).code).toBe(200);
  });

  test('generation counts changes of the spec only', async () => {
    const { client } = target();
    const generation = async (path: string, body: object): Promise<number | undefined> =>
      (await client.merge(`${widgets()}/${path}`, body)).body.metadata.generation;
    expect((await client.post(widgets(), widget('counted'))).body.metadata.generation).toBe(1);
    expect(await generation('counted', { metadata: { annotations: { a: 'b' } } })).toBe(1);
    expect(await generation('counted/status', { status: { replicas: 1 } })).toBe(1);
    expect(await generation('counted', { spec: { replicas: 5 } })).toBe(2);
    expect(await generation('counted', { spec: { replicas: 5 } })).toBe(2);
  });

  test('the scale subresource reads and writes the replicas', async () => {
    const { client } = target();
    await client.post(widgets(), widget('scaled', { replicas: 2 }));
    await client.merge(`${widgets()}/scaled/status`, { status: { replicas: 1, selector: 'app=scaled' } });
    const { body } = await client.get(`${widgets()}/scaled/scale`);
    expect(body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'scaled' },
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'app=scaled' },
    });
    const patched = await client.merge(`${widgets()}/scaled/scale`, { spec: { replicas: 4 } });
    expect(patched.body.spec).toEqual({ replicas: 4 });
    expect((await client.get(`${widgets()}/scaled`)).body).toMatchObject({ spec: { replicas: 4 }, metadata: { generation: 2 } });
    const stale = await client.put(`${widgets()}/scaled/scale`, { ...body, spec: { replicas: 5 } });
    expect(stale.code).toBe(409);
  });

  test('a table has the printer columns', async () => {
    const { client } = target();
    await client.post(widgets(), widget('printed'));
    await client.merge(`${widgets()}/printed/status`, {
      status: {
        conditions: [
          { type: 'Other', status: 'False' },
          { type: 'Ready', status: 'True' },
        ],
      },
    });
    const { body } = await client.call('GET', `${widgets()}/printed`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(body.kind).toBe('Table');
    expect(body.columnDefinitions.map((each) => each.name)).toEqual(['Name', 'Mode', 'Ready', 'Age']);
    expect(body.rows[0].cells.slice(0, 3)).toEqual(['printed', 'single', 'True']);
    expect(body.rows[0].cells[3]).toMatch(/^\d+s$/);
    expect(body.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'printed' } });
  });

  test('discovery tells of the kind, its short names and subresources', async () => {
    const { client } = target();
    const { body } = await client.get('/apis/contract.patroni-operator.dev/v1');
    const named = (name: string): DiscoveredResource | undefined => body.resources.find((each) => each.name === name);
    expect(named('widgets')).toMatchObject({
      singularName: 'widget',
      namespaced: true,
      kind: 'Widget',
      shortNames: ['wd'],
      categories: ['all'],
    });
    expect([...(named('widgets')?.verbs ?? [])].sort()).toEqual([
      'create',
      'delete',
      'deletecollection',
      'get',
      'list',
      'patch',
      'update',
      'watch',
    ]);
    expect(named('widgets/scale')).toMatchObject({ group: 'autoscaling', version: 'v1', kind: 'Scale' });
    expect(named('widgets/status')).toMatchObject({ kind: 'Widget' });
    const aggregated = await client.call('GET', '/apis', {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    expect(aggregated.body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    const group = aggregated.body.items.find((each) => each.metadata.name === 'contract.patroni-operator.dev');
    expect(group?.versions[0].resources[0]).toMatchObject({
      resource: 'widgets',
      responseKind: { kind: 'Widget' },
      scope: 'Namespaced',
      shortNames: ['wd'],
    });
  });

  test('the CRD reports itself established', async () => {
    const { body } = await target().client.get(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.contract.patroni-operator.dev',
    );
    const established = body.status?.conditions.find((each) => each.type === 'Established');
    expect(established?.status).toBe('True');
    expect(body.status).toMatchObject({ acceptedNames: { kind: 'Widget', listKind: 'WidgetList' }, storedVersions: ['v1'] });
  });
});
