import { CLUSTER_LABEL } from '../../api/meta.ts';
import type { Manifest } from '../../api/objects.ts';
import type { CacheReader } from '../../kube/cache.ts';
import { createInformer, type Informer, type InformerOptions } from '../../kube/informer.ts';
import { trimPod } from '../../kube/trim.ts';
import { KINDS, type KubeObject } from '../../kube/types.ts';

import { CHILD_KINDS, type ChildKind, type ClusterCache } from './ports.ts';
import { keyOfChild } from './register.ts';

type Common = Pick<InformerOptions<KubeObject>, 'namespaces' | 'rest' | 'logger' | 'clock' | 'random' | 'metrics'>;

/** Everything the controller watches, and the cache it reads. */
export interface ClusterInformers {
  readonly cache: ClusterCache;
  start(): void;
  hasSynced(): boolean;
  /** Calls `handler` with the queue key of whatever changes. */
  onKey(handler: (key: string) => void): void;
  stop(): Promise<void>;
}

/** Kinds that are read seldom, or of which there are many, kept as text (see `CacheOptions.packed`): there are about twenty Secrets and claims of one cluster. */
const PACKED: ReadonlySet<ChildKind> = new Set(['Service', 'ConfigMap', 'StatefulSet', 'PodDisruptionBudget', 'NetworkPolicy', 'Secret', 'PersistentVolumeClaim']);
const BY_CLUSTER = 'cluster';

export function createClusterInformers(common: Common): ClusterInformers {
  const index = { [BY_CLUSTER]: (object: KubeObject) => [keyOfChild(object) ?? ''] };
  const clusters = createInformer({ ...common, kind: KINDS.PatroniCluster, transform: withoutManagedFields });
  const children = new Map<ChildKind, Informer<KubeObject>>(
    CHILD_KINDS.map((kind) => [
      kind,
      createInformer({
        ...common,
        kind: KINDS[kind],
        indexes: index,
        packed: PACKED.has(kind),
        metadataOnly: kind === 'Secret',
        // A person may create an operation without our label.
        ...(kind === 'PatroniOperation' ? {} : { labelSelector: CLUSTER_LABEL }),
        ...(kind === 'Pod' ? { transform: trimPod } : {}),
      }),
    ]),
  );
  const all = [clusters, ...children.values()];
  const of = (kind: ChildKind): CacheReader<KubeObject> => children.get(kind) as Informer<KubeObject>;
  return {
    cache: {
      cluster: (namespace, name) => clusters.get(namespace, name) as unknown as Manifest | undefined,
      clusterCount: () => clusters.size(),
      children: (kind, namespace, cluster) => of(kind).byIndex(BY_CLUSTER, `${namespace}/${cluster}`) as unknown as readonly Manifest[],
      versions: (kind, namespace, cluster) => of(kind).versionsByIndex(BY_CLUSTER, `${namespace}/${cluster}`),
      child: (kind, namespace, name) => of(kind).get(namespace, name) as unknown as Manifest | undefined,
    },
    start: () => all.forEach((informer) => informer.start()),
    hasSynced: () => all.every((informer) => informer.hasSynced()),
    onKey: (handler) => {
      clusters.onEvent(({ object }) => handler(`${object.metadata.namespace ?? ''}/${object.metadata.name}`));
      for (const informer of children.values()) {
        informer.onEvent(({ object }) => {
          const key = keyOfChild(object);
          if (key !== undefined) handler(key);
        });
      }
    },
    stop: async () => {
      await Promise.all(all.map((informer) => informer.stop()));
    },
  };
}

/** Not `trimObject`: the validator reads kubectl's copy of the manifest, to find fields that the API server dropped in silence. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
}
