import { type EffectiveCluster, POSTGRES_PORT } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { CONTAINER_SECURITY_CONTEXT, podTemplate, volumeClaimTemplate } from '../common/pod.ts';
import { statefulSet } from '../common/stateful-set.ts';
import { PATRONI_FRAGMENTS } from '../patroni-fragments.ts';
import { PATRONI_FILES } from './config-map.ts';
import { PATHS, POSTGRES_POD_LEAVES } from '../../config/pod-paths.ts';
import { PG_SERVICE } from './pg-service.ts';

/** Seconds that PostgreSQL has for its shutdown checkpoint and for handing over before it is killed. */
const GRACE_SECONDS = 300;
const MB = 1024 * 1024;

/** The StatefulSet of the members. `claimSize` is the size in the existing claim template, which Kubernetes never lets change. */
export function postgresStatefulSet(c: EffectiveCluster, replicas: number, claimSize?: string): Manifest {
  const { storage, pod } = c.spec.postgres;
  return statefulSet(c, {
    component: 'postgres',
    replicas,
    template: podTemplate(c, {
      component: 'postgres',
      options: pod,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      container: container(c),
      volumes: volumes(c),
    }),
    volumeClaimTemplates: [volumeClaimTemplate(c, 'postgres', claimSize ?? storage.size, storage.storageClassName)],
  });
}

function container(c: EffectiveCluster): Record<string, unknown> {
  const { resources } = c.spec.postgres;
  const { listenPort } = c.spec.patroni;
  return {
    name: 'postgres',
    image: c.images.postgres,
    imagePullPolicy: c.spec.images.pullPolicy,
    args: [PATHS.config],
    env: environment(c),
    ports: [
      { name: 'postgres', containerPort: POSTGRES_PORT, protocol: 'TCP' },
      { name: 'patroni', containerPort: listenPort, protocol: 'TCP' },
    ],
    resources,
    securityContext: CONTAINER_SECURITY_CONTEXT,
    // The REST API opens only once etcd answers, so the start may take as long as etcd does: ten minutes.
    startupProbe: { ...probe('/liveness'), periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 300 },
    // /liveness fails when Patroni's own loop hangs, never because PostgreSQL is slow or being restored.
    livenessProbe: { ...probe('/liveness'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    // /readiness: the leader, or a replica that streams and does not lag (Patroni >= 4.1).
    readinessProbe: { ...probe('/readiness'), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 },
    volumeMounts: [
      { name: 'data', mountPath: PATHS.volume },
      { name: 'run', mountPath: PATHS.run },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
      { name: 'config', mountPath: PATHS.config, readOnly: true },
      { name: 'tls', mountPath: PATHS.tls, readOnly: true },
    ],
  };
}

/** GET, because Patroni answers HEAD and OPTIONS on these paths with 503 (Patroni #2035). */
function probe(path: string): Record<string, unknown> {
  return { httpGet: { scheme: 'HTTPS', port: 'patroni', path } };
}

function environment(c: EffectiveCluster): readonly Record<string, unknown>[] {
  // The member's own Service, not the pod's name: see `postgresServices`.
  const fqdn = `$(PATRONI_NAME).${c.namespace}.svc.${c.clusterDomain}`;
  return [
    { name: 'PATRONI_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'PATRONI_POSTGRESQL_CONNECT_ADDRESS', value: `${fqdn}:${POSTGRES_PORT}` },
    { name: 'PATRONI_RESTAPI_CONNECT_ADDRESS', value: `${fqdn}:${c.spec.patroni.listenPort}` },
    { name: 'PGSERVICEFILE', value: `${PATHS.config}/${PATRONI_FILES.service}` },
    { name: 'PGSERVICE', value: PG_SERVICE },
  ];
}

function volumes(c: EffectiveCluster): readonly Record<string, unknown>[] {
  return [
    { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
    // Parallel queries share memory through here; the container's memory limit counts it, so it may take half of that at most.
    { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: `${Math.max(Math.floor(c.postgresMemoryBytes / 2 / MB), 16)}Mi` } },
    { name: 'config', projected: { defaultMode: 0o440, sources: configSources(c) } },
    // root:999 0440 is what PostgreSQL and libpq accept for a key that they do not own (at most 0640).
    { name: 'tls', projected: { defaultMode: 0o440, sources: POSTGRES_POD_LEAVES.map((leaf) => leafSource(c, leaf)) } },
  ];
}

function configSources(c: EffectiveCluster): readonly Record<string, unknown>[] {
  const fragments = PATRONI_FRAGMENTS.map(({ secret, key, path }) => ({ secret: { name: secret(c.name), items: [{ key, path }] } }));
  return [{ configMap: { name: names.patroniConfigMap(c.name) } }, ...fragments];
}

function leafSource(c: EffectiveCluster, leaf: (typeof POSTGRES_POD_LEAVES)[number]): Record<string, unknown> {
  const items = ['tls.crt', 'tls.key', 'ca.crt'].map((key) => ({ key, path: `${leaf}/${key}` }));
  return { secret: { name: names.leafSecret(c.name, leaf), items } };
}
