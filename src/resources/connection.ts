import { type EffectiveCluster, POSTGRES_PORT } from '../api/effective.ts';
import type { Component } from '../api/meta.ts';
import { names, podFqdns, serviceFqdn } from '../api/names.ts';

/** Where a client of one database user connects. */
export interface ConnectionTarget {
  /** One host, or all members when there is no HAProxy. */
  readonly hosts: readonly string[];
  /** Every host that leads to the leader, to be tried one after the other: each HAProxy by name, or all members when there is none. */
  readonly failoverHosts: readonly string[];
  readonly username: string;
  readonly database: string;
}

/** A host that answers at all does so in milliseconds; libpq up to 16 takes nothing less than this. */
const CONNECT_TIMEOUT_S = 2;

/** Through HAProxy to the leader; without HAProxy to all members, of which the client picks the one that takes writes. */
export function connectionTarget(c: EffectiveCluster, username: string, database: string): ConnectionTarget {
  const pods = (component: Component, replicas: number) => podFqdns(c.name, c.namespace, component, replicas, c.clusterDomain);
  if (!c.spec.haproxy.enabled) {
    const members = pods('postgres', c.spec.postgres.replicas);
    return { hosts: members, failoverHosts: members, username, database };
  }
  const hosts = [serviceFqdn(names.primaryService(c.name), c.namespace, c.clusterDomain)];
  return { hosts, failoverHosts: pods('haproxy', c.spec.haproxy.replicas), username, database };
}

/**
 * The keys of a connection Secret. `failover-uri` and `failover-jdbc-uri` are for clients that must not wait when a node is lost: to the address of a Service Kubernetes sends
 * connections until it knows that the node is gone, 40 to 50 s by default, and until then those that fall to the HAProxy there get no answer.
 * All URIs ask for TLS (`require`) but do not verify, since that needs a path to `ca.crt` that only the client knows: append `&sslmode=verify-full&sslrootcert=<path>`;
 * every host in here is in the server's certificate.
 */
export function connectionEntries({ hosts, failoverHosts, username, database }: ConnectionTarget, password: string): Readonly<Record<string, string>> {
  const [user, secret] = [encodeURIComponent(username), encodeURIComponent(password)];
  const authority = (some: readonly string[]) => some.map((host) => `${host}:${POSTGRES_PORT}`).join(',');
  const uri = (some: readonly string[]) => `postgresql://${user}:${secret}@${authority(some)}/${database}?sslmode=require`;
  const jdbcUri = (some: readonly string[]) => `jdbc:postgresql://${authority(some)}/${database}?user=${user}&password=${secret}&sslmode=require`;
  // Behind HAProxy every host is the leader; members have to be asked.
  const several = hosts.length > 1;
  const [writable, writableJdbc] = several ? ['&target_session_attrs=read-write', '&targetServerType=primary'] : ['', ''];
  return {
    username,
    password,
    host: hosts.join(','),
    port: String(POSTGRES_PORT),
    dbname: database,
    uri: `${uri(hosts)}${writable}`,
    'jdbc-uri': `${jdbcUri(hosts)}${writableJdbc}`,
    'failover-uri': `${uri(failoverHosts)}${writable}&connect_timeout=${CONNECT_TIMEOUT_S}`,
    'failover-jdbc-uri': `${jdbcUri(failoverHosts)}${writableJdbc}&connectTimeout=${CONNECT_TIMEOUT_S}`,
    pgpass: [...new Set([...hosts, ...failoverHosts])].map((host) => [host, String(POSTGRES_PORT), '*', username, password].map(escapePgpass).join(':')).join('\n') + '\n',
  };
}

/** libpq's password file: `:` and `\` are escaped with `\`. */
function escapePgpass(field: string): string {
  return field.replaceAll(/[\\:]/g, String.raw`\$&`);
}
