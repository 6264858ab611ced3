import type { OperatorConfig } from '../../../src/api/effective.ts';
import { API_VERSION, FINALIZER } from '../../../src/api/meta.ts';
import { labels, names } from '../../../src/api/names.ts';
import type { PatroniClusterObject, PatroniOperationObject } from '../../../src/api/objects.ts';
import { patroniClusterSpec } from '../../../src/api/patronicluster.ts';
import type { PatroniOperationStatus } from '../../../src/api/patronioperation.ts';
import type { PodView } from '../../../src/decide/observed.ts';
import type { ClusterMember, ClusterView } from '../../../src/patroni/cluster-view.ts';

/** A valid base and small named modifiers for tests of the policy. */

export const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

export const OPERATOR: OperatorConfig = {
  images: { postgres: { '16': 'example.org/postgres:16', '17': 'example.org/postgres:17' }, etcd: 'example.org/etcd:3.6', haproxy: 'example.org/haproxy:3.0' },
  clusterDomain: 'cluster.local',
};

/** A PatroniCluster `shop/pg` as the API server returns it, defaults applied. */
export function cluster(spec: Record<string, unknown> = {}, metadata: Partial<PatroniClusterObject['metadata']> = {}): PatroniClusterObject {
  return {
    apiVersion: API_VERSION,
    kind: 'PatroniCluster',
    metadata: { name: 'pg', namespace: 'shop', uid: 'uid-1', generation: 1, finalizers: [FINALIZER], creationTimestamp: '2026-11-23T11:00:00Z', ...metadata },
    spec: patroniClusterSpec.parse(spec),
  };
}

export function member(ordinal: number, changes: Partial<ClusterMember> = {}): ClusterMember {
  return { name: `pg-postgres-${ordinal}`, role: 'replica', state: 'streaming', timeline: 1, lag: { known: true, bytes: 0 }, pendingRestart: false, tags: {}, ...changes };
}

/** Members 0 … count-1, of which `leader` leads and the others stream. */
export function view(count: number, leader: number | undefined, changes: Partial<ClusterView> = {}): ClusterView {
  const members = Array.from({ length: count }, (_, ordinal) =>
    ordinal === leader ? member(ordinal, { role: 'leader', state: 'running', lag: { known: false } }) : member(ordinal),
  );
  return { scope: 'pg', members, paused: false, ...changes };
}

export function pod(component: 'postgres' | 'etcd' | 'haproxy', ordinal: number, changes: Partial<PodView> = {}): PodView {
  return {
    name: names.pod('pg', component, ordinal),
    uid: `${component}-${ordinal}`,
    component,
    ordinal,
    ip: `10.0.0.${ordinal + 1}`,
    node: `node${ordinal}`,
    ready: true,
    running: true,
    terminating: false,
    createdAt: '2026-11-23T11:00:00Z',
    revision: 'r1',
    annotations: {},
    ...changes,
  };
}

export function operation(name: string, changes: { target?: string; requestedBy?: PatroniOperationObject['spec']['requestedBy']; status?: PatroniOperationStatus; createdAt?: string } = {}): PatroniOperationObject {
  return {
    apiVersion: API_VERSION,
    kind: 'PatroniOperation',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, creationTimestamp: changes.createdAt ?? '2026-11-23T11:59:59Z', labels: labels('pg') },
    spec: { cluster: 'pg', type: 'Switchover', requestedBy: changes.requestedBy ?? 'Annotation', ...(changes.target === undefined ? {} : { switchover: { target: changes.target } }) },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  };
}
