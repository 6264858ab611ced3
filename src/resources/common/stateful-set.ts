import type { EffectiveCluster } from '../../api/effective.ts';
import type { Component } from '../../api/meta.ts';
import { names, selector } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from './metadata.ts';

export interface StatefulSetParts {
  readonly component: Component;
  readonly replicas: number;
  readonly template: Readonly<Record<string, unknown>>;
  readonly volumeClaimTemplates?: readonly Readonly<Record<string, unknown>>[];
}

/**
 * `Parallel`, because ordered start deadlocks as soon as one ordinal waits for another (etcd's quorum, a replica for its leader).
 * `OnDelete`, because the operator chooses which pod restarts and when. Claims are always kept: the operator's finalizer deletes them when asked to.
 */
export function statefulSet(c: EffectiveCluster, parts: StatefulSetParts): Manifest {
  const { component, replicas, template, volumeClaimTemplates } = parts;
  const name = names.workload(c.name, component);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(c, name, { component }),
    spec: {
      serviceName: name,
      replicas,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: selector(c.name, component) },
      template,
      ...(volumeClaimTemplates === undefined
        ? {}
        : { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' }, volumeClaimTemplates }),
    },
  };
}
