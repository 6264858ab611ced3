import type { EffectiveCluster } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from '../common/metadata.ts';
import { haproxyConfig } from './config.ts';
import { HAPROXY_CONFIG_KEY } from './layout.ts';

/** `<name>-haproxy`: the configuration for `members` PostgreSQL members. The image loads a changed file without dropping a connection. */
export function haproxyConfigMap(c: EffectiveCluster, members: number): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(c, names.haproxyConfigMap(c.name), { component: 'haproxy' }),
    data: { [HAPROXY_CONFIG_KEY]: haproxyConfig(c, members) },
  };
}
