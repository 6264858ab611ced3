import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startApiServer, type ApiServer, type ApiServerOptions } from '../../test/support/apiserver/server.ts';
import { kubeClient, type KubeClient } from '../../test/support/kube-client.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createInformer, type Informer } from './informer.ts';
import { KINDS, type KubeObject } from './types.ts';

/** With a server that really cuts, refuses and forgets: the cache must end equal to the store, whatever happens on the way. */

let api: ApiServer;
let client: KubeClient;
let informer: Informer<KubeObject>;

const configMap = (name: string, value: string): KubeObject & { data: Record<string, string> } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name, labels: { team: 'x' } },
  data: { value },
});

async function start(options: ApiServerOptions): Promise<void> {
  api = await startApiServer({ namespaces: ['shop'], ...options });
  client = kubeClient(api.url);
  for (let i = 0; i < 12; i++) api.objects.put(configMap(`c${i}`, '0'));
  informer = createInformer({
    kind: KINDS.ConfigMap,
    namespaces: 'all',
    labelSelector: 'team=x',
    rest: client.rest,
    logger: silentLogger,
    clock: systemClock,
    random: Math.random,
    metrics: client.metrics,
    tuning: { pageSize: 5, backoff: { baseMs: 5, capMs: 20 } },
  });
  informer.start();
  expect(await informer.waitForSync(AbortSignal.timeout(5000))).toBe(true);
  await until(() => api.watches.count === 1);
}

/** Lets the event loop turn until `holds`; jest's timeout ends it otherwise. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when the cache holds what the store holds. Waits on events of the informer, not on time. */
async function converged(): Promise<void> {
  const wanted = () =>
    JSON.stringify(
      api.objects
        .list<KubeObject>('configmaps', { labelSelector: 'team=x' })
        .map((each) => [each.metadata.name, each.metadata.resourceVersion])
        .sort(),
    );
  const actual = () =>
    JSON.stringify(
      informer
        .list()
        .map((each) => [each.metadata.name, each.metadata.resourceVersion])
        .sort(),
    );
  await new Promise<void>((resolve) => informer.onEvent(() => actual() === wanted() && resolve()));
  expect(actual()).toBe(wanted());
}

const lists = async (): Promise<number> => (await client.metrics.reflectorLists.get()).values.reduce((sum, each) => sum + each.value, 0);

const watches = async (): Promise<number> =>
  (await client.metrics.reflectorWatches.get()).values.reduce((sum, each) => sum + each.value, 0);

afterEach(async () => {
  await informer.stop();
  await client.transport.close();
  await api.stop();
});

describe.each([
  ['streaming lists', true],
  ['paged lists', false],
])('informer on a server with %s', (_, watchList) => {
  beforeEach(async () => {
    await start({ watchList });
  });

  test('fills itself and follows', async () => {
    expect(informer.size()).toBe(12);
    api.objects.put(configMap('new', '1'));
    api.objects.remove('configmaps', 'c0', 'shop');
    await converged();
    expect(await lists()).toBe(1);
    const page = api.requests.all({ method: 'read', path: /limit=5/ });
    expect(page).toHaveLength(watchList ? 0 : 3);
  });

  test('goes on after a reset without listing again', async () => {
    const before = await watches();
    api.watches.drop('reset');
    api.objects.put(configMap('c1', 'changed'));
    await converged();
    expect(await lists()).toBe(1);
    expect(await watches()).toBe(before + 1);
  });

  test('goes on after the server refused three times to watch', async () => {
    api.faults.add({ method: 'watch', times: 3, action: { kind: 'status', code: 500 } });
    api.watches.drop('end');
    api.objects.put(configMap('c1', 'changed'));
    await converged();
    expect(await lists()).toBe(1);
  });

  test('lists again when what it knows has been forgotten', async () => {
    api.objects.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'unrelated' } });
    api.watches.drop('reset');
    api.objects.remove('configmaps', 'c2', 'shop');
    api.objects.put(configMap('c3', 'changed'));
    api.compact();
    await converged();
    await until(async () => (await lists()) === 2);
    expect(informer.size()).toBe(api.objects.list('configmaps', { labelSelector: 'team=x' }).length);
  });

  test('lists again when the open watch expires', async () => {
    api.watches.expire();
    api.objects.put(configMap('c4', 'changed'));
    await converged();
    await until(async () => (await lists()) === 2);
    expect(informer.size()).toBe(api.objects.list('configmaps', { labelSelector: 'team=x' }).length);
  });

  test('survives an outage of the server, with what changed during it', async () => {
    await api.pause();
    api.objects.put(configMap('c5', 'changed'));
    api.objects.remove('configmaps', 'c6', 'shop');
    expect(informer.size()).toBe(12);
    await api.resume();
    await converged();
  });
});

test('the memory of Secrets holds metadata only', async () => {
  await start({});
  api.objects.put({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 's' }, data: { password: 'aHVudGVyMg==' } });
  const secrets = createInformer({
    kind: KINDS.Secret,
    namespaces: ['shop'],
    metadataOnly: true,
    rest: client.rest,
    logger: silentLogger,
    clock: systemClock,
    random: Math.random,
  });
  secrets.start();
  await secrets.waitForSync(AbortSignal.timeout(5000));
  expect(secrets.list().map(({ kind, metadata }) => [kind, metadata.name])).toEqual([['PartialObjectMetadata', 's']]);
  expect(JSON.stringify(secrets.list())).not.toContain('aHVudGVyMg');
  await secrets.stop();
});
