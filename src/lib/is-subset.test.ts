import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { firstDifference, isSubset } from './is-subset.ts';

const container = { name: 'pg', image: 'a:1', env: [{ name: 'A', value: '1' }], ports: [{ name: 'rest', containerPort: 8008 }] };

describe('isSubset', () => {
  test.each<[string, unknown, unknown]>([
    ['defaults that the server adds', { spec: { a: 1 } }, { spec: { a: 1, b: 2 }, status: {} }],
    [
      'a list of containers with another added',
      { containers: [container] },
      { containers: [{ name: 'sidecar' }, { ...container, terminationMessagePath: '/x' }] },
    ],
    ['environment variables in another order', { env: [{ name: 'A' }, { name: 'B' }] }, { env: [{ name: 'B' }, { name: 'A' }] }],
    [
      'mounts of one volume at two paths',
      {
        m: [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/b' },
        ],
      },
      {
        m: [
          { name: 'v', mountPath: '/b' },
          { name: 'v', mountPath: '/a' },
        ],
      },
    ],
    [
      'quantities by value',
      { resources: { requests: { cpu: '0.5', memory: '1024Mi' } } },
      { resources: { requests: { cpu: '500m', memory: '1Gi' } } },
    ],
    [
      'a storage request by value',
      { spec: { resources: { requests: { storage: '1024Mi' } } } },
      { spec: { resources: { requests: { storage: '1Gi' } } } },
    ],
    ['zero values that the server drops', { hostNetwork: false, env: [{ name: 'A', value: '' }], n: 0 }, { env: [{ name: 'A' }] }],
    ['empty maps and lists that the server drops', { labels: {}, ingress: [] }, {}],
    ['undefined members', { a: undefined }, {}],
    ['null for what is not there', { a: null }, {}],
    ['minus zero, which JSON writes as zero', { list: [-0] }, { list: [0] }],
    ['finalizers among others', { finalizers: ['b'] }, { finalizers: ['a', 'b'] }],
  ])('accepts %s', (_, desired, live) => {
    expect(firstDifference(desired, live)).toBeUndefined();
  });

  test.each<[string, unknown, unknown, string]>([
    ['another scalar', { spec: { replicas: 3 } }, { spec: { replicas: 2 } }, 'spec.replicas'],
    ['a missing field', { spec: { a: { b: 1 } } }, { spec: {} }, 'spec.a'],
    ['a changed image', { containers: [container] }, { containers: [{ ...container, image: 'a:2' }] }, 'containers[name=pg].image'],
    ['a container that is gone', { containers: [container] }, { containers: [] }, 'containers[name=pg]'],
    ['a changed variable', { env: [{ name: 'A', value: '1' }] }, { env: [{ name: 'A', value: '2' }] }, 'env[name=A].value'],
    ['arguments in another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, 'args[0]'],
    ['one argument more', { args: ['a'] }, { args: ['a', 'b'] }, 'args'],
    ['a list where a map should be', { a: { b: 1 } }, { a: [1] }, 'a'],
    ['a removed emptyDir', { volumes: [{ name: 'v', emptyDir: {} }] }, { volumes: [{ name: 'v' }] }, 'volumes[name=v].emptyDir'],
    ['a removed selector of all namespaces', { from: [{ namespaceSelector: {} }] }, { from: [{}] }, 'from[0].namespaceSelector'],
    ['a security switch that was removed', { automountServiceAccountToken: false }, {}, 'automountServiceAccountToken'],
    ['replicas that defaulted to one', { spec: { replicas: 0 } }, { spec: {} }, 'spec.replicas'],
    ['a smaller quantity', { limits: { memory: '1Gi' } }, { limits: { memory: '1G' } }, 'limits.memory'],
    ['a number where a text should be', { a: '1' }, { a: 1 }, 'a'],
    ['a key that only the prototype has', { toString: 'x' }, {}, 'toString'],
    [
      'a member of two with the same key',
      {
        t: [
          { key: 'a', effect: 'x' },
          { key: 'a', effect: 'y' },
        ],
      },
      {
        t: [
          { key: 'a', effect: 'x' },
          { key: 'a', effect: 'z' },
        ],
      },
      't[1].effect',
    ],
  ])('notices %s', (_, desired, live, path) => {
    expect(firstDifference(desired, live)).toBe(path);
    expect(isSubset(desired, live)).toBe(false);
  });

  test('holds for every value and itself, and for itself with more keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (desired, more) => {
        expect(firstDifference(desired, JSON.parse(JSON.stringify(desired)))).toBeUndefined();
        expect(firstDifference(desired, { ...more, ...desired })).toBeUndefined();
      }),
    );
  });
});
