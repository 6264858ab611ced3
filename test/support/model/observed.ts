import { effectiveCluster } from '../../../src/api/effective.ts';
import { ANNOTATIONS, type Component } from '../../../src/api/meta.ts';
import { names } from '../../../src/api/names.ts';
import type { Manifest, PatroniClusterObject } from '../../../src/api/objects.ts';
import type { PatroniClusterStatus } from '../../../src/api/status.ts';
import { objectKey, type Observed } from '../../../src/decide/observed.ts';
import { secretPlan } from '../../../src/resources/secrets.ts';

import { cluster, NOW_MS, OPERATOR, pod, view } from './cluster.ts';

/** Revision of the newest pod template in every StatefulSet of `observed`. */
export const NEWEST = 'r2';

export interface ObservedParts extends Partial<Omit<Observed, 'cluster' | 'objects'>> {
  readonly spec?: Record<string, unknown>;
  readonly metadata?: Partial<PatroniClusterObject['metadata']>;
  readonly status?: PatroniClusterStatus;
  /** `spec.replicas` of the Postgres StatefulSet. @default 3 */
  readonly replicas?: number;
  /** Objects besides StatefulSets and Secrets. */
  readonly more?: readonly Manifest[];
}

/** A healthy 3 + 3 + 2 cluster led by member 0, whose objects are all as wanted and whose pods run the newest template. */
export function observed(parts: ObservedParts = {}): Observed {
  const { spec = {}, metadata = {}, status, replicas = 3, more = [], ...rest } = parts;
  const object: PatroniClusterObject = {
    ...cluster(spec, metadata),
    status: status ?? { leader: 'pg-postgres-0', systemIdentifier: '7', application: { database: 'app', owner: 'app' }, etcd: { formed: true } },
  };
  const effective = effectiveCluster(object, OPERATOR);
  const pods = [...Array.from({ length: replicas }, (_, n) => pod('postgres', n)), ...[0, 1, 2].map((n) => pod('etcd', n)), ...[0, 1].map((n) => pod('haproxy', n))];
  const objects = [statefulSet('postgres', replicas), statefulSet('etcd', 3), statefulSet('haproxy', 2), ...secretMetadata(object), ...more];
  return {
    nowMs: NOW_MS,
    cluster: object,
    effective,
    problems: [],
    objects: new Map(objects.map((each) => [objectKey(each.kind, each.metadata.name), each])),
    pods: pods.map((each) => ({ ...each, revision: NEWEST })),
    claims: [],
    operations: [],
    isApplied: true,
    view: view(replicas, 0),
    ...rest,
  };
}

export function statefulSet(component: Component, replicas: number, changes: { readonly generation?: number } = {}): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: names.workload('pg', component), namespace: 'shop', generation: changes.generation ?? 1 },
    spec: { replicas },
    status: { observedGeneration: 1, updateRevision: NEWEST },
  };
}

/** Metadata of every Secret, as the operator would have written it an hour ago. */
export function secretMetadata(object: PatroniClusterObject): readonly Manifest[] {
  return secretPlan(effectiveCluster(object, OPERATOR)).map((plan) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: plan.name,
      namespace: 'shop',
      annotations: { [ANNOTATIONS.subjectHash]: plan.subjectHash, [ANNOTATIONS.caFingerprint]: 'ca', [ANNOTATIONS.notAfter]: '2027-02-01T00:00:00Z' },
    },
  }));
}
