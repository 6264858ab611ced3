import type { EffectiveCluster } from '../api/effective.ts';
import type { Component } from '../api/meta.ts';
import { type Leaf, names, podFqdns, serviceFqdn } from '../api/names.ts';
import { canonicalJson, shortHash } from '../lib/canonical-json.ts';

export type KeyUsage = 'server' | 'client';

/** What a leaf certificate says. `commonName` may be empty. */
export interface LeafSubject {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: readonly KeyUsage[];
  readonly validityDays: number;
}

/** Bound of `spec.postgres.replicas`. */
const MAX_POSTGRES_REPLICAS = 16;

const LEAF_VALIDITY_DAYS = 90;
export const CA_VALIDITY_DAYS = 3650;

/** etcd admits peers by this name (`--peer-cert-allowed-cn`). */
export const ETCD_PEER_COMMON_NAME = 'etcd-peer';

const LOCAL_NAMES = ['localhost'] as const;
const LOCAL_ADDRESSES = ['127.0.0.1', '::1'] as const;

/**
 * Names in each leaf certificate. All common names but the replication user's hold a hyphen, which no role name does: PostgreSQL's `cert` authentication takes the
 * common name for the role, and one CA signs them all. Replica counts do not show in them, so that scaling re-issues nothing.
 */
export function leafSubject(c: EffectiveCluster, leaf: Leaf): LeafSubject {
  switch (leaf) {
    case 'postgres-server':
      return server('postgres-server', [...podNames(c, 'postgres'), ...podNames(c, 'haproxy'), ...memberServices(c), ...clientFacingServices(c).flatMap((name) => serviceNames(c, name))]);
    case 'patroni-rest':
      return server('patroni-rest', [...podNames(c, 'postgres'), ...memberServices(c)]);
    case 'rest-client':
      return client('rest-client');
    case 'replication':
      return client(c.spec.patroni.users.replication);
    case 'etcd-server':
      // clientAuth as well: etcd's gateway calls its own gRPC port with this certificate.
      return {
        ...server('etcd-server', [...podNames(c, 'etcd'), ...serviceNames(c, names.etcdClientService(c.name))]),
        usages: ['server', 'client'],
      };
    case 'etcd-peer':
      // Pods by name too: etcd looks a peer's address up under the plain names of its certificate, whereas a wildcard would need reverse DNS.
      return {
        ...server(ETCD_PEER_COMMON_NAME, [...podFqdns(c.name, c.namespace, 'etcd', c.spec.etcd.replicas, c.clusterDomain), ...podNames(c, 'etcd')]),
        usages: ['server', 'client'],
      };
    case 'etcd-client':
      return client('');
  }
}

/** Hash of everything a leaf says, for `ANNOTATIONS.subjectHash`: another one means re-issue. */
export function leafSubjectHash(subject: LeafSubject): string {
  return shortHash(canonicalJson(subject), 16);
}

function server(commonName: string, dnsNames: readonly string[]): LeafSubject {
  return {
    commonName,
    dnsNames: [...dnsNames, ...LOCAL_NAMES],
    ipAddresses: LOCAL_ADDRESSES,
    usages: ['server'],
    validityDays: LEAF_VALIDITY_DAYS,
  };
}

function client(commonName: string): LeafSubject {
  return { commonName, dnsNames: [], ipAddresses: [], usages: ['client'], validityDays: LEAF_VALIDITY_DAYS };
}

/** Every pod of a StatefulSet, present and future, and its headless Service. */
function podNames(c: EffectiveCluster, component: Component): readonly string[] {
  const domain = serviceFqdn(names.workload(c.name, component), c.namespace, c.clusterDomain);
  return [`*.${domain}`, domain];
}

/** The forms under which a client in the cluster can write a Service. */
function serviceNames(c: EffectiveCluster, service: string): readonly string[] {
  return [service, `${service}.${c.namespace}`, `${service}.${c.namespace}.svc`, serviceFqdn(service, c.namespace, c.clusterDomain)];
}

/** The Services of all members there can be: so scaling re-issues nothing. */
function memberServices(c: EffectiveCluster): readonly string[] {
  return Array.from({ length: MAX_POSTGRES_REPLICAS }, (_, ordinal) => serviceFqdn(names.memberService(c.name, ordinal), c.namespace, c.clusterDomain));
}

function clientFacingServices(c: EffectiveCluster): readonly string[] {
  return [names.primaryService(c.name), names.replicaService(c.name), names.anyMemberService(c.name)];
}
