import { type EffectiveCluster, POSTGRES_PORT } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { headlessService, podService, service } from '../common/service.ts';

const POSTGRES = { name: 'postgres', port: POSTGRES_PORT, targetPort: 'postgres' } as const;

/**
 * A Service for each of `members`, the headless Service behind the pods' names, and `<name>-r` for a connection to any ready member.
 *
 * Members advertise their own Service, not the pod's name, because Patroni 4.1 keeps what it has resolved for ten minutes (`dcs/etcd.py` DnsCachingResolver, which it also
 * puts under its calls to other members). After a pod had come back under a new address, the leader held it for unreachable: "no good candidates have been found" for a
 * switchover (seen), and by the same path a refused `/failsafe` and a replica that is overlooked in an election.
 */
export function postgresServices(c: EffectiveCluster, members: number): readonly Manifest[] {
  const ports = [POSTGRES, { name: 'patroni', port: c.spec.patroni.listenPort, targetPort: 'patroni' }];
  return [
    headlessService(c, 'postgres', ports),
    ...Array.from({ length: members }, (_, ordinal) => podService(c, 'postgres', ordinal, ports)),
    service(c, { name: names.anyMemberService(c.name), component: 'postgres', ports: [POSTGRES] }),
  ];
}
