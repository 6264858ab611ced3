import type { EffectiveCluster } from '../../api/effective.ts';
import { names, podFqdn } from '../../api/names.ts';
import type { PodView } from '../../decide/observed.ts';
import type { ClusterPatroniClients, PatroniClient } from '../../patroni/client.ts';

import type { ClusterControllerPorts } from './ports.ts';
import type { SecretReader } from './secret-reader.ts';

/** Opens the REST API of the members of one cluster, or nothing while its Secrets do not exist. */
export interface PatroniAccess {
  member(pod: PodView): PatroniClient | undefined;
}

export async function patroniAccess(ports: ClusterControllerPorts, secrets: SecretReader, effective: EffectiveCluster): Promise<PatroniAccess> {
  const { name, namespace } = effective;
  const tls = await secrets.read(ports.cache.child('Secret', namespace, names.leafSecret(name, 'rest-client')), ['ca.crt', 'tls.crt', 'tls.key']);
  const basic = await secrets.read(ports.cache.child('Secret', namespace, names.restapiSecret(name)), ['username', 'password']);
  const ca = tls?.['ca.crt'];
  const cert = tls?.['tls.crt'];
  const key = tls?.['tls.key'];
  const username = basic?.['username'];
  const password = basic?.['password'];
  if (ca === undefined || cert === undefined || key === undefined || username === undefined || password === undefined) return { member: () => undefined };
  const clients: ClusterPatroniClients = ports.patroni.forCluster(`${namespace}/${name}`, {
    tls: { ca: ca.reveal(), cert: cert.reveal(), key },
    basic: { username: username.reveal(), password },
  });
  return {
    member: (pod) =>
      pod.ip === undefined
        ? undefined
        : clients.member({
            member: pod.name,
            host: pod.ip,
            port: effective.spec.patroni.listenPort,
            serverName: podFqdn(name, namespace, 'postgres', pod.ordinal, effective.clusterDomain),
          }),
  };
}
