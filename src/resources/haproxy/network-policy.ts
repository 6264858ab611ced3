import type { EffectiveCluster } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import { networkPolicy } from '../common/network-policy.ts';
import { HAPROXY_PORTS } from './layout.ts';

/** Clients and metrics, both from anywhere: HAProxy is the front door. */
export function haproxyNetworkPolicy(c: EffectiveCluster): Manifest {
  return networkPolicy(c, 'haproxy', [{ ports: Object.values(HAPROXY_PORTS), from: ['anyone'] }]);
}
