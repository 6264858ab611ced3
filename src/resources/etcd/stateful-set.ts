import { type EffectiveCluster, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { CONTAINER_SECURITY_CONTEXT, podTemplate, volumeClaimTemplate } from '../common/pod.ts';
import { statefulSet } from '../common/stateful-set.ts';
import { ETCD_PEER_COMMON_NAME } from '../leaves.ts';
import { ETCD_KEYS } from './config-map.ts';

const GRACE_SECONDS = 30;
const VOLUME = '/var/lib/etcd';
const TLS = '/etc/etcd-tls';
const POD_LEAVES = ['etcd-server', 'etcd-peer'] as const;

type Env = Readonly<Record<string, unknown>>;

/** The StatefulSet of the etcd members. `claimSize` is the size in the existing claim template, which Kubernetes never lets change. */
export function etcdStatefulSet(c: EffectiveCluster, claimSize?: string): Manifest {
  const { replicas, storage, pod } = c.spec.etcd;
  return statefulSet(c, {
    component: 'etcd',
    replicas,
    template: podTemplate(c, {
      component: 'etcd',
      options: pod,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      container: container(c),
      volumes: [tlsVolume(c)],
    }),
    volumeClaimTemplates: [volumeClaimTemplate(c, 'etcd', claimSize ?? storage.size, storage.storageClassName)],
  });
}

function container(c: EffectiveCluster): Record<string, unknown> {
  return {
    name: 'etcd',
    image: c.images.etcd,
    imagePullPolicy: c.spec.images.pullPolicy,
    env: environment(c),
    ports: [
      { name: 'client', containerPort: ETCD_CLIENT_PORT, protocol: 'TCP' },
      { name: 'peer', containerPort: ETCD_PEER_PORT, protocol: 'TCP' },
      { name: 'metrics', containerPort: ETCD_METRICS_PORT, protocol: 'TCP' },
    ],
    resources: c.spec.etcd.resources,
    securityContext: CONTAINER_SECURITY_CONTEXT,
    // /livez asks this member only; /readyz needs the quorum, so it must not restart anything.
    startupProbe: { ...probe('/livez'), periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 150 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 },
    volumeMounts: [
      { name: 'data', mountPath: VOLUME },
      { name: 'tls', mountPath: TLS, readOnly: true },
    ],
  };
}

function probe(path: string): Record<string, unknown> {
  return { httpGet: { scheme: 'HTTP', port: 'metrics', path } };
}

function environment(c: EffectiveCluster): readonly Env[] {
  const own = `$(ETCD_NAME).${names.workload(c.name, 'etcd')}.${c.namespace}.svc.${c.clusterDomain}`;
  const [server, peer] = [`${TLS}/etcd-server`, `${TLS}/etcd-peer`];
  return [
    { name: 'ETCD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'ETCD_DATA_DIR', value: `${VOLUME}/data` },
    fromConfigMap(c, 'ETCD_INITIAL_CLUSTER', ETCD_KEYS.cluster),
    fromConfigMap(c, 'ETCD_INITIAL_CLUSTER_STATE', ETCD_KEYS.state),
    fromConfigMap(c, 'ETCD_INITIAL_CLUSTER_TOKEN', ETCD_KEYS.token),
    fromConfigMap(c, 'ETCD_QUOTA_BACKEND_BYTES', ETCD_KEYS.quota),
    { name: 'ETCD_INITIAL_ADVERTISE_PEER_URLS', value: `https://${own}:${ETCD_PEER_PORT}` },
    { name: 'ETCD_ADVERTISE_CLIENT_URLS', value: `https://${own}:${ETCD_CLIENT_PORT}` },
    { name: 'ETCD_LISTEN_PEER_URLS', value: `https://0.0.0.0:${ETCD_PEER_PORT}` },
    { name: 'ETCD_LISTEN_CLIENT_URLS', value: `https://0.0.0.0:${ETCD_CLIENT_PORT}` },
    { name: 'ETCD_LISTEN_METRICS_URLS', value: `http://0.0.0.0:${ETCD_METRICS_PORT}` },
    { name: 'ETCD_CERT_FILE', value: `${server}/tls.crt` },
    { name: 'ETCD_KEY_FILE', value: `${server}/tls.key` },
    { name: 'ETCD_TRUSTED_CA_FILE', value: `${server}/ca.crt` },
    { name: 'ETCD_CLIENT_CERT_AUTH', value: 'true' },
    { name: 'ETCD_PEER_CERT_FILE', value: `${peer}/tls.crt` },
    { name: 'ETCD_PEER_KEY_FILE', value: `${peer}/tls.key` },
    { name: 'ETCD_PEER_TRUSTED_CA_FILE', value: `${peer}/ca.crt` },
    { name: 'ETCD_PEER_CLIENT_CERT_AUTH', value: 'true' },
    // One CA signs all leaves of a cluster; a peer must hold the peers' own certificate, not any of them. Looking the peer's address up in DNS as well would
    // only make a member that comes back under a new address wait until every peer's resolver knows it.
    { name: 'ETCD_PEER_CERT_ALLOWED_CN', value: ETCD_PEER_COMMON_NAME },
    { name: 'ETCD_PEER_SKIP_CLIENT_SAN_VERIFICATION', value: 'true' },
    { name: 'ETCD_TLS_MIN_VERSION', value: 'TLS1.2' },
    { name: 'ETCD_AUTO_COMPACTION_MODE', value: 'periodic' },
    { name: 'ETCD_AUTO_COMPACTION_RETENTION', value: '10m' },
    // A new etcd leader gives every lease its whole ttl again and an election timeout on top (lessor.Promote). When a node is lost that held both leaders, that and
    // the election itself are what failover takes longer: 29.6 s of no writes with 2500 ms (measured). An election too many costs half a second, of Patroni's 5.
    { name: 'ETCD_HEARTBEAT_INTERVAL', value: '100' },
    { name: 'ETCD_ELECTION_TIMEOUT', value: '500' },
    // For `kubectl exec … etcdctl`.
    { name: 'ETCDCTL_ENDPOINTS', value: `https://${own}:${ETCD_CLIENT_PORT}` },
    { name: 'ETCDCTL_CACERT', value: `${server}/ca.crt` },
    { name: 'ETCDCTL_CERT', value: `${server}/tls.crt` },
    { name: 'ETCDCTL_KEY', value: `${server}/tls.key` },
  ];
}

function fromConfigMap(c: EffectiveCluster, name: string, key: string): Env {
  return { name, valueFrom: { configMapKeyRef: { name: names.etcdConfigMap(c.name), key } } };
}

function tlsVolume(c: EffectiveCluster): Record<string, unknown> {
  const sources = POD_LEAVES.map((leaf) => ({
    secret: {
      name: names.leafSecret(c.name, leaf),
      items: ['tls.crt', 'tls.key', 'ca.crt'].map((key) => ({ key, path: `${leaf}/${key}` })),
    },
  }));
  return { name: 'tls', projected: { defaultMode: 0o440, sources } };
}
