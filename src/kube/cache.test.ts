import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Cache, type CacheEvent } from './cache.ts';
import { keyOf, type KubeObject } from './types.ts';

const pod = (
  name: string,
  version: number,
  more: { namespace?: string; uid?: string; labels?: Record<string, string> } = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: String(version), ...more },
});

const byTeam = {
  team: (object: KubeObject) => Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) => (key === 'team' ? [value] : [])),
};
const namesOf = (objects: readonly KubeObject[]): string[] => objects.map((object) => object.metadata.name);

describe.each([
  ['plain', false],
  ['packed', true],
])('%s cache', (_, packed) => {
  test('finds objects by namespace, name and index', () => {
    const cache = new Cache({ packed, indexes: byTeam });
    cache.upsert(pod('a', 1, { labels: { team: 'x' } }));
    cache.upsert(pod('b', 2, { labels: { team: 'y' } }));
    cache.upsert(pod('a', 3, { namespace: 'other', labels: { team: 'x' } }));
    expect(cache.get('shop', 'a')).toEqual(pod('a', 1, { labels: { team: 'x' } }));
    expect(cache.get('other', 'b')).toBeUndefined();
    expect(namesOf(cache.list('shop'))).toEqual(['a', 'b']);
    expect(cache.list()).toHaveLength(3);
    expect(cache.byIndex('team', 'x').map((object) => keyOf(object.metadata))).toEqual(['shop/a', 'other/a']);
    expect(cache.byIndex('team', 'z')).toEqual([]);
    expect(() => cache.byIndex('none', 'x')).toThrow(RangeError);
  });

  test('tells the versions of the objects of an index', () => {
    const cache = new Cache({ packed, indexes: byTeam });
    cache.upsert(pod('a', 1, { labels: { team: 'x' } }));
    cache.upsert(pod('b', 2, { labels: { team: 'y' } }));
    cache.upsert(pod('a', 3, { labels: { team: 'x' } }));
    expect(cache.versionsByIndex('team', 'x')).toEqual(['a@3']);
    expect(cache.versionsByIndex('team', 'z')).toEqual([]);
  });

  test('moves an object between index values when it changes', () => {
    const cache = new Cache({ packed, indexes: byTeam });
    cache.upsert(pod('a', 1, { labels: { team: 'x' } }));
    cache.upsert(pod('a', 2, { labels: { team: 'y' } }));
    expect(cache.byIndex('team', 'x')).toEqual([]);
    expect(namesOf(cache.byIndex('team', 'y'))).toEqual(['a']);
    cache.remove({ namespace: 'shop', name: 'a' });
    expect(cache.byIndex('team', 'y')).toEqual([]);
    expect(cache.size()).toBe(0);
  });

  test('tells what changed, with the state before', () => {
    const events: [string, string | undefined, string | undefined][] = [];
    const note = ({ type, object, previous }: CacheEvent<KubeObject>) =>
      events.push([type, object.metadata.resourceVersion, previous?.metadata.resourceVersion]);
    const cache = new Cache<KubeObject>({ packed, onEvent: note });
    cache.upsert(pod('a', 1));
    cache.upsert(pod('a', 1));
    cache.upsert(pod('a', 2));
    cache.remove({ namespace: 'shop', name: 'a' });
    cache.remove({ namespace: 'shop', name: 'a' });
    expect(events).toEqual([
      ['added', '1', undefined],
      ['updated', '2', '1'],
      ['deleted', '2', undefined],
    ]);
  });

  test('retains what was listed in one namespace and leaves the others alone', () => {
    const cache = new Cache<KubeObject>({ packed });
    for (const each of [pod('a', 1), pod('b', 2), pod('z', 3, { namespace: 'other' })]) cache.upsert(each);
    cache.retain('shop', new Set(['shop/b', 'shop/c']));
    expect(namesOf(cache.list())).toEqual(['b', 'z']);
    cache.retain(undefined, new Set());
    expect(cache.size()).toBe(0);
  });
});

test('a packed cache gives a fresh copy at each read', () => {
  const cache = new Cache<KubeObject>({ packed: true });
  cache.upsert(pod('a', 1));
  expect(cache.get('shop', 'a')).not.toBe(cache.get('shop', 'a'));
});

test('after any sequence the cache and its index equal a naive model, and events replay to the same contents', () => {
  const change = fc.record({
    what: fc.constantFrom('upsert' as const, 'remove' as const, 'retain' as const),
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('n1', 'n2'),
    uid: fc.constantFrom('u1', 'u2'),
    team: fc.constantFrom('x', 'y'),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.boolean(), (changes, packed) => {
      const replayed = new Map<string, KubeObject>();
      const onEvent = ({ type, object }: CacheEvent<KubeObject>) => {
        const key = keyOf(object.metadata);
        expect(replayed.has(key)).toBe(type !== 'added');
        if (type === 'deleted') replayed.delete(key);
        else replayed.set(key, object);
      };
      const cache = new Cache<KubeObject>({ packed, indexes: byTeam, onEvent });
      const model = new Map<string, KubeObject>();
      for (const [version, { what, name, namespace, uid, team }] of changes.entries()) {
        const object = pod(name, version, { namespace, uid, labels: { team } });
        if (what === 'upsert') {
          cache.upsert(object);
          model.set(keyOf(object.metadata), object);
        } else if (what === 'remove') {
          cache.remove({ namespace, name });
          model.delete(`${namespace}/${name}`);
        } else {
          cache.retain(namespace, new Set([`${namespace}/${name}`]));
          for (const key of [...model.keys()]) if (key.startsWith(`${namespace}/`) && key !== `${namespace}/${name}`) model.delete(key);
        }
      }
      const sorted = (objects: Iterable<KubeObject>) => [...objects].sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
      expect(sorted(cache.list())).toEqual(sorted(model.values()));
      expect(sorted(replayed.values())).toEqual(sorted(model.values()));
      expect(cache.size()).toBe(model.size);
      for (const team of ['x', 'y']) {
        expect(sorted(cache.byIndex('team', team))).toEqual(
          sorted([...model.values()].filter((object) => object.metadata.labels?.['team'] === team)),
        );
      }
    }),
  );
});
