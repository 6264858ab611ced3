import type { EffectiveCluster } from '../../api/effective.ts';
import { POSTGRES_PORT } from '../../api/effective.ts';
import { names, podFqdn } from '../../api/names.ts';
import type { PodView } from '../../decide/observed.ts';
import type { PostgresTarget } from '../../postgres/client.ts';

import type { ClusterControllerPorts } from './ports.ts';
import type { SecretReader } from './secret-reader.ts';

/** A superuser's way to the PostgreSQL of a member; undefined while its Secrets do not exist or the pod has no address. */
export type PostgresAccess = (pod: PodView) => PostgresTarget | undefined;

export async function postgresAccess(ports: Pick<ClusterControllerPorts, 'cache'>, secrets: SecretReader, c: EffectiveCluster): Promise<PostgresAccess> {
  const { name, namespace, spec } = c;
  const superuser = await secrets.read(ports.cache.child('Secret', namespace, names.superuserSecret(name)), ['username', 'password']);
  const tls = await secrets.read(ports.cache.child('Secret', namespace, names.leafSecret(name, 'postgres-server')), ['ca.crt']);
  const password = superuser?.['password'];
  const ca = tls?.['ca.crt'];
  if (password === undefined || ca === undefined) return () => undefined;
  return (pod) =>
    pod.ip === undefined
      ? undefined
      : {
          member: pod.name,
          host: pod.ip,
          port: POSTGRES_PORT,
          serverName: podFqdn(name, namespace, 'postgres', pod.ordinal, c.clusterDomain),
          ca: ca.reveal(),
          user: spec.patroni.users.superuser,
          password,
        };
}
