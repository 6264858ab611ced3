import { type EffectiveCluster, ETCD_CLIENT_PORT, ETCD_PEER_PORT } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { headlessService, service } from '../common/service.ts';

const CLIENT = { name: 'client', port: ETCD_CLIENT_PORT, targetPort: 'client' } as const;

/** The headless Service behind the members' names, and `<name>-etcd-client` for any ready member. */
export function etcdServices(c: EffectiveCluster): readonly Manifest[] {
  return [
    headlessService(c, 'etcd', [CLIENT, { name: 'peer', port: ETCD_PEER_PORT, targetPort: 'peer' }]),
    service(c, { name: names.etcdClientService(c.name), component: 'etcd', ports: [CLIENT] }),
  ];
}
