import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApiServer, type ApiServer } from '../../test/support/apiserver/server.ts';
import { kubeClient, type KubeClient } from '../../test/support/kube-client.ts';
import { ANNOTATIONS } from '../api/meta.ts';
import { APPLIED_ANNOTATION, applyIfNeeded, applyReason, needsApply, withAppliedHash } from './apply.ts';
import { onlyMetadata } from './rest.ts';
import { KINDS, type KubeObject } from './types.ts';

const service = (port: number, more: Record<string, unknown> = {}): KubeObject & { spec: Record<string, unknown> } => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'pg-rw', labels: { app: 'pg' } },
  spec: { selector: { app: 'pg' }, ports: [{ name: 'postgres', port }], ...more },
});

test('uses the annotation that the API room names', () => {
  expect(APPLIED_ANNOTATION).toBe(ANNOTATIONS.applied);
});

describe('applyReason', () => {
  const desired = service(5432);
  const live = { ...withAppliedHash(desired), status: { loadBalancer: {} } };

  test('is undefined when all that is wanted is there', () => {
    expect(applyReason(desired, live)).toBeUndefined();
    expect(needsApply(withAppliedHash(desired), live)).toBe(false);
  });

  test('says when the object is missing, was made from another manifest, or drifted', () => {
    expect(applyReason(desired, undefined)).toEqual({ why: 'missing' });
    expect(applyReason(service(5433), live)).toEqual({ why: 'changed' });
    expect(applyReason(desired, { ...live, metadata: { ...live.metadata, annotations: {} } })).toEqual({ why: 'changed' });
    const drifted = { ...live, spec: { ...live.spec, selector: { app: 'other' } } };
    expect(applyReason(desired, drifted)).toEqual({ why: 'drifted', path: 'spec.selector.app' });
    expect(applyReason(desired, { ...live, metadata: { ...live.metadata, labels: {} } })).toEqual({
      why: 'drifted',
      path: 'metadata.labels.app',
    });
  });

  test('notices a field that is no longer wanted, which a comparison cannot', () => {
    expect(applyReason(service(5432), withAppliedHash(service(5432, { sessionAffinity: 'ClientIP' })))).toEqual({ why: 'changed' });
  });

  test('compares only metadata when that is all there is', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 's', labels: { a: 'b' } },
      data: { p: 'eA==' },
    };
    const partial = onlyMetadata(withAppliedHash(secret));
    expect(applyReason(secret, partial)).toBeUndefined();
    const changed = { ...secret, data: { p: 'eQ==' } };
    expect(applyReason(changed, partial)).toEqual({ why: 'changed' });
    expect(applyReason(secret, { ...partial, metadata: { ...partial.metadata, labels: {} } })).toEqual({
      why: 'drifted',
      path: 'metadata.labels.a',
    });
  });

  test('the hash depends on contents, not on the order of keys', () => {
    const reordered = Object.fromEntries(Object.entries(desired).reverse()) as unknown as typeof desired;
    expect(withAppliedHash(reordered).metadata.annotations).toEqual(withAppliedHash(desired).metadata.annotations);
    expect(withAppliedHash(withAppliedHash(desired))).toEqual(withAppliedHash(desired));
  });
});

describe('applyIfNeeded', () => {
  let api: ApiServer;
  let client: KubeClient;

  beforeAll(async () => {
    api = await startApiServer();
    client = kubeClient(api.url);
  });

  afterAll(async () => {
    await client.transport.close();
    await api.stop();
  });

  test('creates, then writes nothing until something changes, then repairs exactly that', async () => {
    const apply = (desired: KubeObject) =>
      applyIfNeeded(client.rest, KINDS.Service, desired, api.objects.get<KubeObject>('services', 'pg-rw'), {
        fieldManager: 'patroni-operator',
        force: true,
      });
    expect((await apply(service(5432))).reason).toEqual({ why: 'missing' });
    expect((await apply(service(5432))).reason).toBeUndefined();
    expect(api.requests.writes()).toHaveLength(1);

    await client.rest.patch(
      KINDS.Service,
      { namespace: 'default', name: 'pg-rw' },
      { type: 'merge', body: { spec: { selector: { app: 'stolen' } } } },
    );
    expect((await apply(service(5432))).reason).toEqual({ why: 'drifted', path: 'spec.selector.app' });
    expect((await apply(service(5432))).reason).toBeUndefined();

    expect((await apply(service(6432))).reason).toEqual({ why: 'changed' });
    expect(api.objects.get<{ spec: { ports: unknown[] } }>('services', 'pg-rw')?.spec.ports).toHaveLength(1);
  });
});
