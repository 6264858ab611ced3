import { type EffectiveCluster, POSTGRES_PORT } from '../api/effective.ts';
import { names, podFqdn, serviceFqdn } from '../api/names.ts';

/** Where a client of one database user connects. */
export interface ConnectionTarget {
  /** One host, or all members when there is no HAProxy. */
  readonly hosts: readonly string[];
  readonly username: string;
  readonly database: string;
}

/** Through HAProxy to the leader; without HAProxy to all members, of which the client picks the one that takes writes. */
export function connectionTarget(c: EffectiveCluster, username: string, database: string): ConnectionTarget {
  const members = Array.from({ length: c.spec.postgres.replicas }, (_, ordinal) =>
    podFqdn(c.name, c.namespace, 'postgres', ordinal, c.clusterDomain),
  );
  const hosts = c.spec.haproxy.enabled ? [serviceFqdn(names.primaryService(c.name), c.namespace, c.clusterDomain)] : members;
  return { hosts, username, database };
}

/**
 * The keys of a connection Secret. The URIs ask for TLS (`require`) but do not verify, since that needs a path to `ca.crt` that only the client knows:
 * append `&sslmode=verify-full&sslrootcert=<path>`; every host in here is in the server's certificate.
 */
export function connectionEntries({ hosts, username, database }: ConnectionTarget, password: string): Readonly<Record<string, string>> {
  const [user, secret] = [encodeURIComponent(username), encodeURIComponent(password)];
  const authority = hosts.map((host) => `${host}:${POSTGRES_PORT}`).join(',');
  const several = hosts.length > 1;
  return {
    username,
    password,
    host: hosts.join(','),
    port: String(POSTGRES_PORT),
    dbname: database,
    uri: `postgresql://${user}:${secret}@${authority}/${database}?sslmode=require${several ? '&target_session_attrs=read-write' : ''}`,
    'jdbc-uri': `jdbc:postgresql://${authority}/${database}?user=${user}&password=${secret}&sslmode=require${several ? '&targetServerType=primary' : ''}`,
    pgpass: hosts.map((host) => [host, String(POSTGRES_PORT), '*', username, password].map(escapePgpass).join(':')).join('\n') + '\n',
  };
}

/** libpq's password file: `:` and `\` are escaped with `\`. */
function escapePgpass(field: string): string {
  return field.replaceAll(/[\\:]/g, String.raw`\$&`);
}
