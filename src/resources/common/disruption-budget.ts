import type { EffectiveCluster } from '../../api/effective.ts';
import type { Component } from '../../api/meta.ts';
import { names, selector } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from './metadata.ts';

/**
 * At most one pod of a component may be evicted at a time. A single member may be evicted too: a budget that never allows it would block every node drain for ever.
 * Stateful members that are not ready still count (`IfHealthyBudget`), so that a drain cannot take several while they recover; HAProxy has nothing to lose.
 */
export function disruptionBudget(c: EffectiveCluster, component: Component): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(c, names.workload(c.name, component), { component }),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: component === 'haproxy' ? 'AlwaysAllow' : 'IfHealthyBudget',
      selector: { matchLabels: selector(c.name, component) },
    },
  };
}
