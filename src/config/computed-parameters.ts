import { type EffectiveCluster, POSTGRES_PORT } from '../api/effective.ts';

/** PostgreSQL's settings as Patroni's dynamic configuration takes them: numbers, or text with a unit PostgreSQL knows. */
export type Parameters = Readonly<Record<string, string | number>>;

const MB = 1024 * 1024;
/** A connection costs 5 to 10 MB of memory under work; PostgreSQL's default is the least. */
const MEMORY_MB_PER_CONNECTION = 10;
const CONNECTIONS = { least: 100, most: 1000 } as const;
/** Room for replication, logical decoding and extensions beside the parallel workers. */
const WORKERS = { others: 8, least: 16 } as const;
/** Above the schema's bound of 16 members, so that scaling never needs a restart: 15 standbys, 2 for a base backup, spare ones for logical subscribers. */
const MAX_WAL_SENDERS = 24;

/**
 * Conservative settings computed from the size of a pod and of its volume. They live in the DCS (`bootstrap.dcs`), where an administrator can change them;
 * sizes are whole megabytes, since PostgreSQL compares what it is given.
 */
export function computedParameters(c: EffectiveCluster): Parameters {
  const cpus = c.postgresCpus === undefined ? undefined : Math.max(Math.ceil(c.postgresCpus), 1);
  const memoryMb = Math.floor(c.postgresMemoryBytes / MB);
  const storageMb = Math.floor(c.postgresStorageBytes / MB);
  return {
    max_connections: tens(clamp(memoryMb / MEMORY_MB_PER_CONNECTION, CONNECTIONS.least, CONNECTIONS.most)),
    max_wal_senders: MAX_WAL_SENDERS,
    max_replication_slots: MAX_WAL_SENDERS,
    max_worker_processes: Math.max((cpus ?? 0) + WORKERS.others, WORKERS.least),
    // Without a limit nobody knows how many cores there are, and PostgreSQL's own defaults hold.
    ...(cpus === undefined ? {} : { max_parallel_workers: cpus, max_parallel_workers_per_gather: clamp(cpus / 2, 0, 4) }),
    wal_level: 'logical',
    wal_log_hints: 'on',
    hot_standby_feedback: 'on',
    track_commit_timestamp: 'off',
    password_encryption: 'scram-sha-256',

    shared_buffers: megabytes(clamp(memoryMb / 4, 16, 16 * 1024)),
    effective_cache_size: megabytes(Math.max(memoryMb / 2, 32)),
    maintenance_work_mem: megabytes(clamp(memoryMb / 16, 16, 1024)),
    // Containers seldom have a right to huge pages that their node has; PostgreSQL then dies of SIGBUS at the first touch (docker-library/postgres#451).
    huge_pages: 'off',

    checkpoint_timeout: '15min',
    checkpoint_completion_target: 0.9,
    max_wal_size: megabytes(clamp(storageMb / 8, 128, 4096)),
    min_wal_size: megabytes(clamp(storageMb / 32, 80, 1024)),
    wal_keep_size: megabytes(clamp(storageMb / 32, 64, 512)),
    // A dead replica's slot keeps WAL; it must never fill the leader's volume.
    max_slot_wal_keep_size: megabytes(Math.max(storageMb / 2, 128)),

    wal_sender_timeout: '15s',
    wal_receiver_timeout: '15s',
    wal_retrieve_retry_interval: '1s',
    // Keepalives find dead peers. Not tcp_user_timeout: it also ends connections to living clients that read slowly (a paused dump, a replica whose disk stalls).
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
    client_connection_check_interval: '10s',
    ssl_min_protocol_version: 'TLSv1.2',
    log_checkpoints: 'on',
    log_lock_waits: 'on',
    log_line_prefix: '%m [%p] %q%u@%d ',
  };
}

/** `value` between `low` and `high`, as a whole number. */
function clamp(value: number, low: number, high: number): number {
  return Math.floor(Math.min(Math.max(value, low), high));
}

/** Rounded down to tens. */
function tens(value: number): number {
  return Math.floor(value / 10) * 10;
}

function megabytes(value: number): string {
  return `${Math.floor(value)}MB`;
}

/** Where PostgreSQL listens: every address of the pod. Patroni splits host and port at the last colon. */
export const LISTEN = `*:${POSTGRES_PORT}`;
