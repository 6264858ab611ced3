import { CLUSTER_LABEL, type Component } from './meta.ts';

/**
 * Names and labels of the objects of one cluster. All pure functions of the cluster's name (and namespace, cluster domain): nothing is looked up.
 * `cluster` below is `metadata.name` of the PatroniCluster, at most 40 characters, so that the longest derived name stays within 63.
 */

export const MAX_CLUSTER_NAME_LENGTH = 40;

export const names = {
  workload: (cluster: string, component: Component) => `${cluster}-${component}`,
  pod: (cluster: string, component: Component, ordinal: number) => `${cluster}-${component}-${ordinal}`,
  primaryService: (cluster: string) => `${cluster}-rw`,
  replicaService: (cluster: string) => `${cluster}-ro`,
  anyMemberService: (cluster: string) => `${cluster}-r`,
  /** Each member's own Service, called like its pod: an address that stays when the pod is made anew. */
  memberService: (cluster: string, ordinal: number) => `${cluster}-postgres-${ordinal}`,
  etcdClientService: (cluster: string) => `${cluster}-etcd-client`,

  patroniConfigMap: (cluster: string) => `${cluster}-patroni`,
  /** Which keys of the dynamic configuration the operator has set; outlives the PatroniCluster. */
  ownedKeysConfigMap: (cluster: string) => `${cluster}-patroni-owned`,
  haproxyConfigMap: (cluster: string) => `${cluster}-haproxy`,
  /** ETCD_INITIAL_CLUSTER, _STATE and _TOKEN; outlives the status and latches that the cluster has formed. */
  etcdConfigMap: (cluster: string) => `${cluster}-etcd`,

  caSecret: (cluster: string) => `${cluster}-ca`,
  superuserSecret: (cluster: string) => `${cluster}-superuser`,
  rewindSecret: (cluster: string) => `${cluster}-rewind`,
  restapiSecret: (cluster: string) => `${cluster}-restapi`,
  applicationSecret: (cluster: string) => `${cluster}-app`,
  leafSecret: (cluster: string, leaf: Leaf) => `${cluster}-${leaf}-tls`,

  /** StatefulSets name a claim `<template>-<pod>`; every template is called `data`. */
  volumeClaim: (pod: string) => `data-${pod}`,
} as const;

/** The leaf certificates of a cluster, each in a Secret of its own (`tls.crt`, `tls.key`, `ca.crt`). */
export const LEAVES = ['postgres-server', 'patroni-rest', 'replication', 'rest-client', 'etcd-server', 'etcd-peer', 'etcd-client'] as const;
export type Leaf = (typeof LEAVES)[number];

/** Ordinal of `name` in the StatefulSet of `component`, or undefined when it is none of its pods. */
export function ordinalOf(cluster: string, component: Component, pod: string): number | undefined {
  const prefix = `${cluster}-${component}-`;
  const rest = pod.startsWith(prefix) ? pod.slice(prefix.length) : '';
  return /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : undefined;
}

/** Fully qualified name of a pod behind its headless Service (which carries the workload's name). */
export function podFqdn(cluster: string, namespace: string, component: Component, ordinal: number, clusterDomain: string): string {
  return `${names.pod(cluster, component, ordinal)}.${names.workload(cluster, component)}.${namespace}.svc.${clusterDomain}`;
}

/** The same of all pods of a StatefulSet with that many replicas, by ordinal. */
export function podFqdns(cluster: string, namespace: string, component: Component, replicas: number, clusterDomain: string): readonly string[] {
  return Array.from({ length: replicas }, (_, ordinal) => podFqdn(cluster, namespace, component, ordinal, clusterDomain));
}

export function serviceFqdn(service: string, namespace: string, clusterDomain: string): string {
  return `${service}.${namespace}.svc.${clusterDomain}`;
}

/** Standard labels of an object; with `component`, those of its pods as well. Never put a version in here: it would change the pod template. */
export function labels(cluster: string, component?: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'patroni-cluster',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/managed-by': 'patroni-operator',
    'app.kubernetes.io/part-of': cluster,
    [CLUSTER_LABEL]: cluster,
    ...(component === undefined ? {} : { 'app.kubernetes.io/component': component }),
  };
}

/** Labels that select the pods of a component: a stable subset of `labels`, since selectors are immutable. */
export function selector(cluster: string, component: Component): Record<string, string> {
  return { [CLUSTER_LABEL]: cluster, 'app.kubernetes.io/component': component };
}
