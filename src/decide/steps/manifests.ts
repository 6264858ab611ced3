import { clusterObjects } from '../../resources/objects.ts';
import type { Manifest } from '../../api/objects.ts';
import { CLUSTER_LABEL } from '../../api/meta.ts';
import { names, ordinalOf } from '../../api/names.ts';
import { NOTHING, type Action, type Move } from '../actions.ts';
import { etcdFormed, workload, type Seen } from '../facts.ts';
import { objectKey } from '../observed.ts';

/** Kinds of which the operator removes what it made once and no longer wants (HAProxy turned off, NetworkPolicies turned off). */
const PRUNED = new Set(['StatefulSet', 'Service', 'ConfigMap', 'PodDisruptionBudget', 'NetworkPolicy']);

/** Everything that can be applied at any time without interrupting anybody: StatefulSets are `OnDelete`, so a new template waits for the rollout step. */
export function manifests(seen: Seen, postgresReplicas: number): Move {
  if (seen.isApplied && postgresReplicas === seen.effective.spec.postgres.replicas) return NOTHING;
  const wanted = clusterObjects(seen.effective, { postgresReplicas, etcdFormed: etcdFormed(seen), claimSizes: claimSizes(seen) });
  const keys = new Set(wanted.map((manifest) => objectKey(manifest.kind, manifest.metadata.name)));
  const applies = wanted.map((manifest): Action => ({ kind: 'apply', manifest }));
  const removals = [...seen.objects]
    .filter(([key, live]) => PRUNED.has(live.kind) && !keys.has(key) && !isAddressOfMember(seen, live) && live.metadata.name !== names.ownedKeysConfigMap(seen.effective.name) && isOurs(seen, live) && live.metadata.deletionTimestamp === undefined)
    .map(([, manifest]): Action => ({ kind: 'deleteObject', manifest }));
  return { actions: [...applies, ...removals] };
}

/**
 * The Service of a member that was scaled away stays, so that the member has its old address when it comes back: Patroni remembers what a name resolved to for ten minutes, and
 * the leader would refuse to hand over to a member it looks for at the address of a Service that is gone (seen: "no good candidates have been found").
 */
function isAddressOfMember(seen: Seen, live: Manifest): boolean {
  return live.kind === 'Service' && ordinalOf(seen.effective.name, 'postgres', live.metadata.name) !== undefined;
}

/** Only what this very resource owns is pruned: an object somebody labelled by hand, or one of a namesake that was deleted, is left alone. */
function isOurs(seen: Seen, live: Manifest): boolean {
  return live.metadata.labels?.[CLUSTER_LABEL] === seen.effective.name && live.metadata.ownerReferences?.some((owner) => owner.uid === seen.effective.uid) === true;
}

/** Sizes in the claim templates of the live StatefulSets: the API server refuses to change them, volumes grow through their claims (`steps/volumes.ts`). */
function claimSizes(seen: Seen): { postgres?: string; etcd?: string } {
  const sizeOf = (component: 'postgres' | 'etcd') => {
    const spec = workload(seen, component)?.['spec'] as { volumeClaimTemplates?: readonly { spec?: { resources?: { requests?: { storage?: string } } } }[] } | undefined;
    const size = spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
    return size === undefined ? {} : { [component]: size };
  };
  return { ...sizeOf('postgres'), ...sizeOf('etcd') };
}
