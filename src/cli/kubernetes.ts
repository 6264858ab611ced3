import { loadKubeAccess } from '../kube/client-node.ts';
import { createKubeRest } from '../kube/rest.ts';
import { createTransport } from '../kube/transport.ts';
import { KINDS, type KubeObject } from '../kube/types.ts';
import { systemClock } from '../lib/clock.ts';

/** The API server as a command sees it: with the rights of whoever runs it. */
export interface Kubernetes {
  /** Namespace of the kubeconfig context. */
  readonly namespace: string;
  /** A PatroniCluster as it is stored, or undefined when there is none. @throws ERR_KUBE_… */
  readonly findCluster: (ref: { readonly namespace: string; readonly name: string }) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Absent: the usual kubeconfig, and its current context. */
export interface KubernetesOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export type Connect = (options: KubernetesOptions) => Kubernetes;

/**
 * Connects by kubeconfig.
 * @throws ERR_KUBE_CONFIG
 */
export function connectAs(version: string): Connect {
  return (options) => {
    const access = loadKubeAccess(options);
    const transport = createTransport({ access, version, clock: systemClock });
    const rest = createKubeRest(transport);
    return {
      namespace: access.namespace,
      findCluster: (ref) => rest.find<KubeObject>(KINDS.PatroniCluster, ref),
      close: () => transport.close(),
    };
  };
}
