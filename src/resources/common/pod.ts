import type { EffectiveCluster } from '../../api/effective.ts';
import type { Component } from '../../api/meta.ts';
import { labels, selector } from '../../api/names.ts';
import type { PodOptions } from '../../api/patronicluster.ts';

/**
 * What the pods of all components share. Everything in here is part of a pod template: a change of one byte restarts every database at the next rollout.
 * `test/golden/pod-templates.json` holds the hashes that prove an operator upgrade changes none.
 */

/** uid and gid of `postgres`, `etcd` and `haproxy` in the images. */
const RUN_AS = 999;

const POD_SECURITY_CONTEXT = {
  runAsNonRoot: true,
  runAsUser: RUN_AS,
  runAsGroup: RUN_AS,
  fsGroup: RUN_AS,
  // `Always` makes PGDATA group-writable each time a pod is re-created, and PostgreSQL then refuses to start ("invalid permissions").
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

export const CONTAINER_SECURITY_CONTEXT = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
} as const;

export interface PodParts {
  readonly component: Component;
  readonly options: PodOptions | undefined;
  readonly terminationGracePeriodSeconds: number;
  readonly container: Readonly<Record<string, unknown>>;
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

/** The pod template of a component: user labels and annotations below the operator's, PSS `restricted`, no Kubernetes token. */
export function podTemplate(c: EffectiveCluster, parts: PodParts): Record<string, unknown> {
  const { component, options = {}, terminationGracePeriodSeconds, container, volumes } = parts;
  const { nodeSelector, tolerations, topologySpreadConstraints, priorityClassName } = options;
  const { pullSecrets } = c.spec.images;
  return {
    metadata: {
      labels: { ...options.labels, ...labels(c.name, component) },
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds,
      securityContext: POD_SECURITY_CONTEXT,
      affinity: options.affinity ?? spreadOverNodes(c, component),
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(tolerations === undefined ? {} : { tolerations }),
      ...(topologySpreadConstraints === undefined ? {} : { topologySpreadConstraints }),
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...(pullSecrets === undefined ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      containers: [container],
      volumes,
    },
  };
}

/** Preferred, not required: three members must still fit on the one node of a laptop. */
function spreadOverNodes(c: EffectiveCluster, component: Component): Record<string, unknown> {
  const podAffinityTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selector(c.name, component) } };
  return { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } };
}

/** Claim template of a component. Every template is called `data`, so that a claim's name follows from its pod's. */
export function volumeClaimTemplate(
  c: EffectiveCluster,
  component: Component,
  size: string,
  storageClassName: string | undefined,
): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', labels: labels(c.name, component) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName === undefined ? {} : { storageClassName }),
    },
  };
}
