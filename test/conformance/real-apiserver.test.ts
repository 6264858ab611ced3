import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';

import { API_VERSION, GROUP, VERSION } from '../../src/api/meta.ts';
import { parseCluster } from '../../src/api/validate.ts';
import { realApiServerUnavailable, sandboxProgram, startRealApiServer, type RealApiServer } from '../support/real-apiserver.ts';
import { CRDS } from './crds.ts';
import { BAD, clusterManifest, GOOD, UPDATES, type Case } from './manifests.ts';

/** The judge itself: a real kube-apiserver gets the committed CRDs and every manifest. Without its programs (see `npm run sandbox`) there is nothing to ask. */

const run = promisify(execFile);
const why = realApiServerUnavailable();
const suite = why === undefined ? describe : describe.skip;

suite(`a real API server${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let server: RealApiServer;
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  const base = `/apis/${GROUP}/${VERSION}/namespaces/default`;

  const call = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, type = 'application/json') => {
    const answer = await request(`${server.url}${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.statusCode,
      warning: answer.headers['warning'],
      body: (await answer.body.json()) as { message?: string; [field: string]: unknown },
    };
  };
  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(sandboxProgram('kubectl') ?? 'kubectl', [`--kubeconfig=${server.kubeconfig}`, ...args]);
    return stdout;
  };
  const create = (manifest: Case['manifest'], query = 'fieldValidation=Strict&dryRun=All') =>
    call('POST', `${base}/patroniclusters?${query}`, manifest);

  beforeAll(async () => {
    server = await startRealApiServer();
    for (const { crd } of CRDS) {
      const answer = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
      expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 201, message: undefined });
    }
    // Answers 404 or 429 until the kind is served.
    await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
    const deadline = Date.now() + 30_000;
    while ((await create(clusterManifest({}))).status !== 201 && Date.now() < deadline)
      await kubectl('get', '--raw', `/apis/${GROUP}/${VERSION}`);
  }, 120_000);

  afterAll(async () => {
    await agent.close();
    await (server as RealApiServer | undefined)?.stop();
  });

  test.each(GOOD.map((c) => [c.name, c] as const))('accepts %s and gives it the defaults that the code gives', async (_, { manifest }) => {
    const answer = await create(manifest);
    expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 201, message: undefined });
    // Parsing what is stored reads amounts as texts, and changes nothing else.
    expect(parseCluster(answer.body).cluster?.spec).toEqual(parseCluster(manifest).cluster?.spec);
  });

  test.each(BAD.filter((c) => c.refusal !== undefined).map((c) => [c.name, c] as const))(
    'refuses %s with a clear message',
    async (_, { manifest, refusal }) => {
      const answer = await create(manifest);
      expect(answer.body.message).toContain(refusal);
      expect([400, 422]).toContain(answer.status);
    },
  );

  test.each(UPDATES.map((c, i) => [c.name, c, i] as const))('judges the update to %s', async (_, { manifest, old, refusal }, i) => {
    const name = `update-${i}`;
    const named = (m: Case['manifest'] | undefined) => ({ ...m, metadata: { name, namespace: 'default' } });
    expect((await create(named(old), 'fieldValidation=Strict')).status).toBe(201);
    const answer = await call(
      'PATCH',
      `${base}/patroniclusters/${name}?fieldManager=test&force=true&fieldValidation=Strict`,
      named(manifest),
      'application/apply-patch+yaml',
    );
    const replaced = await call('GET', `${base}/patroniclusters/${name}`);
    const put = await call('PUT', `${base}/patroniclusters/${name}`, { ...replaced.body, spec: manifest['spec'] });
    if (refusal === undefined) expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 200, message: undefined });
    else expect(put.body.message).toContain(refusal);
    expect(put.status).toBe(refusal === undefined ? 200 : 422);
  });

  test('refuses unknown fields of a server-side apply even without strict validation', async () => {
    const answer = await call(
      'PATCH',
      `${base}/patroniclusters/apply?fieldManager=test&fieldValidation=Ignore`,
      { ...clusterManifest({ etcd: { replicsa: 1 } }), metadata: { name: 'apply' } },
      'application/apply-patch+yaml',
    );
    expect(answer.status).toBe(500);
    expect(answer.body.message).toContain('.spec.etcd.replicsa: field not declared in schema');
  });

  test('warns about unknown fields that a client without strict validation sends', async () => {
    const answer = await create(clusterManifest({ etcd: { replicsa: 1 } }), 'dryRun=All');
    expect(answer.warning).toContain('unknown field');
  });

  test('shows the printer columns, short names and the category', async () => {
    await create(clusterManifest({}, 'shown'), 'fieldValidation=Strict');
    const status = {
      leader: 'shown-postgres-0',
      ready: '2/3',
      phase: 'Running',
      versions: { postgres: '17.5' },
      replicas: 3,
      selector: 'a=b',
    };
    expect((await call('PATCH', `${base}/patroniclusters/shown/status`, { status }, 'application/merge-patch+json')).status).toBe(200);
    const [head = '', row = ''] = (await kubectl('get', 'patroni', 'shown')).split('\n');
    expect(head.split(/ +/)).toEqual(['NAME', 'LEADER', 'READY', 'STATUS', 'POSTGRES', 'AGE']);
    expect(row.split(/ +/).slice(0, 5)).toEqual(['shown', 'shown-postgres-0', '2/3', 'Running', '17.5']);
    expect(await kubectl('get', 'pgc', 'shown', '-o', 'name')).toBe(`patronicluster.${GROUP}/shown\n`);
    expect(await kubectl('get', 'all')).toContain(`patronicluster.${GROUP}/shown`);
  });

  test('scales through the scale subresource', async () => {
    await create(clusterManifest({}, 'scaled'), 'fieldValidation=Strict');
    await kubectl('scale', 'patroni/scaled', '--replicas=4');
    const scale = await call('GET', `${base}/patroniclusters/scaled/scale`);
    expect(scale.body['spec']).toEqual({ replicas: 4 });
    await expect(kubectl('scale', 'patroni/scaled', '--replicas=17')).rejects.toThrow('spec.postgres.replicas: Invalid value: 17');
  });

  test('explains the fields', async () => {
    const text = await kubectl('explain', 'patroniclusters.spec.postgres.storage');
    expect(text).toContain('Persistent volume of each member.');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'size <string> Size of the volume of each member. It can grow where the storage class allows expansion',
    );
  });

  test('keeps the spec of an operation as it was asked for, and shows its outcome', async () => {
    const operation = {
      apiVersion: API_VERSION,
      kind: 'PatroniOperation',
      metadata: { name: 'op' },
      spec: { cluster: 'shown', type: 'Switchover', switchover: { target: 'shown-postgres-1' } },
    };
    expect((await call('POST', `${base}/patronioperations?fieldValidation=Strict`, operation)).status).toBe(201);
    const edit = await call('PATCH', `${base}/patronioperations/op`, { spec: { cluster: 'other' } }, 'application/merge-patch+json');
    expect(edit.body.message).toContain('spec: Forbidden: cannot change once the operation was asked for: create another PatroniOperation');
    const status = { phase: 'Succeeded', reason: 'Succeeded', leaderBefore: 'shown-postgres-0', leaderAfter: 'shown-postgres-1' };
    expect((await call('PATCH', `${base}/patronioperations/op/status`, { status }, 'application/merge-patch+json')).status).toBe(200);
    const [head = '', row = ''] = (await kubectl('get', 'pgop', 'op')).split('\n');
    expect(head.split(/ +/)).toEqual(['NAME', 'CLUSTER', 'TYPE', 'TARGET', 'PHASE', 'REASON', 'BEFORE', 'AFTER', 'AGE']);
    expect(row.split(/ +/).slice(0, 8)).toEqual([
      'op',
      'shown',
      'Switchover',
      'shown-postgres-1',
      'Succeeded',
      'Succeeded',
      'shown-postgres-0',
      'shown-postgres-1',
    ]);
  });
});
