import type { EffectiveCluster } from '../api/effective.ts';

/** Map in pg_ident.conf that lets the operating system's `postgres` (uid 999 of the image) in over the socket as Patroni's users. */
const MAP = 'patroni';
const OS_USER = 'postgres';

/**
 * Lines of pg_hba.conf. First match wins:
 * - over the socket, the pod's own user is the superuser and the replication user (Patroni, `kubectl exec … psql -U postgres`), everybody else needs a password;
 * - over the network there is TLS or nothing (no `host` line at all);
 * - the replication user proves itself with its client certificate and may only replicate. Certificates instead of a password keep Patroni's one shared
 *   password file out of replication: pg_rewind rewrites that file, and a pg_basebackup that reads it at the wrong moment asks for a password for ever.
 */
export function hostBasedAuthentication(c: EffectiveCluster): readonly string[] {
  const { superuser, replication, rewind } = c.spec.patroni.users;
  const { prepend = [], append = [], replace } = c.spec.postgres.hba ?? {};
  const own = [
    `local all ${superuser} peer map=${MAP}`,
    `local replication ${replication} peer map=${MAP}`,
    'local all all scram-sha-256',
    `hostssl replication ${replication} all cert`,
    `hostssl all ${replication} all reject`,
  ];
  // Patroni and pg_rewind come from other members; without these a user's line could lock the members out of each other.
  const members = [`hostssl all ${superuser} all scram-sha-256`, `hostssl all ${rewind} all scram-sha-256`];
  if (replace !== undefined) return [...own, ...members, ...replace];
  return append.length + prepend.length === 0 ? [...own, EVERYBODY] : [...own, ...(prepend.length === 0 ? [] : members), ...prepend, ...append, EVERYBODY];
}

const EVERYBODY = 'hostssl all all all scram-sha-256';

/** Lines of pg_ident.conf: map, operating system user, database user. */
export function identMap(c: EffectiveCluster): readonly string[] {
  const { superuser, replication } = c.spec.patroni.users;
  return [`${MAP} ${OS_USER} ${superuser}`, `${MAP} ${OS_USER} ${replication}`, ...(c.spec.postgres.ident ?? [])];
}
