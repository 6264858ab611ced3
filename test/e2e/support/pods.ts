import { environment } from './environment.ts';

export interface ProbeVolume {
  readonly name: string;
  readonly mountPath: string;
  readonly source: object;
}

export interface ProbePod {
  readonly name: string;
  readonly namespace: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly ProbeVolume[];
  readonly node?: string;
  readonly awayFrom?: string;
}

const HOSTNAME = 'kubernetes.io/hostname';

const nodeTerm = (operator: 'In' | 'NotIn', node: string): object => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator, values: [node] }] }] } },
  },
});

/** A pod of the PostgreSQL image that runs a probe; it passes the Pod Security level `restricted`. */
export function probePod(options: ProbePod): object {
  const volumes = options.volumes ?? [];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: options.name, namespace: options.namespace, labels: { 'app.kubernetes.io/name': 'e2e-probe' } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      // The probe outlives the loss of its node's connection to the API server.
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
      securityContext: { runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
      ...(options.node === undefined ? {} : nodeTerm('In', options.node)),
      ...(options.awayFrom === undefined ? {} : nodeTerm('NotIn', options.awayFrom)),
      containers: [
        {
          name: 'probe',
          image: environment().postgresImage,
          imagePullPolicy: 'IfNotPresent',
          command: options.command,
          env: Object.entries(options.environment ?? {}).map(([name, value]) => ({ name, value })),
          resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: volumes.map(({ name, mountPath }) => ({ name, mountPath })),
        },
      ],
      volumes: volumes.map(({ name, source }) => ({ name, ...source })),
    },
  };
}
