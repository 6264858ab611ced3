import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startApiServer, type ApiServer } from '../../test/support/apiserver/server.ts';
import { kubeClient, type KubeClient } from '../../test/support/kube-client.ts';
import { OperatorError, type KubeRequestFacts } from '../errors.ts';
import { KINDS, type KubeObject } from './types.ts';
import type { WatchEvent } from './watch-stream.ts';

let api: ApiServer;
let client: KubeClient;

beforeAll(async () => {
  api = await startApiServer({ namespaces: ['shop'] });
  client = kubeClient(api.url);
});

afterEach(() => {
  api.faults.clear();
  for (const { metadata } of api.objects.list<KubeObject>('configmaps', { namespace: 'shop' }))
    api.objects.remove('configmaps', metadata.name, 'shop');
});

afterAll(async () => {
  await client.transport.close();
  await api.stop();
});

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };

const configMap = (name: string, data: Record<string, string> = { a: '1' }): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name, labels: { team: 'x' } },
  data,
});

/** The error that `work` throws, with its facts. */
async function failure(work: Promise<unknown>): Promise<{ code: string; facts: KubeRequestFacts }> {
  const e = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(e instanceof OperatorError)) throw new Error('no OperatorError was thrown');
  return { code: (e as OperatorError).code, facts: e.facts as KubeRequestFacts };
}

describe('reading and writing', () => {
  test('creates, reads, replaces and deletes an object', async () => {
    const { rest } = client;
    const created = await rest.create(KINDS.ConfigMap, configMap('one'));
    expect(created.metadata.uid).toBeDefined();
    const replaced = await rest.update<ConfigMap>(KINDS.ConfigMap, { ...created, data: { b: '2' } });
    expect(replaced.data).toEqual({ b: '2' });
    expect(await rest.get<ConfigMap>(KINDS.ConfigMap, { namespace: 'shop', name: 'one' })).toEqual(replaced);
    expect(await rest.delete(KINDS.ConfigMap, { namespace: 'shop', name: 'one' })).toBe(true);
    expect(await rest.delete(KINDS.ConfigMap, { namespace: 'shop', name: 'one' })).toBe(false);
    expect(await rest.find(KINDS.ConfigMap, { namespace: 'shop', name: 'one' })).toBeUndefined();
  });

  test('patches by merge and by operations', async () => {
    const { rest } = client;
    const ref = { namespace: 'shop', name: 'p' };
    await rest.create(KINDS.ConfigMap, configMap('p', { a: '1', b: '2' }));
    const merged = await rest.patch<ConfigMap>(KINDS.ConfigMap, ref, { type: 'merge', body: { data: { a: null, c: '3' } } });
    expect(merged.data).toEqual({ b: '2', c: '3' });
    const patched = await rest.patch<ConfigMap>(KINDS.ConfigMap, ref, {
      type: 'json',
      body: [{ op: 'replace', path: '/data/b', value: '4' }],
    });
    expect(patched.data).toEqual({ b: '4', c: '3' });
  });

  test('applies: creates, removes what is no longer given, and refuses what another manager owns unless forced', async () => {
    const { rest } = client;
    await rest.apply<ConfigMap>(KINDS.ConfigMap, configMap('s', { a: '1', b: '2' }), { fieldManager: 'operator' });
    const second = await rest.apply<ConfigMap>(KINDS.ConfigMap, configMap('s', { a: '1' }), { fieldManager: 'operator' });
    expect(second.data).toEqual({ a: '1' });
    const other = configMap('s', { a: 'mine' });
    const { code, facts } = await failure(rest.apply(KINDS.ConfigMap, other, { fieldManager: 'someone' }));
    expect([code, facts.status]).toEqual(['ERR_KUBE_CONFLICT', 409]);
    expect(facts.causes?.[0]?.field).toBe('.data.a');
    expect((await rest.apply<ConfigMap>(KINDS.ConfigMap, other, { fieldManager: 'someone', force: true })).data).toEqual({ a: 'mine' });
  });

  test('writes status apart from spec', async () => {
    const { rest } = client;
    const ref = { namespace: 'shop', name: 'pg' };
    api.objects.put({ apiVersion: 'v1', kind: 'Pod', metadata: ref, spec: { containers: [{ name: 'c', image: 'i' }] } });
    const patched = await rest.patchStatus<KubeObject & { status?: { phase?: string } }>(KINDS.Pod, ref, {
      type: 'merge',
      body: { status: { phase: 'Running' } },
    });
    expect(patched.status?.phase).toBe('Running');
    const applied = await rest.applyStatus<KubeObject & { status?: { reason?: string } }>(
      KINDS.Pod,
      { apiVersion: 'v1', kind: 'Pod', metadata: ref, status: { reason: 'Because' } } as KubeObject,
      { fieldManager: 'operator' },
    );
    expect(applied.status?.reason).toBe('Because');
  });

  test('lists in pages and names the kind of each item', async () => {
    for (const name of ['a', 'b', 'c']) api.objects.put(configMap(name));
    const first = await client.rest.list<ConfigMap>(KINDS.ConfigMap, { namespace: 'shop', labelSelector: 'team=x', limit: 2 });
    expect(first.items.map(({ kind, apiVersion, metadata }) => [kind, apiVersion, metadata.name])).toEqual([
      ['ConfigMap', 'v1', 'a'],
      ['ConfigMap', 'v1', 'b'],
    ]);
    const second = await client.rest.list<ConfigMap>(KINDS.ConfigMap, {
      namespace: 'shop',
      labelSelector: 'team=x',
      limit: 2,
      continue: first.continue,
    });
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(['c']);
    expect(second.continue).toBeUndefined();
    expect((await client.rest.list(KINDS.ConfigMap, { namespace: 'shop', labelSelector: 'team=y' })).items).toEqual([]);
  });

  test('fetches metadata without contents', async () => {
    api.objects.put({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 's' }, data: { password: 'aHVudGVyMg==' } });
    const one = await client.rest.getMetadata(KINDS.Secret, { namespace: 'shop', name: 's' });
    const { items } = await client.rest.list(KINDS.Secret, { namespace: 'shop', metadataOnly: true });
    expect(one).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 's' } });
    expect(items[0]?.kind).toBe('PartialObjectMetadata');
    expect(JSON.stringify([one, items])).not.toContain('aHVudGVyMg');
  });

  test('tells the version of the server', async () => {
    expect(await client.rest.serverVersion()).toMatch(/^v1\.\d+/);
  });
});

describe('refusals', () => {
  test.each<[string, () => Promise<unknown>, string, number]>([
    ['what does not exist', () => client.rest.get(KINDS.ConfigMap, { namespace: 'shop', name: 'none' }), 'ERR_KUBE_NOT_FOUND', 404],
    [
      'what exists already',
      async () => {
        await client.rest.create(KINDS.ConfigMap, configMap('dup'));
        await client.rest.create(KINDS.ConfigMap, configMap('dup'));
      },
      'ERR_KUBE_ALREADY_EXISTS',
      409,
    ],
    [
      'an old version',
      async () => {
        const created = await client.rest.create(KINDS.ConfigMap, configMap('old'));
        await client.rest.update<ConfigMap>(KINDS.ConfigMap, { ...created, data: { a: '2' } });
        await client.rest.update<ConfigMap>(KINDS.ConfigMap, { ...created, data: { a: '3' } });
      },
      'ERR_KUBE_CONFLICT',
      409,
    ],
    [
      'a deletion of another object of that name',
      async () => {
        api.objects.put(configMap('uid'));
        await client.rest.delete(KINDS.ConfigMap, { namespace: 'shop', name: 'uid' }, { preconditions: { uid: 'another' } });
      },
      'ERR_KUBE_CONFLICT',
      409,
    ],
    ['a bad name', () => client.rest.create(KINDS.ConfigMap, configMap('Not_A_Name')), 'ERR_KUBE_INVALID', 422],
  ])('%s is an error with its own code', async (_, work, code, status) => {
    const seen = await failure(work());
    expect([seen.code, seen.facts.status]).toEqual([code, status]);
    expect(seen.facts.path).toMatch(/^\/api\/v1\/namespaces\/shop\/configmaps/);
    expect(seen.facts.detail).not.toBe('');
  });

  test.each<[number, string]>([
    [400, 'ERR_KUBE_BAD_REQUEST'],
    [401, 'ERR_KUBE_UNAUTHORIZED'],
    [403, 'ERR_KUBE_FORBIDDEN'],
    [405, 'ERR_KUBE_METHOD_NOT_ALLOWED'],
    [410, 'ERR_KUBE_GONE'],
    [413, 'ERR_KUBE_TOO_LARGE'],
    [418, 'ERR_KUBE_BAD_REQUEST'],
    [500, 'ERR_KUBE_SERVER'],
    [503, 'ERR_KUBE_UNAVAILABLE'],
    [504, 'ERR_KUBE_TIMEOUT'],
  ])('HTTP %d is %s', async (status, code) => {
    api.faults.add({ action: { kind: 'status', code: status } });
    expect(await failure(client.rest.get(KINDS.ConfigMap, { namespace: 'shop', name: 'x' }))).toMatchObject({ code, facts: { status } });
  });

  test('an apply of an unknown field is not worth repeating, although the API server calls it its own fault', async () => {
    const message = 'failed to create typed patch object (default/s; /v1, Kind=Service): .spec.nope: field not declared in schema';
    api.faults.add({ method: 'PATCH', action: { kind: 'status', code: 500, message } });
    const work = client.rest.apply(KINDS.ConfigMap, configMap('u'), { fieldManager: 'operator' });
    expect(await failure(work)).toMatchObject({ code: 'ERR_KUBE_BAD_REQUEST', facts: { status: 500, detail: message } });
  });

  test('an eviction that a disruption budget forbids is told apart from throttling, and not retried', async () => {
    const facts = { message: 'Cannot evict pod as it would violate the pod disruption budget.', reason: 'TooManyRequests' };
    const placed = api.faults.add({ method: 'POST', path: /eviction/, times: 10, action: { kind: 'status', code: 429, ...facts } });
    const seen = await failure(client.rest.evict({ namespace: 'shop', name: 'pg' }));
    expect(['ERR_KUBE_EVICTION_BLOCKED', 'ERR_KUBE_THROTTLED']).toContain(seen.code);
    expect(placed.hits).toBe(1);
  });
});

describe('watch', () => {
  async function collect(events: AsyncGenerator<WatchEvent<ConfigMap>>, count: number): Promise<string[]> {
    const seen: string[] = [];
    for await (const { type, object } of events) if (seen.push(`${type} ${object.metadata.name}`) === count) break;
    return seen;
  }

  test('yields the present objects, the bookmark that ends them, and what follows', async () => {
    api.objects.put(configMap('a'));
    const events = client.rest.watch<ConfigMap>(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true });
    const first = await events.next();
    expect(first.value).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } });
    const second = await events.next();
    expect(second.value).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    api.objects.put(configMap('b', { text: 'ü'.repeat(100_000) }));
    api.objects.put(configMap('a', { a: '2' }));
    api.objects.remove('configmaps', 'a', 'shop');
    expect(await collect(events, 3)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED a']);
  });

  test('keeps characters whole that a chunk border cuts', async () => {
    const text = '€'.repeat(300_000);
    const events = client.rest.watch<ConfigMap>(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true });
    await events.next();
    api.objects.put(configMap('long', { text }));
    const { value } = (await events.next()) as { value: WatchEvent<ConfigMap> };
    expect(value.object.data?.['text'] === text).toBe(true);
    await events.return(undefined);
  });

  test('an ERROR event is thrown as the error it stands for', async () => {
    const events = client.rest.watch(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true });
    await events.next();
    api.watches.expire();
    expect(await failure(events.next())).toMatchObject({ code: 'ERR_KUBE_GONE', facts: { status: 410 } });
  });

  test('a broken connection is an error, a clean end is not', async () => {
    const broken = client.rest.watch(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true });
    await broken.next();
    api.watches.drop('reset');
    expect((await failure(broken.next())).code).toBe('ERR_KUBE_UNAVAILABLE');
    const ended = client.rest.watch(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true });
    await ended.next();
    api.watches.drop('end');
    expect(await ended.next()).toEqual({ done: true, value: undefined });
  });

  test('a refusal before the first event has its code', async () => {
    api.faults.add({ method: 'watch', action: { kind: 'status', code: 403, message: 'configmaps is forbidden' } });
    expect(await failure(client.rest.watch(KINDS.ConfigMap, { namespace: 'shop' }).next())).toMatchObject({ code: 'ERR_KUBE_FORBIDDEN' });
  });

  test('ends with the signal of the caller and leaves no connection behind', async () => {
    const abort = new AbortController();
    const events = client.rest.watch(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true, signal: abort.signal });
    await events.next();
    const next = failure(events.next());
    abort.abort();
    expect((await next).code).toBe('ERR_KUBE_ABORTED');
  });

  test('shows metadata only, when asked', async () => {
    api.objects.put(configMap('a', { secret: 'contents' }));
    const events = client.rest.watch(KINDS.ConfigMap, { namespace: 'shop', sendInitialEvents: true, metadataOnly: true });
    const value = (await events.next()).value as unknown;
    expect(value).toMatchObject({
      type: 'ADDED',
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'a', labels: { team: 'x' } } },
    });
    expect(JSON.stringify(value)).not.toContain('contents');
    await events.return(undefined);
  });
});
