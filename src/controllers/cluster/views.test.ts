import { describe, expect, test } from '@jest/globals';

import { labels } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';

import { claimView, podView } from './views.ts';

const podObject = (changes: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pg-postgres-2', namespace: 'shop', uid: 'u', creationTimestamp: '2026-11-23T11:00:00Z', labels: { ...labels('pg', 'postgres'), 'controller-revision-hash': 'r1' }, ...changes.metadata },
  spec: changes.spec ?? { nodeName: 'node-1' },
  status: changes.status ?? { phase: 'Running', podIP: '10.0.0.7', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ name: 'postgres', state: { running: {} } }] },
});
const containers = (state: object, name = 'postgres') => ({ status: { containerStatuses: [{ name, state }] } });

describe('a pod', () => {
  test('is read with all that decisions need', () => {
    expect(podView(podObject())).toEqual({
      name: 'pg-postgres-2',
      uid: 'u',
      component: 'postgres',
      ordinal: 2,
      ip: '10.0.0.7',
      node: 'node-1',
      ready: true,
      running: true,
      terminating: false,
      revision: 'r1',
      annotations: {},
      createdAt: '2026-11-23T11:00:00Z',
    });
  });

  test('that was just created is neither ready nor running, has no address, and that is no trouble yet', () => {
    const seen = podView(podObject({ spec: {}, status: {} }));
    expect(seen).toMatchObject({ ready: false, running: false });
    expect([seen?.ip, seen?.node, seen?.waiting]).toEqual([undefined, undefined, undefined]);
    expect(podView(podObject(containers({ waiting: { reason: 'ContainerCreating' } })))?.waiting).toBeUndefined();
    expect(podView(podObject(containers({ waiting: { reason: 'PodInitializing' } })))?.waiting).toBeUndefined();
  });

  test('that is marked for deletion is terminating, however ready it is', () => {
    expect(podView(podObject({ metadata: { deletionTimestamp: '2026-11-23T12:00:00Z' } }))).toMatchObject({ terminating: true, ready: true });
  });

  test('runs only when the container of its component does, not a sidecar', () => {
    expect(podView(podObject(containers({ running: {} }, 'exporter')))).toMatchObject({ running: false });
  });

  test.each([
    ['another name', { name: 'debug' }],
    ['another cluster’s name', { name: 'other-postgres-0' }],
    ['no label of a cluster', { labels: { 'app.kubernetes.io/component': 'postgres' } }],
    ['no component', { labels: { 'patroni-operator.dev/cluster': 'pg' } }],
    ['an ordinal that is none', { name: 'pg-postgres-02' }],
  ])('with %s is none of ours', (_, metadata) => {
    expect(podView(podObject({ metadata }))).toBeUndefined();
  });

  test('that cannot be scheduled says why', () => {
    const status = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' }] };
    expect(podView(podObject({ status }))?.waiting).toEqual({ reason: 'Unschedulable', message: '0/1 nodes are available' });
  });

  test('whose image cannot be pulled says why', () => {
    expect(podView(podObject(containers({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } })))?.waiting).toEqual({ reason: 'ImagePullBackOff', message: 'not found' });
  });

  test('that crashes again and again says the same each time, for a message that counts would write the status for ever', () => {
    const waiting = (seconds: number) => podView(podObject(containers({ waiting: { reason: 'CrashLoopBackOff', message: `back-off ${seconds}s restarting` } })))?.waiting;
    expect(waiting(10)).toEqual(waiting(20));
  });
});

describe('a volume claim', () => {
  const claim = (metadata: object, storage?: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-pg-etcd-0', creationTimestamp: '2026-11-23T11:00:00Z', ...metadata },
    spec: storage === undefined ? {} : { resources: { requests: { storage } } },
  });

  test('is read with its size in bytes', () => {
    expect(claimView(claim({ labels: labels('pg', 'etcd') }, '2Gi'))).toEqual({ name: 'data-pg-etcd-0', component: 'etcd', requestBytes: 2 * 1024 ** 3, createdAt: '2026-11-23T11:00:00Z' });
  });

  test('without a component is none of ours', () => {
    expect(claimView(claim({ labels: labels('pg') }, '2Gi'))).toBeUndefined();
  });

  test('without a size counts as empty rather than as not a number', () => {
    expect(claimView(claim({ labels: labels('pg', 'etcd') }))?.requestBytes).toBe(0);
  });
});
