import { type EffectiveCluster, ETCD_PEER_PORT } from '../../api/effective.ts';
import { names, podFqdn } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { parseQuantity } from '../../lib/quantity.ts';
import { metadata } from '../common/metadata.ts';

/** Keys of the ConfigMap. Containers read them at start, so a change never touches the pod template. */
export const ETCD_KEYS = {
  cluster: 'initial-cluster',
  state: 'initial-cluster-state',
  token: 'initial-cluster-token',
  quota: 'quota-backend-bytes',
} as const;

/** etcd's own default, and the most it takes here: Patroni stores a few kilobytes. */
const MAX_QUOTA_BYTES = 2 * 1024 ** 3;

/**
 * `<name>-etcd`, which is also the latch of the cluster's formation. The state is `new` until etcd has formed once and `existing` for ever after: a member that
 * starts with `new` on an empty volume would found a second cluster, and Patroni would take the empty key space for a cluster to initialise.
 * It has no owner: kept volumes hold a formed cluster, whatever happens to the PatroniCluster.
 */
export function etcdConfigMap(c: EffectiveCluster, formed: boolean): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(c, names.etcdConfigMap(c.name), { component: 'etcd', retained: true }),
    data: {
      [ETCD_KEYS.cluster]: initialCluster(c),
      [ETCD_KEYS.state]: formed ? 'existing' : 'new',
      // Keeps members of different clusters apart. Matters at the first formation only, so it need not differ between two lives of one name.
      [ETCD_KEYS.token]: `${c.namespace}-${c.name}`,
      // Half the volume: WAL segments and a snapshot received from the leader need the rest.
      [ETCD_KEYS.quota]: String(Math.floor(Math.min((parseQuantity(c.spec.etcd.storage.size) ?? 0) / 2, MAX_QUOTA_BYTES))),
    },
  };
}

function initialCluster(c: EffectiveCluster): string {
  const member = (ordinal: number) =>
    `${names.pod(c.name, 'etcd', ordinal)}=https://${podFqdn(c.name, c.namespace, 'etcd', ordinal, c.clusterDomain)}:${ETCD_PEER_PORT}`;
  return Array.from({ length: c.spec.etcd.replicas }, (_, ordinal) => member(ordinal)).join(',');
}
