import { describe, expect, test } from '@jest/globals';

import type { OperatorConfig } from '../api/effective.ts';
import type { PatroniClusterObject } from '../api/objects.ts';
import { parseCluster } from '../api/validate.ts';
import { editWarnings } from './edit-warnings.ts';

type Spec = Readonly<Record<string, unknown>>;

const OPERATOR: OperatorConfig = {
  images: { postgres: { 17: 'r/postgres:17' }, etcd: 'r/etcd', haproxy: 'r/haproxy' },
  clusterDomain: 'cluster.local',
};

function object(spec: Spec, status: Spec = {}): PatroniClusterObject {
  const { cluster } = parseCluster({
    apiVersion: 'patroni-operator.dev/v1alpha1',
    kind: 'PatroniCluster',
    metadata: { name: 'orders', namespace: 'shop' },
    spec,
    status,
  });
  if (cluster === undefined) throw new Error('not a valid manifest');
  return cluster;
}

const warnings = (before: Spec, after: Spec) => editWarnings(object(before), object(after), OPERATOR);
const parameters = (settings: Spec, more: Spec = {}) => ({ postgres: { parameters: settings }, ...more });

describe('a warning', () => {
  test.each<[string, Spec, Spec, readonly string[]]>([
    ['is not given for a setting that is reloaded', {}, parameters({ work_mem: '64MB' }), []],
    ['is not given for pg_hba', {}, { postgres: { hba: { append: ['hostssl app app all cert'] } } }, []],
    ['is not given for more members', {}, { postgres: { replicas: 5 } }, []],
    ['is not given for etcd, which keeps its quorum', {}, { images: { etcd: 'other' } }, []],
    ['is not given for HAProxy’s configuration, which it reloads', {}, { haproxy: { readOnly: { maxLag: '16Mi' } } }, []],
    [
      'tells that replicas come first',
      parameters({ max_connections: 100 }),
      parameters({ max_connections: 200, shared_buffers: '1GB' }),
      [
        'restarts PostgreSQL on every member for max_connections, shared_buffers: replicas first, the leader last in place (about 2 s without writes)',
      ],
    ],
    [
      'tells that the leader comes first',
      parameters({ max_connections: 200 }),
      parameters({ max_connections: 100 }),
      ['restarts PostgreSQL on every member for max_connections: the leader in place (about 2 s without writes), then the replicas'],
    ],
    [
      'tells two rounds',
      parameters({ max_connections: 100, max_worker_processes: 16 }),
      parameters({ max_connections: 200, max_worker_processes: 8 }),
      [
        'restarts PostgreSQL on every member for max_connections, max_worker_processes: replicas first, the leader in place (about 2 s without writes), the replicas once more',
      ],
    ],
    [
      'tells a switchover and the window',
      {},
      parameters(
        { shared_buffers: '1GB' },
        { updateStrategy: { type: 'Schedule', schedule: { cron: '0 2 * * 6' }, leader: 'Switchover' } },
      ),
      [
        'restarts PostgreSQL on every member for shared_buffers in the next maintenance window: replicas first, a switchover (1 to 3 s without writes)',
      ],
    ],
    [
      'tells the only member',
      { postgres: { replicas: 1 } },
      { postgres: { replicas: 1, parameters: { shared_buffers: '1GB' } } },
      ['restarts PostgreSQL on the only member for shared_buffers: the leader in place (about 2 s without writes)'],
    ],
    [
      'tells pods, whose new PostgreSQL has the new settings',
      { postgres: { resources: { limits: { memory: '1Gi' } } } },
      { postgres: { resources: { limits: { memory: '4Gi' } } } },
      [
        'replaces the pods of postgres one at a time for containers[postgres].resources.limits.memory, volumes[shm].emptyDir.sizeLimit: replicas first, then a switchover (1 to 3 s without writes)',
      ],
    ],
    [
      'tells pods of HAProxy',
      {},
      { images: { haproxy: 'other' } },
      ['replaces the pods of haproxy one at a time for containers[haproxy].image: connections through each of them end'],
    ],
    [
      'tells members that go',
      {},
      { postgres: { replicas: 2 }, haproxy: { enabled: false } },
      [
        'leaves 2 of the PostgreSQL members: connections to the others end, after a switchover if one of them leads',
        'removes HAProxy and its Services: connections through it end',
      ],
    ],
    [
      'tells slots that are dropped',
      { patroni: { slots: { feed: { type: 'physical' } } } },
      {},
      ['drops the replication slot feed: whoever reads from it loses the place it had'],
    ],
    [
      'tells what the validator finds odd',
      {},
      parameters({ fsync: false }),
      ['spec.postgres.parameters.fsync: is off: a crash of a node can destroy the database of its member'],
    ],
    ['is not given again while the spec stays', parameters({ fsync: false }), parameters({ fsync: false }), []],
  ])('%s', (_, before, after, expected) => {
    expect(warnings(before, after)).toEqual(expected);
  });

  test('on creation is about what is odd alone', () => {
    expect(editWarnings(undefined, object(parameters({ max_connections: 300, fsync: false })), OPERATOR)).toHaveLength(1);
  });

  test('counts with the images that the cluster runs, not with those of a newer operator', () => {
    const running = object({}, { versions: { images: { postgres: 'r/postgres:old', etcd: 'r/etcd:old', haproxy: 'r/haproxy:old' } } });
    expect(editWarnings(running, object(parameters({ work_mem: '8MB' })), OPERATOR)).toEqual([]);
  });

  test('stays below 256 characters, however much changes', () => {
    const many = Object.fromEntries(
      [
        'autovacuum_freeze_max_age',
        'autovacuum_max_workers',
        'max_files_per_process',
        'max_locks_per_transaction',
        'max_logical_replication_workers',
        'max_pred_locks_per_transaction',
        'superuser_reserved_connections',
        'wal_buffers',
        'wal_decode_buffer_size',
      ].map((name) => [name, name === 'wal_decode_buffer_size' ? '1MB' : name.startsWith('autovacuum_f') ? 300000000 : 70]),
    );
    const texts = warnings({}, { ...parameters({ ...many, a_setting_that_nobody_knows: 1 }), images: { postgres: 'x'.repeat(200) } });
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) expect(text.length).toBeLessThan(256);
    expect(warnings({}, parameters(many)).join()).toMatch(/ and \d more: replicas first/);
  });
});
