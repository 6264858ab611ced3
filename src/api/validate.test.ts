import { describe, expect, test } from '@jest/globals';

import type { OperatorConfig } from './effective.ts';
import { problemText } from './problem.ts';
import { missingReferences, parseCluster, parseOperation, validateCluster, validateUpdate } from './validate.ts';

/** What every rule accepts and refuses is in test/conformance/manifests.ts; here is how findings are told, and what needs more than the object. */

const manifest = (spec: unknown, metadata: object = {}) => ({
  apiVersion: 'patroni-operator.dev/v1alpha1',
  kind: 'PatroniCluster',
  metadata: { name: 'orders', namespace: 'shop', ...metadata },
  spec,
});
const lines = (spec: unknown, metadata?: object) => parseCluster(manifest(spec, metadata)).problems.map(problemText);
const cluster = (spec: unknown) => parseCluster(manifest(spec)).cluster!;
const operator: OperatorConfig = {
  images: { postgres: { '17': 'pg:17' }, etcd: 'etcd', haproxy: 'haproxy' },
  clusterDomain: 'cluster.local',
};

describe('parseCluster', () => {
  test('gives the object with every default, and keeps metadata and status', () => {
    const parsed = parseCluster({ ...manifest({ postgres: { replicas: 5 } }, { uid: 'u', labels: { a: 'b' } }), status: { leader: 'x' } });
    expect(parsed.problems).toEqual([]);
    expect(parsed.cluster).toMatchObject({
      metadata: { name: 'orders', namespace: 'shop', uid: 'u', labels: { a: 'b' } },
      spec: { postgres: { replicas: 5, storage: { size: '10Gi' } }, deletionPolicy: 'Retain' },
      status: { leader: 'x' },
    });
  });

  test('puts a manifest without a namespace where it is told to', () => {
    const { metadata } = parseCluster({ ...manifest({}), metadata: { name: 'orders' } }, { namespace: 'there' }).cluster!;
    expect(metadata.namespace).toBe('there');
    expect(parseCluster({ ...manifest({}), metadata: { name: 'orders' } }).cluster?.metadata.namespace).toBe('default');
  });

  test('reads amounts of resources that are written as numbers', () => {
    expect(cluster({ postgres: { resources: { requests: { cpu: 2 } } } }).spec.postgres.resources.requests).toEqual({ cpu: '2' });
  });

  test.each([
    ['nothing', undefined],
    ['a text', 'x'],
    ['a list', []],
    ['another kind', { ...manifest({}), kind: 'PatroniOperation' }],
    ['another version', { ...manifest({}), apiVersion: 'patroni-operator.dev/v9' }],
    ['no metadata', { ...manifest({}), metadata: undefined }],
    ['a name that is a number', { ...manifest({}), metadata: { name: 17 } }],
  ])('refuses %s without throwing', (_, raw) => {
    const parsed = parseCluster(raw);
    expect(parsed.cluster).toBeUndefined();
    expect(parsed.problems).toHaveLength(1);
  });

  test('tells what is wrong with the name and with the spec at once', () => {
    const found = parseCluster(manifest({ postgres: { replicas: 'three' } }, { name: 'Orders' })).problems.map(({ path }) => path);
    expect(found).toEqual(['metadata.name', 'spec.postgres.replicas']);
  });

  test.each([
    [{ etcd: { replicsa: 1 } }, ['spec.etcd.replicsa: is not a known field: did you mean replicas?']],
    [{ zzz: 1 }, ['spec.zzz: is not a known field: remove it']],
    [{ versions: { postgres: 17 } }, ['spec.versions.postgres: must be a text: write it in quotes, "17"']],
    [{ deletionPolicy: 'delete' }, ['spec.deletionPolicy: must be one of Retain, Delete: did you mean Delete?']],
    [{ postgres: { replicas: '3' } }, ['spec.postgres.replicas: must be a number, not a text: remove the quotes or correct it']],
    [{ postgres: { replicas: 1.5 } }, ['spec.postgres.replicas: must be a whole number, not a fraction: correct it']],
    [
      { postgres: { storage: { storageClassName: 7 } } },
      ['spec.postgres.storage.storageClassName: must be a text, not a whole number: write it in quotes, "7"'],
    ],
    [
      { postgres: { storage: { storageClassName: '' } } },
      ['spec.postgres.storage.storageClassName: must not be empty: set it or leave the field out'],
    ],
    [{ haproxy: { enabled: 'yes' } }, ['spec.haproxy.enabled: must be true or false, not a text: remove the quotes or correct it']],
    [{ haproxy: [] }, ['spec.haproxy: must be an object, not a list: correct it']],
    [{ etcd: { replicas: 8 } }, ['spec.etcd.replicas: must be at most 7: lower it']],
    [{ images: { pullSecrets: Array(9).fill('a') } }, ['spec.images.pullSecrets: must have at most 8 items: remove some']],
    [
      { images: { pullSecrets: ['A_B'] } },
      [expect.stringContaining('spec.images.pullSecrets[0]: must be the name of a Kubernetes object: ')],
    ],
    [{ images: { etcd: 'x'.repeat(513) } }, ['spec.images.etcd: must have at most 512 characters: shorten it']],
    [
      { etcd: { resources: { limits: { memory: '1GB' } } } },
      ['spec.etcd.resources.limits.memory: must be a Kubernetes quantity, such as 500m for half a CPU or 512Mi of memory: correct it'],
    ],
    [null, ['spec: must be an object, not empty: correct it']],
  ])('says what is wrong with %j and what to do', (spec, expected) => {
    expect(lines(spec)).toEqual(expected);
  });

  test('names a misspelt field at the top', () => {
    const { problems } = parseCluster({ ...manifest({}), sepc: {} });
    expect(problems.map(problemText)).toEqual(['sepc: is not a known field: did you mean spec?']);
  });

  test('judges the rest by every rule when a field is misspelt', () => {
    expect(
      parseCluster(manifest({ etcd: { replicas: 2, replicsa: 3 }, application: { owner: 'postgres' } })).problems.map(({ code }) => code),
    ).toEqual(['ERR_SPEC_UNKNOWN_FIELD', 'ERR_SPEC_RESERVED_NAME', 'ERR_SPEC_ETCD_EVEN']);
  });

  test('finds a field that the API server has dropped in the manifest that kubectl left behind', () => {
    const written = JSON.stringify({ ...manifest({ etcd: { replicsa: 5 } }), metadata: { name: 'orders' } });
    expect(lines({}, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': written } })).toEqual([
      'spec.etcd.replicsa: is not a known field: did you mean replicas? (the manifest that was applied has it, and the API server has dropped it)',
    ]);
  });

  test.each(['no JSON', '7', 'null', '{}', '[]'])('takes no offence at %s in that annotation', (written) => {
    expect(lines({}, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': written } })).toEqual([]);
  });

  test('tells nothing of other mistakes in that annotation, which may be mended since', () => {
    const written = JSON.stringify(manifest({ etcd: { replicas: 2 } }));
    expect(lines({}, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': written } })).toEqual([]);
  });
});

describe('validateCluster', () => {
  test('wants an image for the version', () => {
    expect(validateCluster(cluster({ versions: { postgres: '17' } }), operator)).toEqual([]);
    expect(validateCluster(cluster({ versions: { postgres: '16' } }), operator).map(problemText)).toEqual([
      'spec.versions.postgres: the operator has images for 17 only: choose one of these versions or set spec.images.postgres',
    ]);
  });

  test('takes any version with an image of its own', () => {
    expect(validateCluster(cluster({ versions: { postgres: '16' }, images: { postgres: 'mine:16' } }), operator)).toEqual([]);
  });
});

describe('validateUpdate', () => {
  test('finds nothing in an object that stays as it is, valid or not', () => {
    expect(validateUpdate(cluster({ etcd: { replicas: 2 } }), cluster({ etcd: { replicas: 2 } }))).toEqual([]);
  });

  test('tells of the update only, not of what was wrong before', () => {
    const found = validateUpdate(cluster({ etcd: { replicas: 2 } }), cluster({ etcd: { replicas: 4 } }));
    expect(found.map(({ code }) => code)).toEqual(['ERR_SPEC_IMMUTABLE']);
  });
});

test('missingReferences names the Secrets that are not there', () => {
  const wanting = cluster({ images: { pullSecrets: ['there', 'gone'] } });
  expect(missingReferences(wanting, new Set(['there'])).map(problemText)).toEqual([
    'spec.images.pullSecrets[1]: Secret gone does not exist: create it or correct the name',
  ]);
  expect(missingReferences(cluster({}), new Set())).toEqual([]);
});

describe('parseOperation', () => {
  const operation = (spec: unknown) => ({
    apiVersion: 'patroni-operator.dev/v1alpha1',
    kind: 'PatroniOperation',
    metadata: { name: 'op' },
    spec,
  });

  test('reads a switchover', () => {
    const parsed = parseOperation(operation({ cluster: 'orders', type: 'Switchover', switchover: { target: 'orders-postgres-1' } }));
    expect(parsed.problems).toEqual([]);
    expect(parsed.object?.spec).toEqual({
      cluster: 'orders',
      type: 'Switchover',
      switchover: { target: 'orders-postgres-1' },
      requestedBy: 'User',
    });
  });

  test('refuses what is none', () => {
    expect(parseOperation(operation({ type: 'Restart', swichover: {} })).problems.map(problemText)).toEqual([
      'spec.cluster: is required: set it',
      'spec.type: must be one of Switchover: choose one of them',
      'spec.swichover: is not a known field: did you mean switchover?',
    ]);
  });
});
