import { expect, test } from '@jest/globals';
import { configMap, mapsIn, pod, podsIn, setsIn, statefulSet } from './objects.ts';
import { contract } from './target.ts';
import { widget, widgetsIn } from './widgets.ts';

contract('create, read and replace', { widgets: true }, (target) => {
  const maps = (): string => mapsIn(target().namespace);
  const sets = (): string => setsIn(target().namespace);
  const widgets = (): string => widgetsIn(target().namespace);

  test('a created object gets uid, creation time and version', async () => {
    const { code, body } = await target().client.post(maps(), configMap('made', { a: '1' }));
    expect(code).toBe(201);
    expect(body).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      data: { a: '1' },
      metadata: { name: 'made', namespace: target().namespace },
    });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
    expect(body.metadata.generation).toBeUndefined();
  });

  test('creating what exists is 409 AlreadyExists', async () => {
    await target().client.post(maps(), configMap('twice'));
    const { code, body } = await target().client.post(maps(), configMap('twice'));
    expect(code).toBe(409);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'AlreadyExists',
      code: 409,
      message: 'configmaps "twice" already exists',
      details: { name: 'twice', kind: 'configmaps' },
    });
  });

  test('reading what is not there is 404 with the kind in its details', async () => {
    const { code, body } = await target().client.get(`${widgets()}/none`);
    expect(code).toBe(404);
    expect(body).toMatchObject({
      reason: 'NotFound',
      message: 'widgets.contract.patroni-operator.dev "none" not found',
      details: { name: 'none', group: 'contract.patroni-operator.dev', kind: 'widgets' },
    });
  });

  test('a namespace that does not exist is 404', async () => {
    const { code, body } = await target().client.post(mapsIn('contract-nowhere'), configMap('x'));
    expect(code).toBe(404);
    expect(body.message).toBe('namespaces "contract-nowhere" not found');
  });

  test('generateName makes a name', async () => {
    const { code, body } = await target().client.post(maps(), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } });
    expect(code).toBe(201);
    expect(body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
  });

  test('names that are not DNS names are refused with the field', async () => {
    const { code, body } = await target().client.post(maps(), configMap('Bad_Name'));
    expect(code).toBe(422);
    expect(body).toMatchObject({ reason: 'Invalid', details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] } });
    expect(body.message).toContain(
      'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain',
    );
  });

  test('a replacement under an old version is 409 Conflict and changes nothing', async () => {
    const { client } = target();
    const first = (await client.post(maps(), configMap('raced', { a: '1' }))).body;
    expect((await client.put(`${maps()}/raced`, { ...first, data: { a: '2' } })).code).toBe(200);
    const { code, body } = await client.put(`${maps()}/raced`, { ...first, data: { a: '3' } });
    expect(code).toBe(409);
    expect(body).toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "raced": the object has been modified; please apply your changes to the latest version and try again',
    });
    expect((await client.get(`${maps()}/raced`)).body.data).toEqual({ a: '2' });
  });

  test('a replacement that changes nothing keeps the version', async () => {
    const { client } = target();
    const first = (await client.post(maps(), configMap('same', { a: '1' }))).body;
    const { body } = await client.put(`${maps()}/same`, first);
    expect(body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('a custom resource is replaced only with its version', async () => {
    const { client } = target();
    await client.post(widgets(), widget('unversioned'));
    const { code, body } = await client.put(`${widgets()}/unversioned`, widget('unversioned'));
    expect(code).toBe(422);
    expect(body.message).toContain('metadata.resourceVersion: Invalid value: ');
    expect(body.message).toContain('must be specified for an update');
  });

  test('a built-in object may be replaced without a version', async () => {
    const { client } = target();
    await client.post(maps(), configMap('plain'));
    expect((await client.put(`${maps()}/plain`, configMap('plain', { b: '1' }))).code).toBe(200);
  });

  test('generation counts changes of the spec, not of labels or status', async () => {
    const { client } = target();
    const first = (await client.post(sets(), statefulSet('gen'))).body;
    expect(first.metadata.generation).toBe(1);
    const labelled = (await client.merge(`${sets()}/gen`, { metadata: { labels: { a: 'b' } } })).body;
    expect(labelled.metadata.generation).toBe(1);
    const scaled = (await client.merge(`${sets()}/gen`, { spec: { replicas: 5 } })).body;
    expect(scaled.metadata.generation).toBe(2);
    const status = (await client.merge(`${sets()}/gen/status`, { status: { replicas: 1, observedGeneration: 2 } })).body;
    expect(status.metadata.generation).toBe(2);
    expect(status.status).toMatchObject({ replicas: 1, observedGeneration: 2 });
  });

  test('status is written through its subresource only, and nothing else through it', async () => {
    const { client } = target();
    const made = (await client.post(widgets(), { ...widget('two-faced'), status: { replicas: 7 } })).body;
    expect(made.status).toBeUndefined();
    const main = (await client.merge(`${widgets()}/two-faced`, { status: { replicas: 7 } })).body;
    expect(main.status).toBeUndefined();
    expect(main.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    const body = { metadata: { labels: { a: 'b' } }, spec: { replicas: 1 }, status: { replicas: 7 } };
    const status = (await client.merge(`${widgets()}/two-faced/status`, body)).body;
    expect(status.status).toEqual({ replicas: 7 });
    expect(status.spec.replicas).toBe(3);
    expect(status.metadata.labels).toBeUndefined();
    expect(status.metadata.generation).toBe(1);
  });

  test('dryRun=All answers as usual and keeps nothing', async () => {
    const { client } = target();
    const { code, body } = await client.post(maps(), configMap('dry'), { dryRun: 'All' });
    expect([code, body.metadata.name]).toEqual([201, 'dry']);
    expect((await client.get(`${maps()}/dry`)).code).toBe(404);
    await client.post(maps(), configMap('dry', { a: '1' }));
    expect((await client.merge(`${maps()}/dry`, { data: { a: '2' } }, { dryRun: 'All' })).body.data).toEqual({ a: '2' });
    expect((await client.delete(`${maps()}/dry`, undefined, { dryRun: 'All' })).code).toBe(200);
    expect((await client.get(`${maps()}/dry`)).body.data).toEqual({ a: '1' });
  });

  test('a body of another kind, name or namespace is 400', async () => {
    const { client } = target();
    expect((await client.post(maps(), { ...configMap('x'), kind: 'Secret' })).code).toBe(400);
    expect((await client.post(maps(), configMap('x', {}, { namespace: 'default' }))).code).toBe(400);
    await client.post(maps(), configMap('y'));
    expect((await client.put(`${maps()}/y`, configMap('x'))).code).toBe(400);
  });

  test('a StatefulSet gets its defaults, and refuses changes of what may not change', async () => {
    const { client } = target();
    const made = (await client.post(sets(), statefulSet('frozen'))).body;
    expect(made.spec).toMatchObject({
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      template: {
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          containers: [{ imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log' }],
        },
      },
    });
    const { code, body } = await client.merge(`${sets()}/frozen`, { spec: { podManagementPolicy: 'Parallel' } });
    expect(code).toBe(422);
    expect(body.message).toBe(
      "StatefulSet.apps \"frozen\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
  });

  test('quantities come back in canonical form', async () => {
    const { client } = target();
    const resources = { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '1000m', memory: '2048Mi' } };
    const template = {
      metadata: { labels: { app: 'amounts' } },
      spec: { containers: [{ name: 'main', image: 'example.com/main:1', resources }] },
    };
    const { body } = await client.post(sets(), statefulSet('amounts', { template }));
    expect(body.spec.template.spec.containers[0].resources).toEqual({
      requests: { cpu: '500m', memory: '1Gi' },
      limits: { cpu: '1', memory: '2Gi' },
    });
  });

  test('stringData of a Secret becomes data', async () => {
    const { client, namespace } = target();
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'words' }, stringData: { a: 'hello' } };
    const made = (await client.post(`/api/v1/namespaces/${namespace}/secrets`, body)).body;
    expect(made).toMatchObject({ type: 'Opaque', data: { a: 'aGVsbG8=' } });
    expect(made.stringData).toBeUndefined();
  });

  test('a Service gets an address and keeps it', async () => {
    const { client, namespace } = target();
    const services = `/api/v1/namespaces/${namespace}/services`;
    const made = (
      await client.post(services, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'front' }, spec: { ports: [{ port: 80 }] } })
    ).body;
    expect(made.spec).toMatchObject({ type: 'ClusterIP', sessionAffinity: 'None', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
    expect(made.spec.clusterIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const moved = await client.merge(`${services}/front`, { spec: { clusterIP: 'None', clusterIPs: ['None'] } });
    expect([moved.code, moved.body.reason]).toEqual([422, 'Invalid']);
  });

  test('the fields of a running pod cannot be changed', async () => {
    const { client, namespace } = target();
    await client.post(podsIn(namespace), pod('fixed'));
    const { code, body } = await client.merge(`${podsIn(namespace)}/fixed`, { spec: { hostname: 'other' } });
    expect(code).toBe(422);
    expect(body.message).toContain('pod updates may not change fields other than');
  });

  test('the times of a Lease keep their microseconds', async () => {
    const { client, namespace } = target();
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      renewTime: '2026-01-02T03:04:05.678901Z',
      acquireTime: '2026-01-02T03:04:05.000000Z',
    };
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const { body } = await client.post(path, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'lock' }, spec });
    expect(body.spec).toEqual(spec);
  });

  test('events of one group can be read through the other', async () => {
    const { client, namespace } = target();
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e1', namespace },
      eventTime: '2026-01-02T03:04:05.000000Z',
      reportingController: 'contract.test/one',
      reportingInstance: 'one-0',
      action: 'Testing',
      reason: 'Tested',
      type: 'Normal',
      note: 'all well',
      regarding: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace },
    };
    expect((await client.post(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`, event)).code).toBe(201);
    const core = (await client.get(`/api/v1/namespaces/${namespace}/events/e1`)).body;
    expect(core).toMatchObject({
      apiVersion: 'v1',
      reason: 'Tested',
      message: 'all well',
      involvedObject: { kind: 'Pod', name: 'p' },
      reportingComponent: 'contract.test/one',
    });
  });
});
