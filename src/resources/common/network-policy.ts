import type { EffectiveCluster } from '../../api/effective.ts';
import type { Component } from '../../api/meta.ts';
import { names, selector } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from './metadata.ts';

/** Who may connect: pods of a component of this cluster, the operator, or anyone. */
export type Peer = Component | 'operator' | 'anyone';

export interface IngressRule {
  readonly ports: readonly number[];
  readonly from: readonly Peer[];
}

/**
 * A policy that admits exactly `rules` to the pods of a component. Egress stays open: the pods need DNS, whose address the operator cannot know.
 * The kubelet's probes come from the node, which policies do not govern.
 */
export function networkPolicy(c: EffectiveCluster, component: Component, rules: readonly IngressRule[]): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(c, names.workload(c.name, component), { component }),
    spec: {
      podSelector: { matchLabels: selector(c.name, component) },
      policyTypes: ['Ingress'],
      ingress: rules.map((rule) => ingress(c, rule)),
    },
  };
}

function ingress(c: EffectiveCluster, { ports, from }: IngressRule): Record<string, unknown> {
  const wire = ports.map((port) => ({ port, protocol: 'TCP' }));
  // An operator that runs outside the cluster has no pods to select. Its traffic is then told apart by client certificate only.
  const open = from.includes('anyone') || (from.includes('operator') && c.operatorPods === undefined);
  return open ? { ports: wire } : { ports: wire, from: from.map((peer) => podPeer(c, peer)) };
}

function podPeer(c: EffectiveCluster, peer: Peer): Record<string, unknown> {
  if (peer === 'anyone') return {};
  if (peer !== 'operator') return { podSelector: { matchLabels: selector(c.name, peer) } };
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': c.operatorPods?.namespace ?? '' } },
    podSelector: { matchLabels: c.operatorPods?.labels ?? {} },
  };
}
