import type { Leaf } from '../api/names.ts';

/** Where things are inside a Postgres pod. Part of the pod template: frozen across operator versions. */
export const PATHS = {
  /** The volume. PGDATA is a folder below it, because Patroni renames PGDATA when a bootstrap fails, and a mount point cannot be renamed. */
  volume: '/var/lib/postgresql',
  data: '/var/lib/postgresql/data',
  /** Sockets and the password file: memory, never the volume. */
  run: '/run/postgresql',
  pgpass: '/run/postgresql/pgpass',
  /** Patroni merges every `*.yml` in here in the order of their names (Patroni 4.1 `_load_config_path`); other files are left alone. */
  config: '/etc/patroni',
  tls: '/etc/patroni-tls',
} as const;

/** Leaf certificates that a Postgres pod carries, each in a folder of its own. */
export const POSTGRES_POD_LEAVES = [
  'postgres-server',
  'patroni-rest',
  'replication',
  'rest-client',
  'etcd-client',
] as const satisfies readonly Leaf[];

export type PostgresPodLeaf = (typeof POSTGRES_POD_LEAVES)[number];

/** Files of a leaf certificate in a Postgres pod. */
export function leafFiles(leaf: PostgresPodLeaf): { readonly cert: string; readonly key: string; readonly ca: string } {
  const folder = `${PATHS.tls}/${leaf}`;
  return { cert: `${folder}/tls.crt`, key: `${folder}/tls.key`, ca: `${folder}/ca.crt` };
}
