import { type EffectiveCluster, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import { networkPolicy } from '../common/network-policy.ts';

/** Clients are Patroni and the operator; peers are etcd; metrics carry no keys and are open. */
export function etcdNetworkPolicy(c: EffectiveCluster): Manifest {
  return networkPolicy(c, 'etcd', [
    { ports: [ETCD_CLIENT_PORT], from: ['postgres', 'etcd', 'operator'] },
    { ports: [ETCD_PEER_PORT], from: ['etcd'] },
    { ports: [ETCD_METRICS_PORT], from: ['anyone'] },
  ]);
}
