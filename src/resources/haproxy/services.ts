import { type EffectiveCluster, POSTGRES_PORT } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { headlessService, service } from '../common/service.ts';
import { HAPROXY_PORTS } from './layout.ts';

/** `<name>-rw` and `<name>-ro`, both on PostgreSQL's own port, and the headless Service behind the pods' names. */
export function haproxyServices(c: EffectiveCluster): readonly Manifest[] {
  const { type, annotations } = c.spec.haproxy.service;
  const exposed = (name: string, targetPort: 'rw' | 'ro') =>
    service(c, {
      name,
      component: 'haproxy',
      type,
      ...(annotations === undefined ? {} : { annotations }),
      ports: [{ name: 'postgres', port: POSTGRES_PORT, targetPort }],
    });
  return [
    headlessService(c, 'haproxy', [{ name: 'status', port: HAPROXY_PORTS.status, targetPort: 'status' }]),
    exposed(names.primaryService(c.name), 'rw'),
    ...(c.spec.haproxy.readOnly.enabled ? [exposed(names.replicaService(c.name), 'ro')] : []),
  ];
}
