import { describe, expect, test } from '@jest/globals';

import { ANNOTATIONS } from '../api/meta.ts';
import { names } from '../api/names.ts';
import type { Manifest, PatroniClusterObject } from '../api/objects.ts';
import { cluster, member, NOW_MS, operation, OPERATOR, pod, view } from '../../test/support/model/cluster.ts';
import { effectiveCluster, type EffectiveCluster } from '../api/effective.ts';
import { wantedDynamicConfig } from '../config/dynamic-config.ts';
import { secretPlan } from '../resources/secrets.ts';

import type { Action } from './actions.ts';
import { decide } from './decide.ts';
import { objectKey, type Observed } from './observed.ts';

/** A healthy 3 + 3 + 2 cluster led by member 0 whose objects are all as wanted. */
function healthy(changes: { spec?: Record<string, unknown>; metadata?: Partial<PatroniClusterObject['metadata']>; replicas?: number; outdated?: readonly string[] } & Partial<Omit<Observed, 'cluster'>> = {}): Observed {
  const { spec = {}, metadata = {}, replicas = 3, outdated = [], ...rest } = changes;
  const object: PatroniClusterObject = {
    ...cluster(spec, metadata),
    status: { leader: 'pg-postgres-0', systemIdentifier: '7', application: { database: 'app', owner: 'app' }, etcd: { formed: true } },
  };
  const statefulSet = (component: 'postgres' | 'etcd' | 'haproxy', count: number): [string, Manifest] => {
    const name = names.workload('pg', component);
    return [
      objectKey('StatefulSet', name),
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'shop', generation: 1 }, spec: { replicas: count }, status: { observedGeneration: 1, updateRevision: 'r2' } },
    ];
  };
  const pods = [0, 1, 2].slice(0, replicas).map((n) => pod('postgres', n));
  const all = [...pods, ...[0, 1, 2].map((n) => pod('etcd', n)), ...[0, 1].map((n) => pod('haproxy', n))];
  return {
    nowMs: NOW_MS,
    cluster: object,
    effective: effectiveCluster(object, OPERATOR),
    problems: [],
    objects: new Map([statefulSet('postgres', replicas), statefulSet('etcd', 3), statefulSet('haproxy', 2), ...secrets(object)]),
    pods: all.map((each) => ({ ...each, revision: outdated.includes(each.name) ? 'r1' : 'r2' })),
    claims: [],
    operations: [],
    isApplied: true,
    view: view(replicas, 0),
    ...rest,
  };
}

/** Metadata of every Secret, as the operator would have written it an hour ago. */
function secrets(object: PatroniClusterObject): [string, Manifest][] {
  return secretPlan(effectiveCluster(object, OPERATOR)).map((plan) => [
    objectKey('Secret', plan.name),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: plan.name, namespace: 'shop', annotations: { [ANNOTATIONS.subjectHash]: plan.subjectHash, [ANNOTATIONS.caFingerprint]: 'ca', [ANNOTATIONS.notAfter]: '2027-02-01T00:00:00Z' } },
    },
  ]);
}

const DISRUPTIVE = new Set<Action['kind']>(['deletePod', 'requestSwitchover']);
const interesting = new Set<Action['kind']>(['deletePod', 'requestSwitchover', 'createOperation', 'updateOperation', 'acceptSwitchoverAnnotation', 'rejectSwitchoverAnnotation', 'removeSwitchoverAnnotation', 'patchDynamicConfig', 'ensureApplicationDatabase', 'deleteClaim', 'deleteObject', 'removeFinalizer']);

function steps(observed: Observed) {
  return decide(observed)
    .actions.filter((action) => interesting.has(action.kind))
    .map((action) => (action.kind === 'deletePod' ? `deletePod ${action.pod}` : action.kind === 'createOperation' ? `createOperation ${action.requestedBy} ${action.target}` : action.kind));
}

function condition(observed: Observed, type: string) {
  return decide(observed).status.conditions?.find((each) => each.type === type);
}

describe('a healthy cluster', () => {
  test('is Ready, settled, and interrupts nothing', () => {
    const seen = healthy();
    expect(steps(seen)).toEqual([]);
    expect(condition(seen, 'Ready')).toMatchObject({ status: 'True', reason: 'AllMembersStreaming' });
    expect(condition(seen, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Settled' });
    expect(decide(seen).status).toMatchObject({ leader: 'pg-postgres-0', ready: '3/3', readyReplicas: 3, phase: 'Running' });
  });

  test('gives the same status twice, so that nothing is written', () => {
    const first = decide(healthy());
    const again = healthy();
    const second = decide({ ...again, cluster: { ...again.cluster, status: first.status }, nowMs: NOW_MS + 3_600_000 });
    expect(second.status).toEqual(first.status);
  });

  test('is not Ready while a replica does not stream, even if its pod is ready', () => {
    const lagging = view(3, 0);
    const seen = healthy({ view: { ...lagging, members: lagging.members.map((each) => (each.name === 'pg-postgres-2' ? member(2, { state: 'running' }) : each)) } });
    expect(condition(seen, 'Ready')).toMatchObject({ status: 'False', reason: 'MembersMissing' });
    expect(condition(seen, 'Ready')?.message).toContain('pg-postgres-2');
  });
});

describe('an incomplete observation', () => {
  test('restarts nothing when no member answers, and says so', () => {
    const { view: _unseen, ...blind } = healthy({ outdated: ['pg-postgres-1', 'pg-postgres-2'] });
    expect(steps(blind)).toEqual([]);
    expect(condition(blind, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'ObservationIncomplete' });
  });

  test('holds a scale-down when no member answers', () => {
    const { view: _unseen, ...blind } = healthy({ spec: { postgres: { replicas: 1 } }, isApplied: false });
    const apply = decide(blind).actions.find((action) => action.kind === 'apply' && action.manifest.metadata.name === 'pg-postgres' && action.manifest.kind === 'StatefulSet');
    expect(apply).toMatchObject({ manifest: { spec: { replicas: 3 } } });
  });

  test('waits with a rollout until Kubernetes has judged the newest template', () => {
    const seen = healthy({ outdated: ['pg-postgres-1'] });
    const key = objectKey('StatefulSet', 'pg-postgres');
    const stale = seen.objects.get(key)!;
    const objects = new Map(seen.objects).set(key, { ...stale, metadata: { ...stale.metadata, generation: 2 } });
    expect(steps({ ...seen, objects })).toEqual([]);
  });
});

describe('a rolling restart', () => {
  test('restarts the highest replica first, one at a time', () => {
    expect(steps(healthy({ outdated: ['pg-postgres-0', 'pg-postgres-1', 'pg-postgres-2'] }))).toEqual(['deletePod pg-postgres-2']);
  });

  test('hands over before it restarts the leader', () => {
    expect(steps(healthy({ outdated: ['pg-postgres-0'] }))).toEqual(['createOperation Rollout pg-postgres-1']);
  });

  test('restarts a lone leader, for there is nobody to hand over to', () => {
    expect(steps(healthy({ spec: { postgres: { replicas: 1 } }, replicas: 1, outdated: ['pg-postgres-0'] }))).toEqual(['deletePod pg-postgres-0']);
  });

  test('waits while another member is unwell', () => {
    const seen = healthy({ outdated: ['pg-postgres-1'] });
    const sick = { ...seen, pods: seen.pods.map((each) => (each.name === 'pg-postgres-2' ? { ...each, ready: false } : each)) };
    expect(steps(sick)).toEqual([]);
    expect(condition(sick, 'Progressing')?.message).toContain('pg-postgres-2');
  });

  test('waits while etcd lacks a member', () => {
    const seen = healthy({ outdated: ['pg-postgres-1'] });
    expect(steps({ ...seen, pods: seen.pods.filter((each) => each.name !== 'pg-etcd-1') })).toEqual([]);
  });

  test('waits while Patroni is paused', () => {
    expect(steps(healthy({ outdated: ['pg-postgres-1'], view: view(3, 0, { paused: true }) }))).toEqual([]);
  });

  test('replaces a pod that does not run at once, since that may be the cure', () => {
    const seen = healthy({ outdated: ['pg-postgres-2'] });
    const stuck = seen.pods.map((each) => (each.name === 'pg-postgres-2' ? { ...each, ready: false, running: false, waiting: { reason: 'ImagePullBackOff', message: '' } } : each));
    const trouble = view(3, 0);
    expect(steps({ ...seen, pods: stuck, view: { ...trouble, members: trouble.members.slice(0, 2) } })).toEqual(['deletePod pg-postgres-2']);
  });

  test('finishes with a replica that is outdated and not ready', () => {
    const seen = healthy({ outdated: ['pg-postgres-2'] });
    expect(steps({ ...seen, pods: seen.pods.map((each) => (each.name === 'pg-postgres-2' ? { ...each, ready: false } : each)) })).toEqual(['deletePod pg-postgres-2']);
  });

  test('restarts etcd before Postgres', () => {
    expect(steps(healthy({ outdated: ['pg-etcd-0', 'pg-postgres-1'] }))).toEqual(['deletePod pg-etcd-0']);
  });
});

describe('scaling down', () => {
  test('hands over first when the leader is among those that go', () => {
    const seen = healthy({ spec: { postgres: { replicas: 1 } }, view: view(3, 2) });
    expect(steps(seen)).toEqual(['createOperation ScaleDown pg-postgres-0']);
  });

  test('shrinks the StatefulSet when the leader stays', () => {
    const seen = healthy({ spec: { postgres: { replicas: 1 } }, isApplied: false });
    const apply = decide(seen).actions.find((action) => action.kind === 'apply' && action.manifest.metadata.name === 'pg-postgres' && action.manifest.kind === 'StatefulSet');
    expect(apply).toMatchObject({ manifest: { spec: { replicas: 1 } } });
  });

  test('drops the slot of a member only after its pod has gone', () => {
    const slots = Object.fromEntries([0, 1, 2].map((n) => [`pg_postgres_${n}`, { type: 'physical' }]));
    const leaving = healthy({ spec: { postgres: { replicas: 2 } }, dynamicConfig: { ...wantedDynamicConfig(healthy().effective as EffectiveCluster), slots } });
    expect(decide(leaving).actions.filter((action) => action.kind === 'patchDynamicConfig')).toEqual([]);
    const gone = healthy({ spec: { postgres: { replicas: 2 } }, replicas: 2, dynamicConfig: { ...wantedDynamicConfig(healthy().effective as EffectiveCluster), slots } });
    expect(decide(gone).actions.filter((action) => action.kind === 'patchDynamicConfig')).toEqual([
      { kind: 'patchDynamicConfig', patch: { slots: { pg_postgres_2: null } }, message: 'Removed: slots.pg_postgres_2.' },
    ]);
  });
});

describe('a switchover', () => {
  const annotated = (value: string) => ({ metadata: { annotations: { [ANNOTATIONS.switchover]: value } } });

  test('is accepted from the annotation, and nothing is asked of Patroni in that pass', () => {
    expect(steps(healthy(annotated('pg-postgres-1')))).toEqual(['acceptSwitchoverAnnotation']);
  });

  test('is not started while the annotation is still there', () => {
    expect(steps(healthy({ ...annotated('pg-postgres-1'), operations: [operation('op', { target: 'pg-postgres-1' })] }))).toEqual(['removeSwitchoverAnnotation']);
  });

  test('is started once the annotation has gone, with the record written first', () => {
    const actions = decide(healthy({ operations: [operation('op', { target: 'pg-postgres-1' })] })).actions.filter((action) => DISRUPTIVE.has(action.kind));
    expect(actions).toMatchObject([{ kind: 'requestSwitchover', leader: 'pg-postgres-0', candidate: 'pg-postgres-1', status: { phase: 'Running', leaderBefore: 'pg-postgres-0', timelineBefore: 1 } }]);
  });

  test('refuses a second request while one runs', () => {
    const running = operation('op', { target: 'pg-postgres-1', status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: '2026-11-23T11:59:59Z' } });
    expect(steps(healthy({ ...annotated('pg-postgres-2'), operations: [running] }))).toEqual(['rejectSwitchoverAnnotation']);
  });

  test.each([
    ['pg-postgres-9', 'TargetUnknown'],
    ['pg-postgres-0', 'TargetIsLeader'],
    ['Not A Name', 'InvalidTarget'],
  ])('is rejected for %s as %s, and nobody is asked', (target, reason) => {
    const { actions } = decide(healthy({ operations: [operation('op', { target })] }));
    expect(actions.filter((action) => DISRUPTIVE.has(action.kind))).toEqual([]);
    expect(actions).toContainEqual(expect.objectContaining({ kind: 'updateOperation', status: expect.objectContaining({ phase: 'Rejected', reason }) }));
  });

  test('asks again after a crash between the record and the request, since leader and timeline are unchanged', () => {
    const running = operation('op', { target: 'pg-postgres-1', status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: '2026-11-23T11:59:59Z' } });
    expect(steps(healthy({ operations: [running] }))).toEqual(['requestSwitchover']);
  });

  test('has succeeded when the target leads on a new timeline and the old leader streams from it', () => {
    const running = operation('op', { target: 'pg-postgres-1', status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: '2026-11-23T11:59:59Z' } });
    const after = view(3, 1);
    const seen = healthy({ operations: [running], view: { ...after, members: after.members.map((each) => ({ ...each, timeline: 2 })) } });
    expect(decide(seen).actions).toContainEqual(expect.objectContaining({ kind: 'updateOperation', status: expect.objectContaining({ phase: 'Succeeded', leaderAfter: 'pg-postgres-1', timelineAfter: 2 }) }));
  });

  test('reports another winner as such', () => {
    const running = operation('op', { target: 'pg-postgres-1', status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: '2026-11-23T11:59:59Z' } });
    const after = view(3, 2);
    const seen = healthy({ operations: [running], view: { ...after, members: after.members.map((each) => ({ ...each, timeline: 2 })) } });
    expect(decide(seen).actions).toContainEqual(expect.objectContaining({ kind: 'updateOperation', status: expect.objectContaining({ phase: 'Failed', reason: 'LeaderIsAnotherMember' }) }));
  });

  test('keeps a rollout waiting', () => {
    const running = operation('op', { target: 'pg-postgres-1', status: { phase: 'Running', candidate: 'pg-postgres-1', leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt: '2026-11-23T11:59:59Z' } });
    expect(steps(healthy({ outdated: ['pg-postgres-2'], operations: [running] }))).toEqual(['requestSwitchover']);
  });
});

describe('deletion', () => {
  const deleted = { metadata: { deletionTimestamp: '2026-11-23T12:00:00Z' } };

  test('stops Postgres and HAProxy before etcd', () => {
    const { actions } = decide(healthy(deleted));
    expect(actions.map((action) => (action.kind === 'deleteObject' ? action.manifest.metadata.name : action.kind))).toEqual(['pg-postgres', 'pg-haproxy']);
  });

  test('keeps volumes and Secrets under Retain', () => {
    const seen = { ...healthy(deleted), objects: new Map(), pods: [], claims: [{ name: 'data-pg-postgres-0', component: 'postgres', requestBytes: 1, createdAt: '' }] };
    expect(steps(seen)).toEqual(['removeFinalizer']);
  });

  test('removes volumes and Secrets under Delete, before the finalizer', () => {
    const secret: Manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pg-ca', namespace: 'shop' } };
    const seen = { ...healthy({ ...deleted, spec: { deletionPolicy: 'Delete' } }), objects: new Map([[objectKey('Secret', 'pg-ca'), secret]]), pods: [], claims: [{ name: 'data-pg-postgres-0', component: 'postgres', requestBytes: 1, createdAt: '' }] };
    expect(steps(seen)).toEqual(['deleteClaim', 'deleteObject', 'removeFinalizer']);
  });
});

describe('a lost Secret', () => {
  const without = (seen: Observed, name: string): Observed => ({ ...seen, objects: new Map([...seen.objects].filter(([key]) => key !== objectKey('Secret', name))) });

  test.each(['pg-ca', 'pg-superuser', 'pg-rewind', 'pg-restapi', 'pg-app'])('%s is reported and never generated anew', (name) => {
    const seen = without(healthy(), name);
    expect(decide(seen).actions.filter((action) => action.kind === 'createSecret' || action.kind === 'issueLeaf')).toEqual([]);
    expect(condition(seen, 'Stalled')).toMatchObject({ status: 'True', reason: 'SecretMissing' });
    expect(condition(seen, 'Stalled')?.message).toContain(name);
  });

  test('with a leaf certificate is issued again', () => {
    const seen = without(healthy(), 'pg-patroni-rest-tls');
    expect(decide(seen).actions).toContainEqual(expect.objectContaining({ kind: 'issueLeaf', plan: expect.objectContaining({ name: 'pg-patroni-rest-tls' }) }));
  });

  test('of the superuser is not generated over volumes that were kept', () => {
    const claims = [{ name: 'data-pg-postgres-0', component: 'postgres', requestBytes: 1, createdAt: '2026-11-22T11:00:01Z' }];
    const seen: Observed = { ...without(healthy({ claims }), 'pg-superuser'), cluster: cluster() };
    expect(condition(seen, 'Stalled')).toMatchObject({ reason: 'SecretMissing' });
  });
});

describe('renewed certificates', () => {
  // The Secrets of the model expire on 1 February 2027 and live 90 days: they were issued on 3 November 2026.
  const old = (seen: Observed, changes: Record<string, unknown> = {}): Observed => ({
    ...seen,
    pods: seen.pods.map((each) => ({ ...each, createdAt: '2026-11-01T00:00:00Z', ...(each.component === 'postgres' ? changes : {}) })),
  });
  const reloads = (seen: Observed) => decide(seen).actions.filter((action) => action.kind === 'reloadCertificates');

  test('are loaded by members that started before they were issued', () => {
    expect(reloads(old(healthy())).map((action) => action.member)).toEqual(['pg-postgres-0', 'pg-postgres-1', 'pg-postgres-2']);
  });

  test('are not loaded again by members that were told already', () => {
    const [first] = reloads(old(healthy()));
    expect(reloads(old(healthy(), { annotations: { [ANNOTATIONS.certificates]: first!.certificates } }))).toEqual([]);
  });

  test('cause nothing for members that are younger', () => {
    expect(reloads(healthy())).toEqual([]);
  });

  test('are not loaded before the kubelet must have brought them', () => {
    expect(reloads({ ...old(healthy()), nowMs: Date.parse('2026-11-03T00:01:00Z') })).toEqual([]);
  });
});

test('an invalid spec changes nothing and names the field', () => {
  const { effective: _dropped, ...seen } = healthy({ problems: [{ code: 'ERR_SPEC_ETCD_EVEN', path: 'spec.etcd.replicas', message: 'must be odd' }] });
  expect(decide(seen).actions).toEqual([]);
  expect(condition(seen, 'SpecValid')).toMatchObject({ status: 'False', reason: 'Invalid', message: 'spec.etcd.replicas: must be odd' });
  expect(condition(seen, 'Stalled')).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
});

test('etcd is not taken for formed because our new volumes are seen before our new ConfigMap', () => {
  const fresh = cluster();
  const seen: Observed = { ...healthy(), cluster: fresh, objects: new Map(), pods: [], claims: [{ name: 'data-pg-etcd-0', component: 'etcd', requestBytes: 1, createdAt: '2026-11-23T11:00:01Z' }], isApplied: false };
  const { view: _unseen, ...blind } = seen;
  const latch = decide(blind).actions.find((action) => action.kind === 'apply' && action.manifest.metadata.name === 'pg-etcd' && action.manifest.kind === 'ConfigMap');
  expect(latch).toMatchObject({ manifest: { data: { 'initial-cluster-state': 'new' } } });
});

test('etcd counts as formed when volumes are older than the resource and the latch is gone', () => {
  const seen: Observed = { ...healthy(), cluster: cluster(), objects: new Map(), pods: [], claims: [{ name: 'data-pg-etcd-0', component: 'etcd', requestBytes: 1, createdAt: '2026-11-22T11:00:01Z' }], isApplied: false };
  const { view: _unseen, ...blind } = seen;
  const latch = decide(blind).actions.find((action) => action.kind === 'apply' && action.manifest.metadata.name === 'pg-etcd' && action.manifest.kind === 'ConfigMap');
  expect(latch).toMatchObject({ manifest: { data: { 'initial-cluster-state': 'existing' } } });
});
