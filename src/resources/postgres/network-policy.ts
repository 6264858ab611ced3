import { type EffectiveCluster, POSTGRES_PORT } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import { networkPolicy } from '../common/network-policy.ts';

/** PostgreSQL for every client (it asks for TLS and a password), Patroni's REST API for members, HAProxy's checks and the operator. */
export function postgresNetworkPolicy(c: EffectiveCluster): Manifest {
  return networkPolicy(c, 'postgres', [
    { ports: [POSTGRES_PORT], from: ['anyone'] },
    { ports: [c.spec.patroni.listenPort], from: ['postgres', 'haproxy', 'operator'] },
  ]);
}
