import { expect, test } from '@jest/globals';
import { trimObject, trimPod } from './trim.ts';

const metadata = {
  name: 'pg-0',
  namespace: 'shop',
  managedFields: [{ manager: 'kubelet' }],
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"big":true}', keep: 'me' },
};

test('trimObject drops managedFields and the copy of kubectl, and nothing else', () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1' } };
  expect(trimObject(object)).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'pg-0', namespace: 'shop', annotations: { keep: 'me' } },
    data: { a: '1' },
  });
  expect(object.metadata.managedFields).toHaveLength(1);
});

test('trimPod keeps what tells where a pod runs, what it runs and how it is', () => {
  const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      nodeName: 'n1',
      volumes: [{ name: 'x' }],
      containers: [{ name: 'postgres', image: 'i', env: [{ name: 'A' }], resources: { limits: { cpu: '1' } } }],
    },
    status: {
      phase: 'Pending',
      podIP: '10.0.0.1',
      qosClass: 'Burstable',
      conditions: [{ type: 'Ready', status: 'False', lastProbeTime: null, lastTransitionTime: 't' }],
      containerStatuses: [{ name: 'postgres', ready: false, state: waiting, containerID: 'x', volumeMounts: [] }],
    },
  };
  expect(trimPod(pod)).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pg-0', namespace: 'shop', annotations: { keep: 'me' } },
    spec: { nodeName: 'n1', containers: [{ name: 'postgres', image: 'i', resources: { limits: { cpu: '1' } } }] },
    status: {
      phase: 'Pending',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: 't' }],
      containerStatuses: [{ name: 'postgres', ready: false, state: waiting }],
    },
  });
});

test('trimPod takes a pod that has no status yet', () => {
  expect(trimPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } })).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [] },
    status: {},
  });
});
