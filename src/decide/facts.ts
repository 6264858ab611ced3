import type { EffectiveCluster } from '../api/effective.ts';
import type { Component } from '../api/meta.ts';
import { names, ordinalOf } from '../api/names.ts';
import type { Manifest, PatroniOperationObject } from '../api/objects.ts';
import type { ClusterMember, ClusterView } from '../patroni/cluster-view.ts';
import { isStreaming, leaderOf } from '../patroni/members.ts';

import { ETCD_KEYS } from '../resources/etcd/config-map.ts';

import { objectKey, type Observed, type PodView } from './observed.ts';

/** An observation whose spec is valid: what every step but deletion and validation works on. */
export type Seen = Observed & { readonly effective: EffectiveCluster };

/**
 * The cluster that the dynamic configuration is computed for. It is one for all members, so it must fit into the smallest pod: while pods with less memory than the spec says still run (a rollout that waits
 * for its window, a new pod that no node can take), a larger shared_buffers would kill those that restart.
 */
export function configuredCluster(seen: Seen): EffectiveCluster {
  const { effective } = seen;
  const smallest = Math.min(effective.postgresMemoryBytes, ...podsOf(seen, 'postgres').filter(({ running }) => running).map(({ memoryBytes }) => memoryBytes ?? effective.postgresMemoryBytes));
  return smallest === effective.postgresMemoryBytes ? effective : { ...effective, postgresMemoryBytes: smallest };
}

interface WorkloadStatus {
  readonly observedGeneration?: number;
  readonly updateRevision?: string;
  readonly readyReplicas?: number;
}

/** The StatefulSet of a component, as cached. */
export function workload(seen: Observed, component: Component): Manifest | undefined {
  return seen.objects.get(objectKey('StatefulSet', names.workload(seen.cluster.metadata.name, component)));
}

/** `spec.replicas` of the live StatefulSet, or undefined when it does not exist. */
export function liveReplicas(seen: Observed, component: Component): number | undefined {
  const spec = workload(seen, component)?.['spec'] as { replicas?: number } | undefined;
  return spec === undefined ? undefined : (spec.replicas ?? 1);
}

export function podsOf(seen: Observed, component: Component): readonly PodView[] {
  return seen.pods.filter((pod) => pod.component === component).sort((a, b) => a.ordinal - b.ordinal);
}

export function readyCount(seen: Observed, component: Component): number {
  return podsOf(seen, component).filter((pod) => pod.ready && !pod.terminating).length;
}

/**
 * Pods that were made from an older template than the StatefulSet now has. Undefined while the StatefulSet controller has not yet looked at the newest template,
 * since then nobody can tell.
 */
export function outdatedPods(seen: Observed, component: Component): readonly PodView[] | undefined {
  const live = workload(seen, component);
  if (live === undefined) return [];
  const status = live['status'] as WorkloadStatus | undefined;
  if (status?.updateRevision === undefined || (status.observedGeneration ?? 0) < (live.metadata.generation ?? 0)) return undefined;
  const revision = status.updateRevision;
  return podsOf(seen, component).filter((pod) => pod.revision !== '' && pod.revision !== revision);
}

/** The member that holds the leader lock according to Patroni. */
export function leader(seen: Observed): ClusterMember | undefined {
  return seen.view === undefined ? undefined : leaderOf(seen.view);
}

/** Members of the wanted ordinals that do what they should: the leader runs, a replica streams from it on its timeline. */
export function healthyMembers(view: ClusterView): readonly ClusterMember[] {
  const lead = leaderOf(view);
  if (lead === undefined) return [];
  return view.members.filter((member) => (member.name === lead.name ? member.state === 'running' : isStreaming(view, member)));
}

/** Why the Postgres members are not all well, in words, or undefined when each of the `wanted` pods is ready and leads or streams. */
export function postgresTrouble(seen: Observed, wanted: number): string | undefined {
  const name = seen.cluster.metadata.name;
  if (seen.view === undefined) return 'no member of Patroni answers';
  if (leader(seen) === undefined) return 'no member holds the leader lock';
  const healthy = new Set(healthyMembers(seen.view).map((member) => member.name));
  for (let ordinal = 0; ordinal < wanted; ordinal += 1) {
    const pod = podsOf(seen, 'postgres').find((candidate) => candidate.ordinal === ordinal);
    const podName = names.pod(name, 'postgres', ordinal);
    if (pod === undefined) return `pod ${podName} does not exist`;
    if (pod.terminating) return `pod ${podName} is terminating`;
    if (!healthy.has(podName)) return `member ${podName} neither leads nor streams from the leader`;
    if (!pod.ready) return `pod ${podName} is not ready`;
  }
  return undefined;
}

/** Why a stateless or etcd component is not whole, in words. */
export function podTrouble(seen: Observed, component: Component, wanted: number): string | undefined {
  const name = seen.cluster.metadata.name;
  for (let ordinal = 0; ordinal < wanted; ordinal += 1) {
    const pod = podsOf(seen, component).find((candidate) => candidate.ordinal === ordinal);
    const podName = names.pod(name, component, ordinal);
    if (pod === undefined) return `pod ${podName} does not exist`;
    if (pod.terminating) return `pod ${podName} is terminating`;
    if (!pod.ready) return `pod ${podName} is not ready`;
  }
  return undefined;
}

const FINISHED = new Set(['Succeeded', 'Failed', 'Rejected']);

export function isFinished(operation: PatroniOperationObject): boolean {
  return FINISHED.has(operation.status?.phase ?? 'Pending');
}

/** The operation that is under way: the oldest that is not finished. Only one runs at a time. */
export function activeOperation(seen: Observed): PatroniOperationObject | undefined {
  return seen.operations.filter((operation) => !isFinished(operation)).sort(byAge)[0];
}

/** Oldest first. Kubernetes tells ages in whole seconds; of two from one second the one that ended first was first, since only one runs at a time. */
export function byAge(a: PatroniOperationObject, b: PatroniOperationObject): number {
  const [first, second] = [ageOf(a), ageOf(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function ageOf(operation: PatroniOperationObject): string {
  const { metadata, status } = operation;
  return [metadata.creationTimestamp, isFinished(operation) ? status?.finishedAt : 'unfinished', metadata.name].join(' ');
}

/** The latest operation that a person asked for, by annotation or by an object of their own. */
export function latestRequested(observed: Observed): PatroniOperationObject | undefined {
  return observed.operations.filter(({ spec }) => spec.requestedBy === 'Annotation' || spec.requestedBy === 'User').sort(byAge).at(-1);
}

/** Ordinal of a Patroni member (its name is its pod's), or undefined for a name that is none of ours. */
export function memberOrdinal(seen: Observed, member: string): number | undefined {
  return ordinalOf(seen.cluster.metadata.name, 'postgres', member);
}

/**
 * Whether etcd has formed once. Sources, any of which latches: the status, the ConfigMap that outlives it, an etcd pod that is ready (readiness is a linearizable read,
 * so a quorum exists), and volumes older than the resource although the ConfigMap is gone: etcd then holds data from before, and a member that starts anew would be a
 * second cluster. (Older than the resource, because a cache may show our new volumes before our new ConfigMap.)
 */
export function etcdFormed(seen: Observed): boolean {
  if (seen.cluster.status?.etcd?.formed === true) return true;
  const latch = seen.objects.get(objectKey('ConfigMap', names.etcdConfigMap(seen.cluster.metadata.name)));
  const data = latch?.['data'] as Record<string, string> | undefined;
  if (data?.[ETCD_KEYS.state] === 'existing') return true;
  if (readyCount(seen, 'etcd') > 0) return true;
  const created = seen.cluster.metadata.creationTimestamp;
  return latch === undefined && created !== undefined && seen.claims.some((claim) => claim.component === 'etcd' && claim.createdAt < created);
}
