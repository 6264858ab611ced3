import { expect, test } from '@jest/globals';
import { GROUP, VERSION } from '../api/meta.ts';
import { apiVersionOf, keyOf, KINDS, refOf, resourcePath } from './types.ts';

test('paths follow the rules of the API', () => {
  expect(resourcePath(KINDS.Pod, { namespace: 'shop', name: 'pg-0' }, 'eviction')).toBe('/api/v1/namespaces/shop/pods/pg-0/eviction');
  expect(resourcePath(KINDS.StatefulSet)).toBe('/apis/apps/v1/statefulsets');
  expect(resourcePath(KINDS.StatefulSet, { namespace: 'shop' })).toBe('/apis/apps/v1/namespaces/shop/statefulsets');
  expect(resourcePath(KINDS.Namespace, { name: 'shop' })).toBe('/api/v1/namespaces/shop');
  expect(resourcePath(KINDS.Node, { namespace: 'ignored', name: 'n/1' })).toBe('/api/v1/nodes/n%2F1');
});

test('one object of a namespaced kind needs its namespace', () => {
  expect(() => resourcePath(KINDS.Pod, { name: 'pg-0' })).toThrow('Pod pg-0 has no namespace');
});

test('keys and references are inverse', () => {
  for (const ref of [{ namespace: 'shop', name: 'pg' }, { name: 'node-1' }]) expect(refOf(keyOf(ref))).toEqual(ref);
});

test('our own kinds are those of the API room', () => {
  for (const kind of [KINDS.PatroniCluster, KINDS.PatroniOperation]) expect(apiVersionOf(kind)).toBe(`${GROUP}/${VERSION}`);
});
