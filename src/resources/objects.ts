import type { EffectiveCluster } from '../api/effective.ts';
import type { Manifest } from '../api/objects.ts';
import { disruptionBudget } from './common/disruption-budget.ts';
import { etcdConfigMap } from './etcd/config-map.ts';
import { etcdNetworkPolicy } from './etcd/network-policy.ts';
import { etcdServices } from './etcd/services.ts';
import { etcdStatefulSet } from './etcd/stateful-set.ts';
import { haproxyConfigMap } from './haproxy/config-map.ts';
import { haproxyNetworkPolicy } from './haproxy/network-policy.ts';
import { haproxyServices } from './haproxy/services.ts';
import { haproxyStatefulSet } from './haproxy/stateful-set.ts';
import { patroniConfigMap } from './postgres/config-map.ts';
import { postgresNetworkPolicy } from './postgres/network-policy.ts';
import { postgresServices } from './postgres/services.ts';
import { postgresStatefulSet } from './postgres/stateful-set.ts';

/** What the objects depend on beyond the spec. */
export interface ObjectFacts {
  /** Members the StatefulSet shall have now; the planner holds it above the spec until a leader has moved away from the pods that go. */
  readonly postgresReplicas: number;
  /** Whether etcd has formed once in the life of the cluster. */
  readonly etcdFormed: boolean;
  /** Sizes in the claim templates of existing StatefulSets: they cannot change, grown volumes are patched claim by claim. */
  readonly claimSizes?: { readonly postgres?: string; readonly etcd?: string };
}

/** Every object of the cluster except Secrets, in the order in which to apply them. */
export function clusterObjects(c: EffectiveCluster, facts: ObjectFacts): readonly Manifest[] {
  const { enabled: haproxy } = c.spec.haproxy;
  const { enabled: policies } = c.spec.networkPolicy;
  const members = servedMembers(c, facts.postgresReplicas);
  return [
    patroniConfigMap(c),
    etcdConfigMap(c, facts.etcdFormed),
    ...(haproxy ? [haproxyConfigMap(c, members)] : []),

    ...etcdServices(c),
    ...postgresServices(c, members),
    ...(haproxy ? haproxyServices(c) : []),

    disruptionBudget(c, 'etcd'),
    disruptionBudget(c, 'postgres'),
    ...(haproxy ? [disruptionBudget(c, 'haproxy')] : []),

    ...(policies ? [etcdNetworkPolicy(c), postgresNetworkPolicy(c)] : []),
    ...(policies && haproxy ? [haproxyNetworkPolicy(c)] : []),

    etcdStatefulSet(c, facts.claimSizes?.etcd),
    postgresStatefulSet(c, facts.postgresReplicas, facts.claimSizes?.postgres),
    ...(haproxy ? [haproxyStatefulSet(c)] : []),
  ];
}

/** Members HAProxy knows: those that are there while scaling down, those to come while scaling up. */
function servedMembers(c: EffectiveCluster, postgresReplicas: number): number {
  return Math.max(c.spec.postgres.replicas, postgresReplicas);
}
