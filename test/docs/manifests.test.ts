import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { patroniClusterSpec } from '../../src/api/patronicluster.ts';
import { blocks, filesBelow, pages, read } from './files.ts';

interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
}

const clusters = (text: string): Manifest[] =>
  loadAll(text).filter((object): object is Manifest => (object as Manifest | null)?.kind === 'PatroniCluster');

const samples = filesBelow('deploy/samples', '.yaml');

describe('samples', () => {
  test.each(samples)('%s is a cluster that the schema accepts, in whatever namespace it is applied to', (file) => {
    const [cluster, ...others] = clusters(read(file));
    expect(others).toEqual([]);
    expect(cluster?.metadata?.namespace).toBeUndefined();
    expect(patroniClusterSpec.safeParse(cluster?.spec).error?.issues).toBeUndefined();
  });

  test('there is a small one, a big one, and one with nothing in it', () => {
    expect(samples.map((file) => file.split('/').at(-1))).toEqual(['minimal.yaml', 'production.yaml', 'quickstart.yaml']);
    expect(clusters(read('deploy/samples/quickstart.yaml'))[0]?.metadata?.name).toBe('quickstart');
  });

  test('the small one fits on a machine with two cores beside Kubernetes itself', () => {
    const spec = patroniClusterSpec.parse(clusters(read('deploy/samples/quickstart.yaml'))[0]?.spec);
    const millicores = [spec.postgres, spec.etcd, spec.haproxy].map(
      ({ replicas, resources }) => replicas * Number.parseInt(resources.requests?.['cpu'] ?? '', 10),
    );
    expect(millicores.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(500);
  });
});

test('every PatroniCluster on a page is one that the schema accepts', () => {
  const found = pages().flatMap((page) =>
    blocks(read(page), 'yaml').flatMap((block) => clusters(block).map((cluster) => ({ page, cluster }))),
  );
  expect(found.length).toBeGreaterThan(0);
  for (const { page, cluster } of found)
    expect([page, patroniClusterSpec.safeParse(cluster.spec).error?.issues]).toEqual([page, undefined]);
});
