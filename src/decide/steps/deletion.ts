import { FINALIZER } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import type { Action, Move } from '../actions.ts';
import { workload } from '../facts.ts';
import { objectKey, type Observed } from '../observed.ts';

/** ConfigMaps without an owner. */
const RETAINED_CONFIG_MAPS = [names.etcdConfigMap, names.ownedKeysConfigMap];

/**
 * Takes a deleted cluster apart: first Postgres and HAProxy, so that the leader shuts down cleanly while etcd still answers, then etcd, then — only with
 * `deletionPolicy: Delete` — volumes, Secrets, the etcd latch and the list of owned keys, at last the finalizer. What has an owner reference goes with the resource. Needs no valid spec.
 */
export function deletion(seen: Observed): Move {
  const { metadata, spec } = seen.cluster;
  if (metadata.finalizers?.includes(FINALIZER) !== true) return { actions: [], progress: { reason: 'Deleting', message: 'Waiting for other finalizers.' } };
  for (const components of [['postgres', 'haproxy'], ['etcd']] as const) {
    const workloads = components.map((component) => workload(seen, component)).filter((manifest) => manifest !== undefined);
    const pods = seen.pods.filter((pod) => components.some((component) => component === pod.component));
    if (workloads.length + pods.length > 0) {
      return {
        actions: workloads.filter((manifest) => manifest.metadata.deletionTimestamp === undefined).map((manifest) => ({ kind: 'deleteObject', manifest })),
        progress: { reason: 'Deleting', message: `Stopping ${components.join(' and ')}.` },
      };
    }
  }
  const keep = (spec.deletionPolicy as string | undefined) !== 'Delete';
  const removals: Action[] = keep
    ? []
    : [
        ...seen.claims.map((claim): Action => ({ kind: 'deleteClaim', claim: claim.name })),
        ...[...seen.objects]
          .filter(([key, manifest]) => manifest.kind === 'Secret' || RETAINED_CONFIG_MAPS.some((nameOf) => key === objectKey('ConfigMap', nameOf(metadata.name))))
          .map(([, manifest]): Action => ({ kind: 'deleteObject', manifest })),
      ];
  return { actions: [...removals, { kind: 'removeFinalizer' }], progress: { reason: 'Deleting', message: 'Removing what is left.' } };
}
