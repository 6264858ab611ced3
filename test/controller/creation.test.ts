import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { effectiveCluster } from '../../src/api/effective.ts';
import { FINALIZER } from '../../src/api/meta.ts';
import { LEAVES } from '../../src/api/names.ts';
import { patroniClusterSpec } from '../../src/api/patronicluster.ts';
import { clusterObjects } from '../../src/resources/objects.ts';
import { OPERATOR } from '../support/model/cluster.ts';

import { secretText } from './support/databases.ts';
import { CLUSTER, NAMESPACE, startWorld, type World } from './support/world.ts';

interface Stored {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

const KINDS = ['patroniclusters', 'patronioperations', 'sts', 'services', 'configmaps', 'secrets', 'pods', 'pvc', 'poddisruptionbudgets', 'networkpolicies'];

/** Version of every object of the cluster, by kind and name. */
function versions(world: World): Record<string, string> {
  const all = KINDS.flatMap((kind) => world.api.objects.list<Stored>(kind, { namespace: NAMESPACE }).map((each) => [`${kind}/${each.metadata.name}`, each.metadata.resourceVersion] as const));
  return Object.fromEntries(all);
}

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start('first');
  await world.create();
  await world.until('settled', () => world.isSettled());
});

afterAll(async () => {
  await world.stop();
});

describe('a new cluster', () => {
  test('has every object of its plan', () => {
    const effective = effectiveCluster({ ...world.cluster(), spec: patroniClusterSpec.parse(world.cluster().spec) }, OPERATOR);
    const wanted = clusterObjects(effective, { postgresReplicas: 3, etcdFormed: true }).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(wanted.length).toBeGreaterThan(15);
    expect(wanted.filter((each) => world.api.objects.get(each.split('/')[0] ?? '', each.split('/')[1] ?? '', NAMESPACE) === undefined)).toEqual([]);
    const secrets = world.api.objects.list<Stored>('secrets', { namespace: NAMESPACE }).map(({ metadata }) => metadata.name);
    expect(secrets.sort()).toEqual([...LEAVES.map((leaf) => `pg-${leaf}-tls`), 'pg-app', 'pg-ca', 'pg-restapi', 'pg-rewind', 'pg-superuser'].sort());
  });

  test('writes each Secret once', () => {
    const writes = world.api.requests.committed({ userAgent: /first/ }).filter(({ resource }) => resource === '/secrets');
    expect(writes.map(({ method, name, body }) => `${method} ${name ?? (JSON.parse(body) as Stored).metadata.name}`)).toHaveLength(12);
    expect(world.invariants.violations).toEqual([]);
  });

  test('has formed its etcd, and says so where a status that is lost does not matter', () => {
    expect(world.cluster().status?.etcd).toEqual({ formed: true, readyReplicas: 3 });
    expect(world.api.objects.mustGet('configmaps', 'pg-etcd', NAMESPACE)).toMatchObject({ data: { 'initial-cluster-state': 'existing' } });
  });

  test('has its application database, made once', () => {
    expect([...world.databases.existing]).toEqual([['app', 'app']]);
    expect(world.databases.calls.filter(({ result }) => result === 'created')).toHaveLength(1);
    expect(world.cluster().status?.application).toEqual({ database: 'app', owner: 'app' });
    expect(secretText(world.api, 'pg-app', NAMESPACE, 'uri')).toContain('pg-rw.shop.svc');
  });

  test('shows leader, members and endpoints, and is protected by the finalizer', () => {
    const { status, metadata } = world.cluster();
    expect(metadata.finalizers).toEqual([FINALIZER]);
    expect(status).toMatchObject({ phase: 'Running', leader: 'pg-postgres-0', timeline: 1, ready: '3/3', readyReplicas: 3, systemIdentifier: world.model().systemIdentifier });
    expect(status?.members?.map(({ name, role, state }) => `${name} ${role} ${state}`)).toEqual(['pg-postgres-0 leader running', 'pg-postgres-1 replica streaming', 'pg-postgres-2 replica streaming']);
    expect(status?.endpoints).toMatchObject({ primary: 'pg-rw.shop.svc.cluster.local', replicas: 'pg-ro.shop.svc.cluster.local' });
  });

  test('keeps secrets out of events, ConfigMaps and status', () => {
    const passwords = ['superuser', 'rewind', 'restapi', 'app'].map((each) => secretText(world.api, `pg-${each}`, NAMESPACE, 'password'));
    const texts = ['events', 'configmaps', 'patroniclusters', 'patronioperations', 'sts', 'pods'].map((kind) => JSON.stringify(world.api.objects.list(kind, { namespace: NAMESPACE })));
    expect(passwords.every((each) => each.length === 32)).toBe(true);
    expect(texts.filter((text) => passwords.some((password) => text.includes(password)))).toEqual([]);
  });
});

test('in steady state nothing is written and nothing is listed, over many passes', async () => {
  await world.pass(30_000);
  world.api.requests.clear();
  const before = versions(world);
  const passes = world.operators[0]?.passes() ?? 0;
  await world.pass(310_000);
  expect((world.operators[0]?.passes() ?? 0) - passes).toBeGreaterThan(25);
  expect(world.api.requests.writes({ userAgent: /first/ })).toEqual([]);
  expect(world.api.requests.all({ method: 'read', userAgent: /first/ })).toEqual([]);
  expect(versions(world)).toEqual(before);
});

test('another operator that starts writes nothing', async () => {
  world.operators[0]?.kill();
  world.api.requests.clear();
  const before = versions(world);
  const second = world.start('second');
  await world.pass(60_000);
  expect(second.passes()).toBeGreaterThan(3);
  expect(world.api.requests.writes({ userAgent: /second/ })).toEqual([]);
  expect(versions(world)).toEqual(before);
});

test('a database that the user dropped stays dropped', async () => {
  world.databases.drop('app');
  await world.patch({ spec: { haproxy: { maxConnectionsPerServer: 80 } } });
  await world.until('settled', () => world.isSettled());
  await world.pass(30_000);
  expect([...world.databases.existing]).toEqual([]);
});

test('status that is lost comes back without harm', async () => {
  const before = world.cluster();
  world.api.objects.putStatus('patroniclusters', CLUSTER, {}, { namespace: NAMESPACE });
  await world.until('settled', () => world.isSettled());
  const { status } = world.cluster();
  expect({ ...status, conditions: [], application: {} }).toEqual({ ...before.status, conditions: [], application: {} });
  expect(world.model().timeline).toBe(1);
  expect(world.invariants.violations).toEqual([]);
});
