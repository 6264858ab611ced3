import type { EffectiveCluster } from '../../api/effective.ts';
import type { Component } from '../../api/meta.ts';
import { names, selector } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from './metadata.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string;
}

export interface ServiceParts {
  readonly name: string;
  /** Whose pods the Service selects. */
  readonly component: Component;
  readonly ports: readonly ServicePort[];
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Service with a virtual address that selects the ready pods of a component. */
export function service(c: EffectiveCluster, parts: ServiceParts): Manifest {
  const { name, component, ports, type = 'ClusterIP', annotations = {} } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(c, name, { component, annotations }),
    spec: { type, selector: selector(c.name, component), ports: wirePorts(ports) },
  };
}

/**
 * The headless Service that gives each pod of a StatefulSet its DNS name. It lists pods that are not ready as well: members must find each other before any is
 * ready (etcd resolves the names in its peers' certificates during the handshake, replicas clone from a leader that is still starting).
 */
export function headlessService(c: EffectiveCluster, component: Component, ports: readonly ServicePort[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(c, names.workload(c.name, component), { component }),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: selector(c.name, component),
      ports: wirePorts(ports),
    },
  };
}

/**
 * A Service with a virtual address for one pod of a StatefulSet, whether it is ready or not. The address stays when the pod comes back under another one, so nobody who has
 * resolved it once holds a stale one.
 */
export function podService(c: EffectiveCluster, component: Component, ordinal: number, ports: readonly ServicePort[]): Manifest {
  const pod = names.pod(c.name, component, ordinal);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(c, pod, { component }),
    spec: {
      type: 'ClusterIP',
      publishNotReadyAddresses: true,
      selector: { ...selector(c.name, component), 'statefulset.kubernetes.io/pod-name': pod },
      ports: wirePorts(ports),
    },
  };
}

function wirePorts(ports: readonly ServicePort[]): readonly Record<string, unknown>[] {
  return ports.map(({ name, port, targetPort }) => ({ name, port, targetPort, protocol: 'TCP' }));
}
