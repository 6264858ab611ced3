/** Objects like those the operator makes, with as many fields as it may set: both servers must give them back alike. */
import type { Manifest } from './body.ts';

const labels = { 'app.kubernetes.io/name': 'sample', 'app.kubernetes.io/instance': 's' };
const selector = { matchLabels: labels };

const podSpec = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  serviceAccountName: 'sample',
  terminationGracePeriodSeconds: 300,
  priorityClassName: '',
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    fsGroup: 1000,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  },
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: selector } },
      ],
    },
  },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: selector }],
  tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }],
  initContainers: [{ name: 'prepare', image: 'example.com/prepare@sha256:abc', command: ['true'], resources: { limits: { cpu: '100m' } } }],
  containers: [
    {
      name: 'main',
      image: 'example.com/main:17',
      args: ['--flag'],
      ports: [
        { name: 'sql', containerPort: 5432 },
        { name: 'rest', containerPort: 8008, protocol: 'TCP' },
      ],
      env: [
        { name: 'PLAIN', value: 'x' },
        { name: 'EMPTY', value: '' },
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'PASS', valueFrom: { secretKeyRef: { name: 'p', key: 'k' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', containerName: 'main' } } },
      ],
      envFrom: [{ configMapRef: { name: 'c' } }],
      resources: { requests: { cpu: '0.25', memory: '262144Ki' }, limits: { memory: '1024Mi' } },
      readinessProbe: { httpGet: { path: '/readiness', port: 8008, scheme: 'HTTPS' }, periodSeconds: 5 },
      livenessProbe: { exec: { command: ['true'] }, failureThreshold: 6 },
      startupProbe: { tcpSocket: { port: 'sql' } },
      lifecycle: { preStop: { exec: { command: ['true'] } } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      volumeMounts: [
        { name: 'data', mountPath: '/data' },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'config', mountPath: '/config/a', subPath: 'a' },
      ],
    },
    { name: 'latest', image: 'example.com/side' },
  ],
  volumes: [
    { name: 'tls', secret: { secretName: 't', defaultMode: 288 } },
    { name: 'config', configMap: { name: 'c', optional: true } },
    {
      name: 'all',
      projected: {
        sources: [
          { configMap: { name: 'c', items: [{ key: 'a', path: 'a' }] } },
          { secret: { name: 's' } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
          { serviceAccountToken: { path: 'token' } },
        ],
      },
    },
    { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    { name: 'nothing' },
    { name: 'host', hostPath: { path: '/x' } },
    {
      name: 'own',
      ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } } } },
    },
  ],
};

const withData = { ...podSpec, volumes: [...podSpec.volumes, { name: 'data', emptyDir: {} }] };
const template = { metadata: { labels, annotations: { 'a/b': 'c' } }, spec: podSpec };
const meta = (name: string): { name: string; labels: object } => ({ name, labels });

/** Path below the namespace, and the object. */
export const samples: readonly (readonly [string, Manifest])[] = [
  [
    'api/v1 services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('plain'),
      spec: {
        selector: labels,
        ports: [
          { name: 'a', port: 80, targetPort: 'sql' },
          { name: 'b', port: 81 },
        ],
      },
    },
  ],
  [
    'api/v1 services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('headless'),
      spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: labels, ports: [{ port: 80 }] },
    },
  ],
  [
    'api/v1 services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('outside'),
      spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80 }] },
    },
  ],
  [
    'api/v1 services',
    { apiVersion: 'v1', kind: 'Service', metadata: meta('alias'), spec: { type: 'ExternalName', externalName: 'example.com' } },
  ],
  [
    'api/v1 pods',
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta('lone'),
      spec: withData,
    },
  ],
  [
    'api/v1 persistentvolumeclaims',
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: meta('claim'),
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } },
    },
  ],
  ['api/v1 serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('sample') }],
  ['api/v1 configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('config'), data: { a: 'b', empty: '' } }],
  ['api/v1 configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'blank', labels: {} }, data: {} }],
  [
    'apis/apps/v1 statefulsets',
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: meta('set'),
      spec: {
        serviceName: 'headless',
        replicas: 3,
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'OnDelete' },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        selector,
        template,
        volumeClaimTemplates: [
          { metadata: { name: 'data', labels }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } } } },
        ],
      },
    },
  ],
  [
    'apis/apps/v1 deployments',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta('deployment'),
      spec: { selector, template: { ...template, spec: withData } },
    },
  ],
  [
    'apis/policy/v1 poddisruptionbudgets',
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: meta('budget'), spec: { maxUnavailable: 1, selector } },
  ],
  [
    'apis/networking.k8s.io/v1 networkpolicies',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: meta('policy'),
      spec: {
        podSelector: selector,
        ingress: [{ from: [{ podSelector: {} }, { namespaceSelector: selector }], ports: [{ port: 5432 }] }],
        egress: [{}],
      },
    },
  ],
  [
    'apis/networking.k8s.io/v1 networkpolicies',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: meta('closed'),
      spec: { podSelector: {}, policyTypes: ['Ingress'] },
    },
  ],
  [
    'apis/coordination.k8s.io/v1 leases',
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: meta('lease'), spec: { holderIdentity: 'x', leaseTransitions: 0 } },
  ],
  [
    'apis/rbac.authorization.k8s.io/v1 roles',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: meta('role'),
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    } as Manifest,
  ],
  [
    'apis/rbac.authorization.k8s.io/v1 rolebindings',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: meta('binding'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'role' },
      subjects: [{ kind: 'ServiceAccount', name: 'sample', namespace: 'default' }],
    } as Manifest,
  ],
];
