import { beforeEach, describe, expect, test } from '@jest/globals';

import type { Manifest } from '../../api/objects.ts';
import type { KubeRest } from '../../kube/rest.ts';

import { createSecretReader } from './secret-reader.ts';

interface Stored {
  readonly resourceVersion: string;
  readonly data: Readonly<Record<string, string>>;
}

const stored = new Map<string, Stored>();
let reads: string[] = [];

/** Only what the reader uses. */
const rest = {
  find: (_kind: unknown, { namespace = '', name }: { readonly namespace?: string; readonly name: string }) => {
    reads.push(`${namespace}/${name}`);
    const found = stored.get(`${namespace}/${name}`);
    const data = Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]));
    return Promise.resolve(found === undefined ? undefined : { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, resourceVersion: found.resourceVersion }, data });
  },
} as unknown as KubeRest;

const metadata = (name: string, resourceVersion: string, namespace = 'shop'): Manifest => ({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name, namespace, resourceVersion } });
const put = (name: string, resourceVersion: string, data: Readonly<Record<string, string>>, namespace = 'shop'): Manifest => {
  stored.set(`${namespace}/${name}`, { resourceVersion, data });
  return metadata(name, resourceVersion, namespace);
};

beforeEach(() => {
  stored.clear();
  reads = [];
});

describe('a Secret', () => {
  test('is read once for each version of it', async () => {
    const reader = createSecretReader(rest);
    const first = put('pg-app', '1', { password: 'blue' });
    expect((await reader.read(first, ['password']))?.['password']?.reveal()).toBe('blue');
    await reader.read(first, ['password']);
    expect(reads).toEqual(['shop/pg-app']);
    const second = put('pg-app', '2', { password: 'green' });
    expect((await reader.read(second, ['password']))?.['password']?.reveal()).toBe('green');
    expect(reads).toHaveLength(2);
  });

  test('does not show its contents by accident', async () => {
    const read = await createSecretReader(rest).read(put('pg-app', '1', { password: 'blue' }), ['password']);
    expect(`${JSON.stringify(read)} ${String(read?.['password'])}`).not.toContain('blue');
  });

  test('that the cache does not have costs no request', async () => {
    expect(await createSecretReader(rest).read(undefined, ['password'])).toBeUndefined();
    expect(reads).toEqual([]);
  });

  test('that has gone, or lacks a key, is not there, and is asked for again next time', async () => {
    const reader = createSecretReader(rest);
    expect(await reader.read(metadata('pg-app', '1'), ['password'])).toBeUndefined();
    put('pg-app', '1', { username: 'app' });
    expect(await reader.read(metadata('pg-app', '1'), ['username', 'password'])).toBeUndefined();
    put('pg-app', '1', { username: 'app', password: '' });
    expect((await reader.read(metadata('pg-app', '1'), ['username', 'password']))?.['password']?.reveal()).toBe('');
    expect(reads).toHaveLength(3);
  });
});

describe('what is remembered', () => {
  test('is bounded: the least recently used goes first', async () => {
    const reader = createSecretReader(rest, 2);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => put(name, '1', { key: name }));
    await reader.read(a, ['key']);
    await reader.read(b, ['key']);
    await reader.read(a, ['key']);
    await reader.read(c, ['key']);
    reads = [];
    await reader.read(a, ['key']);
    await reader.read(b, ['key']);
    expect(reads).toEqual(['shop/b']);
  });

  test('of a cluster is forgotten with it, and nothing of others', async () => {
    const reader = createSecretReader(rest);
    const mine = put('pg-app', '1', { key: 'x' });
    const namesake = put('pg-app', '1', { key: 'x' }, 'other');
    await reader.read(mine, ['key']);
    await reader.read(namesake, ['key']);
    reader.forget('shop', 'pg');
    reads = [];
    await reader.read(mine, ['key']);
    await reader.read(namesake, ['key']);
    expect(reads).toEqual(['shop/pg-app']);
  });
});
