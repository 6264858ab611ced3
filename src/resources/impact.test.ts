import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { STANDBY_SETTINGS } from '../config/dynamic-keys.ts';
import { impactOf, isWithoutEffect } from './impact.ts';
import { restartSteps } from './impact-restarts.ts';
import { stepText, whenText } from './impact-words.ts';

type Spec = Readonly<Record<string, unknown>>;

const impact = (before: Spec, after: Spec, leader?: string) => impactOf(cluster(before), cluster(after), { leader });
const steps = (before: Spec, after: Spec, leader?: string) => impact(before, after, leader).restarts.steps.map(stepText);
const parameters = (settings: Spec, more: Spec = {}) => ({ postgres: { parameters: settings }, ...more });
const memory = (size: string) => ({ postgres: { resources: { limits: { memory: size } } } });

describe('restarts', () => {
  test.each<[string, Spec, Spec, readonly string[]]>([
    ['nothing for a setting that is reloaded', {}, parameters({ work_mem: '64MB' }), []],
    ['nothing for other words of the same value', parameters({ shared_buffers: '1GB' }), parameters({ shared_buffers: '1024MB' }), []],
    ['nothing when PostgreSQL has that value by itself', parameters({ max_prepared_transactions: 0 }), {}, []],
    [
      'replicas first for what grows',
      parameters({ max_connections: 100 }),
      parameters({ max_connections: 200 }),
      [
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
        'restart PostgreSQL of the leader in place: no writes for about 2 s',
      ],
    ],
    [
      'the leader first for what shrinks',
      parameters({ max_connections: 200 }),
      parameters({ max_connections: 100 }),
      [
        'restart PostgreSQL of the leader in place: no writes for about 2 s',
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
      ],
    ],
    [
      'the replicas twice when one setting grows and another shrinks',
      parameters({ max_connections: 100, max_worker_processes: 16 }),
      parameters({ max_connections: 200, max_worker_processes: 8 }),
      [
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
        'restart PostgreSQL of the leader in place: no writes for about 2 s',
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
      ],
    ],
    [
      'replicas first for a setting that standbys may have less of',
      parameters({ shared_buffers: '256MB' }),
      parameters({ shared_buffers: '128MB' }),
      [
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
        'restart PostgreSQL of the leader in place: no writes for about 2 s',
      ],
    ],
    [
      'a switchover where the spec prefers it',
      {},
      parameters({ shared_buffers: '256MB' }, { updateStrategy: { leader: 'Switchover' } }),
      [
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
        'switch over from the leader to a replica: no writes for 1 to 3 s',
      ],
    ],
    [
      'the only member in place',
      { postgres: { replicas: 1 } },
      { postgres: { replicas: 1, parameters: { shared_buffers: '256MB' } } },
      ['restart PostgreSQL of the leader in place: no writes for about 2 s'],
    ],
    [
      'pods for more memory, whose new PostgreSQL has the new settings',
      memory('1Gi'),
      memory('4Gi'),
      [
        'replace the pods of 2 replicas, one at a time: connections to each end',
        'switch over from the leader to a replica: no writes for 1 to 3 s',
        'replace the pod of the former leader: connections to it end',
      ],
    ],
    [
      'pods for less memory, and once more for what must shrink on the leader first',
      memory('4Gi'),
      memory('1Gi'),
      [
        'replace the pods of 2 replicas, one at a time: connections to each end',
        'switch over from the leader to a replica: no writes for 1 to 3 s',
        'replace the pod of the former leader: connections to it end',
        'restart PostgreSQL of the leader in place: no writes for about 2 s',
        'restart PostgreSQL of 2 replicas, one at a time: connections to each end',
      ],
    ],
    [
      'the only pod',
      { postgres: { replicas: 1 } },
      { postgres: { replicas: 1, pod: { priorityClassName: 'high' } } },
      ['replace the pod of the leader: no connections until the new pod runs'],
    ],
    [
      'etcd, PostgreSQL and HAProxy in turn',
      {},
      { images: { postgres: 'new/postgres', etcd: 'new/etcd', haproxy: 'new/haproxy' } },
      [
        'replace 3 pods of etcd, one at a time: nobody is interrupted',
        'replace the pods of 2 replicas, one at a time: connections to each end',
        'switch over from the leader to a replica: no writes for 1 to 3 s',
        'replace the pod of the former leader: connections to it end',
        'replace 2 pods of haproxy, one at a time: connections through each end',
      ],
    ],
    ['nobody for a new member', { postgres: { replicas: 3 } }, { postgres: { replicas: 5 } }, []],
  ])('%s', (_, before, after, expected) => {
    expect(steps(before, after)).toEqual(expected);
  });

  test('are told by name when the leader is known', () => {
    expect(steps({}, parameters({ max_connections: 300 }), 'orders-postgres-1')).toEqual([
      'restart PostgreSQL of 2 replicas (orders-postgres-0, orders-postgres-2), one at a time: connections to each end',
      'restart PostgreSQL of the leader (orders-postgres-1) in place: no writes for about 2 s',
    ]);
  });

  test('count the pauses of writes and name the settings with old and new value', () => {
    const { restarts } = impact({}, parameters({ max_connections: 300, work_mem: '1GB' }));
    expect(restarts).toMatchObject({ writePauses: 1, settings: [{ name: 'max_connections', before: '100', after: '300' }] });
  });

  test.each([
    [{}, 'as soon as the cluster is healthy'],
    [{ type: 'Schedule', schedule: { cron: '0 2 * * 6' } }, 'in the next maintenance window (0 2 * * 6, UTC, 60 min)'],
    [{ type: 'OnRequest' }, 'on request: kubectl annotate patroni orders -n shop patroni-operator.dev/restart=pending'],
    [{ type: 'Never' }, 'only by hand, since updateStrategy.type is Never'],
  ])('happen when the spec %j says', (updateStrategy, expected) => {
    const c = cluster({ updateStrategy });
    expect(whenText(c.spec.updateStrategy, c)).toBe(expected);
  });

  test('end for any mix of settings, and touch every member once or twice', () => {
    const value = fc.integer({ min: 10, max: 12 }).map(String);
    const setting = fc.record({ name: fc.constantFrom(...STANDBY_SETTINGS, 'shared_buffers'), before: value, after: value });
    const settings = fc
      .uniqueArray(setting, { selector: ({ name }) => name, maxLength: 6 })
      .map((all) => all.filter(({ before, after }) => before !== after));
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 5 }), fc.constantFrom('Restart', 'Switchover'), (changed, members, leader) => {
        const c = cluster({ postgres: { replicas: members }, updateStrategy: { leader } });
        const plan = restartSteps(c, { replaced: [], settings: changed, members, leader: 'orders-postgres-0' });
        const count = plan.reduce((sum, step) => sum + step.count, 0);
        expect(count).toBeGreaterThanOrEqual(changed.length === 0 ? 0 : members);
        expect(count).toBeLessThanOrEqual(2 * members);
        expect(plan.filter(({ interrupts }) => interrupts === 'Writes').length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('an impact', () => {
  test('is none for an unchanged spec', () => {
    expect(isWithoutEffect(impact({}, {}))).toBe(true);
    expect(isWithoutEffect(impact({}, parameters({ work_mem: '1GB' })))).toBe(false);
  });

  test('of a new cluster is its creation', () => {
    expect(impactOf(undefined, cluster())).toMatchObject({ isCreation: true, restarts: { steps: [] } });
  });

  test('tells keys in etcd with both values and when they take effect', () => {
    const before = parameters({ shared_buffers: '1GB', work_mem: '4MB', jit: false }, { patroni: { ttl: 30 } });
    const after = parameters({ shared_buffers: '1024MB', work_mem: '8MB', log_connections: true, 'pg_stat_statements.max': 9000 });
    expect(impact(before, after).dynamic).toEqual([
      { path: 'postgresql.parameters.shared_buffers', before: '1GB', after: '1024MB', takesEffect: 'Same' },
      { path: 'postgresql.parameters.log_connections', after: true, takesEffect: 'NewSessions' },
      { path: 'postgresql.parameters[pg_stat_statements.max]', after: 9000, takesEffect: 'ByExtension' },
      { path: 'postgresql.parameters.work_mem', before: '4MB', after: '8MB', takesEffect: 'Reload' },
      { path: 'ttl', before: 30, after: 20, takesEffect: 'Reload' },
      { path: 'postgresql.parameters.jit', before: false, takesEffect: 'Reload' },
    ]);
  });

  test('tells the local file, lines of pg_hba and pg_ident, and tags of members', () => {
    const before = { postgres: { hba: { append: ['host all all ::1/128 reject'] } }, patroni: { members: [{ ordinal: 0, nosync: true }] } };
    const after = {
      postgres: { hba: { append: ['hostssl app app all cert'] }, ident: ['m os db'] },
      patroni: { members: [{ ordinal: 2, nofailover: true }], log: { level: 'DEBUG' }, config: { bootstrap: { post_init: '/seed' } } },
    };
    expect(impact(before, after)).toMatchObject({
      local: [
        { path: 'log.level', before: 'INFO', after: 'DEBUG', takesEffect: 'Reload' },
        { path: 'bootstrap.post_init', after: '/seed', takesEffect: 'CreationOnly' },
      ],
      hba: ['- host all all ::1/128 reject', '+ hostssl app app all cert'],
      ident: ['+ m os db'],
      tags: [
        { member: 'orders-postgres-0', before: { nosync: true } },
        { member: 'orders-postgres-2', after: { nofailover: true } },
      ],
      restarts: { steps: [] },
    });
  });

  test('tells pod templates by what differs in them', () => {
    expect(impact(memory('1Gi'), memory('2Gi')).pods).toEqual([
      { component: 'postgres', paths: ['spec.containers[postgres].resources.limits.memory', 'spec.volumes[shm].emptyDir.sizeLimit'] },
    ]);
  });

  test('tells scale, volumes, other objects and slots that go', () => {
    const before = { patroni: { slots: { feed: { type: 'physical' } } } };
    const after = { postgres: { replicas: 2, storage: { size: '20Gi' } }, haproxy: { enabled: false } };
    expect(impact(before, after)).toMatchObject({
      scale: [
        { component: 'postgres', before: 3, after: 2 },
        { component: 'haproxy', before: 2, after: 0 },
      ],
      volumes: [{ component: 'postgres', before: '10Gi', after: '20Gi' }],
      droppedSlots: ['feed'],
      reloadsHaproxy: false,
      objects: expect.arrayContaining([{ object: 'Service/orders-rw', change: 'Removed' }]),
    });
  });

  test('tells that HAProxy reloads', () => {
    expect(impact({}, { haproxy: { readOnly: { maxLag: '16Mi' } } })).toMatchObject({
      reloadsHaproxy: true,
      pods: [],
      objects: [],
      restarts: { steps: [] },
    });
  });
});
