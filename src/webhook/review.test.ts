import { describe, expect, test } from '@jest/globals';

import { API_VERSION } from '../api/meta.ts';
import { type AdmissionResponse, review } from './review.ts';

const OPERATOR = { images: { postgres: { '17': 'postgres:17' }, etcd: 'etcd', haproxy: 'haproxy' }, clusterDomain: 'cluster.local' };

const cluster = (spec: unknown, metadata: object = {}) => ({ apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: 'orders', namespace: 'shop', ...metadata }, spec });
const BAD = { patroni: { config: { scope: 'other' } } };

interface Request {
  readonly operation?: string;
  readonly object?: unknown;
  readonly oldObject?: unknown;
  readonly subResource?: string;
  readonly kind?: object;
}

function answer(request: Request, warnings: readonly string[] = []): AdmissionResponse {
  const whole = { uid: 'u1', kind: { group: 'patroni-operator.dev', version: 'v1alpha1', kind: 'PatroniCluster' }, operation: 'CREATE', ...request };
  const reply = review({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: whole }, { operator: OPERATOR, warningsOf: () => warnings });
  if (reply === undefined) throw new Error('no answer');
  expect(reply).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'u1' } });
  return reply.response;
}

describe('the review of a PatroniCluster', () => {
  test('refuses what the validator refuses, with field, reason and remedy', () => {
    expect(answer({ object: cluster(BAD) })).toEqual({
      uid: 'u1',
      allowed: false,
      status: { code: 422, reason: 'Invalid', message: 'spec.patroni.config.scope: cannot be set, since it is what the members and their keys in etcd are known by: it is metadata.name' },
    });
  });

  test.each([
    ['a wrong type', cluster({ postgres: { replicas: 'three' } }), /spec\.postgres\.replicas: must be a number/],
    ['a broken rule', cluster({ etcd: { replicas: 2 } }), /spec\.etcd\.replicas: must be odd/],
    ['a setting out of bounds', cluster({ postgres: { parameters: { max_connections: 5 } } }), /spec\.postgres\.parameters\.max_connections/],
    ['a version without an image', cluster({ versions: { postgres: '18' } }), /spec\.versions\.postgres/],
  ])('refuses %s on creation', (_, object, says) => {
    expect(answer({ object }).status?.message).toMatch(says);
  });

  test('names every problem', () => {
    const { status } = answer({ object: cluster({ etcd: { replicas: 2 }, ...BAD }) });
    expect(status?.message).toMatch(/spec\.etcd\.replicas.*; .*spec\.patroni\.config\.scope/);
  });

  test('refuses an edit of what cannot change', () => {
    const old = cluster({ patroni: { dcsNamespace: '/tpa' } });
    expect(answer({ operation: 'UPDATE', object: cluster({ patroni: { dcsNamespace: '/other' } }), oldObject: old }).status?.message).toMatch(/spec\.patroni\.dcsNamespace: cannot change/);
  });

  test('lets an edit heal a spec that was invalid before', () => {
    expect(answer({ operation: 'UPDATE', object: cluster({}), oldObject: cluster({ postgres: { replicas: 'three' } }) })).toEqual({ uid: 'u1', allowed: true });
  });

  test.each([
    ['a deletion under way, whatever the spec', { operation: 'UPDATE', object: cluster(BAD, { deletionTimestamp: '2026-11-26T12:00:00Z', finalizers: [] }), oldObject: cluster({}) }],
    ['an annotation on a cluster whose spec is invalid', { operation: 'UPDATE', object: cluster(BAD, { annotations: { a: 'b' } }), oldObject: cluster(BAD) }],
    ['the removal of a finalizer', { operation: 'UPDATE', object: cluster(BAD, { finalizers: [] }), oldObject: cluster(BAD, { finalizers: ['x'] }) }],
    ['a status', { operation: 'UPDATE', subResource: 'status', object: cluster(BAD), oldObject: cluster({}) }],
    ['a deletion', { operation: 'DELETE', oldObject: cluster(BAD) }],
    ['a kind of that name in another group', { kind: { group: 'example.org', version: 'v1', kind: 'PatroniCluster' }, object: cluster(BAD) }],
    ['an edit that heals a spec whose image the operator no longer has', { operation: 'UPDATE', object: cluster({ versions: { postgres: '16' } }), oldObject: cluster({ versions: { postgres: '16' }, postgres: { replicas: 'three' } }) }],
    ['another kind', { kind: { kind: 'PatroniOperation' }, object: { kind: 'PatroniOperation' } }],
    ['a cluster that keeps a version whose image the operator no longer has', { operation: 'UPDATE', object: cluster({ versions: { postgres: '16' }, postgres: { replicas: 5 } }), oldObject: cluster({ versions: { postgres: '16' } }) }],
  ])('lets pass: %s', (_, request) => {
    expect(answer(request)).toEqual({ uid: 'u1', allowed: true });
  });

  test('warns of what an edit interrupts and of what is odd, each cut to what the API server takes', () => {
    const object = cluster({ postgres: { parameters: { something_new: 1 } } });
    const { allowed, warnings = [] } = answer({ operation: 'UPDATE', object, oldObject: cluster({}) }, ['restarts PostgreSQL', 'x'.repeat(1000)]);
    expect(allowed).toBe(true);
    expect(warnings[0]).toMatch(/spec\.postgres\.parameters\.something_new/);
    expect(warnings).toContain('restarts PostgreSQL');
    for (const warning of warnings) expect(warning.length).toBeLessThanOrEqual(256);
    const many = answer({ object: cluster({}) }, Array.from({ length: 100 }, (_, i) => `${String(i)} ${'y'.repeat(200)}`)).warnings ?? [];
    expect(many.join('').length).toBeLessThanOrEqual(4096);
  });

  test('puts each warning on one line, since the API server drops those that are not', () => {
    expect(answer({ object: cluster({}) }, ['two\nlines\u0007', 'two lines']).warnings).toEqual(['two lines']);
  });

  const v1 = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
  test.each([[null], ['text'], [{}], [v1], [{ ...v1, request: {} }], [{ ...v1, apiVersion: 'admission.k8s.io/v1beta1', request: { uid: 'u1' } }]])('answers nothing to %j', (raw) => {
    expect(review(raw, { operator: OPERATOR, warningsOf: () => [] })).toBeUndefined();
  });
});
