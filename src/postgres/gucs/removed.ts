/**
 * Settings that went, by hand from the release notes of PostgreSQL: the major without them and what to do instead. Tables elsewhere on the web still name them.
 * `sort_mem`, `vacuum_mem` and (18) `ssl_ecdh_curve` are still taken by the server under their old name (guc.c: map_old_guc_names), but Patroni leaves them out.
 */
const REMOVED: Readonly<Record<string, readonly [since: string, remedy: string]>> = {
  sort_mem: ['8.0', 'use work_mem'],
  vacuum_mem: ['8.0', 'use maintenance_work_mem'],
  max_fsm_pages: ['8.4', 'remove it, since free space is tracked without it'],
  max_fsm_relations: ['8.4', 'remove it, since free space is tracked without it'],
  add_missing_from: ['9.0', 'remove it'],
  custom_variable_classes: ['9.2', 'remove it, since any prefix is allowed'],
  silent_mode: ['9.2', 'remove it'],
  replication_timeout: ['9.3', 'use wal_sender_timeout'],
  unix_socket_directory: ['9.3', 'use unix_socket_directories'],
  checkpoint_segments: ['9.5', 'use max_wal_size, about 48MB for each segment'],
  min_parallel_relation_size: ['10', 'use min_parallel_table_scan_size'],
  sql_inheritance: ['10', 'remove it'],
  replacement_sort_tuples: ['11', 'remove it'],
  standby_mode: ['12', 'remove it, since Patroni tells each member what it is'],
  trigger_file: ['12', 'remove it, since Patroni promotes by itself'],
  wal_keep_segments: ['13', 'use wal_keep_size, 16MB for each segment'],
  operator_precedence_warning: ['14', 'remove it'],
  vacuum_cleanup_index_scale_factor: ['14', 'remove it'],
  stats_temp_directory: ['15', 'remove it, since statistics live in shared memory'],
  force_parallel_mode: ['16', 'use debug_parallel_query'],
  lc_collate: ['16', 'set the locale when a database is created'],
  lc_ctype: ['16', 'set the locale when a database is created'],
  promote_trigger_file: ['16', 'remove it, since Patroni promotes by itself'],
  vacuum_defer_cleanup_age: ['16', 'use hot_standby_feedback or replication slots'],
  db_user_namespace: ['17', 'remove it'],
  old_snapshot_threshold: ['17', 'use transaction_timeout or idle_in_transaction_session_timeout'],
  trace_recovery_messages: ['17', 'use log_min_messages'],
  extension_destdir: ['18', 'use extension_control_path'],
  ssl_ecdh_curve: ['18', 'use ssl_groups'],
};

/** Since when a setting is gone and what to do (`use wal_keep_size …`), for a major that lacks it; undefined if no major ever had it as far as we know. Any case. */
export function removedGuc(name: string): { readonly since: string; readonly remedy: string } | undefined {
  const key = name.toLowerCase();
  const found = Object.hasOwn(REMOVED, key) ? REMOVED[key] : undefined;
  return found === undefined ? undefined : { since: found[0], remedy: found[1] };
}
