import type { EffectiveCluster } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { CONTAINER_SECURITY_CONTEXT, podTemplate } from '../common/pod.ts';
import { statefulSet } from '../common/stateful-set.ts';
import { HAPROXY_CONFIG_KEY, HAPROXY_PATHS, HAPROXY_PORTS } from './layout.ts';

/** The image's entrypoint gives open connections 25 s after SIGTERM. */
const GRACE_SECONDS = 30;

/** The StatefulSet of the HAProxy pods; a StatefulSet for stable names, not for volumes. */
export function haproxyStatefulSet(c: EffectiveCluster): Manifest {
  const { replicas, pod } = c.spec.haproxy;
  return statefulSet(c, {
    component: 'haproxy',
    replicas,
    template: podTemplate(c, {
      component: 'haproxy',
      options: pod,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      container: container(c),
      volumes: volumes(c),
    }),
  });
}

function container(c: EffectiveCluster): Record<string, unknown> {
  return {
    name: 'haproxy',
    image: c.images.haproxy,
    imagePullPolicy: c.spec.images.pullPolicy,
    env: [
      { name: 'HAPROXY_CONFIG', value: `${HAPROXY_PATHS.config}/${HAPROXY_CONFIG_KEY}` },
      { name: 'HAPROXY_WATCH', value: `${HAPROXY_PATHS.config} ${HAPROXY_PATHS.tls}` },
    ],
    ports: [
      { name: 'rw', containerPort: HAPROXY_PORTS.rw, protocol: 'TCP' },
      { name: 'ro', containerPort: HAPROXY_PORTS.ro, protocol: 'TCP' },
      { name: 'status', containerPort: HAPROXY_PORTS.status, protocol: 'TCP' },
    ],
    resources: c.spec.haproxy.resources,
    securityContext: CONTAINER_SECURITY_CONTEXT,
    // About HAProxy itself, not about its servers: taking every HAProxy out of the Services during a failover would only add to the gap.
    // The first look waits for names to be resolved and for a first round of checks.
    readinessProbe: { ...probe, initialDelaySeconds: 2, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 },
    livenessProbe: { ...probe, initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    volumeMounts: [
      { name: 'config', mountPath: HAPROXY_PATHS.config, readOnly: true },
      { name: 'tls', mountPath: HAPROXY_PATHS.tls, readOnly: true },
      { name: 'run', mountPath: HAPROXY_PATHS.run },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

const probe = { httpGet: { scheme: 'HTTP', port: 'status', path: '/healthz' } } as const;

function volumes(c: EffectiveCluster): readonly Record<string, unknown>[] {
  return [
    {
      name: 'config',
      configMap: {
        name: names.haproxyConfigMap(c.name),
        defaultMode: 0o444,
        items: [{ key: HAPROXY_CONFIG_KEY, path: HAPROXY_CONFIG_KEY }],
      },
    },
    // The CA only: HAProxy verifies Patroni, it needs no private key.
    {
      name: 'tls',
      secret: { secretName: names.leafSecret(c.name, 'patroni-rest'), defaultMode: 0o440, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
    },
    { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
    { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
  ];
}
