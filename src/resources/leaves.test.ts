import { describe, expect, test } from '@jest/globals';

import { cluster } from '../../test/golden/cluster.ts';
import { LEAVES } from '../api/names.ts';
import { leafSubject, leafSubjectHash } from './leaves.ts';

describe('leafSubject', () => {
  test('only the replication leaf has a common name that could be a role: PostgreSQL takes it for the role', () => {
    const roleLike = LEAVES.filter((leaf) => /^[a-z_][a-z0-9_]*$/.test(leafSubject(cluster(), leaf).commonName));
    expect(roleLike).toEqual(['replication']);
    expect(leafSubject(cluster({ patroni: { users: { replication: 'walker' } } }), 'replication').commonName).toBe('walker');
  });

  test('Patroni’s certificate for etcd has an empty common name', () => {
    expect(leafSubject(cluster(), 'etcd-client').commonName).toBe('');
  });

  test.each(['etcd-server', 'etcd-peer'] as const)('%s serves and calls, since etcd does both with it', (leaf) => {
    expect(leafSubject(cluster(), leaf).usages).toEqual(['server', 'client']);
  });

  test('etcd peers are listed by name, so that no reverse DNS is needed', () => {
    expect(leafSubject(cluster({ etcd: { replicas: 3 } }), 'etcd-peer').dnsNames).toContain(
      'orders-etcd-2.orders-etcd.shop.svc.cluster.local',
    );
  });

  test('clients can verify the server under every form of its Services', () => {
    const { dnsNames } = leafSubject(cluster(), 'postgres-server');
    for (const service of ['orders-rw', 'orders-ro', 'orders-r']) {
      for (const suffix of ['', '.shop', '.shop.svc', '.shop.svc.cluster.local']) expect(dnsNames).toContain(`${service}${suffix}`);
    }
  });

  test('scaling PostgreSQL re-issues nothing', () => {
    const hashes = (replicas: number) => LEAVES.map((leaf) => leafSubjectHash(leafSubject(cluster({ postgres: { replicas } }), leaf)));
    expect(hashes(9)).toEqual(hashes(3));
  });
});
