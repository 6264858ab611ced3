import type { Guc } from './catalogue.ts';

interface ExtraRule {
  readonly names: readonly string[];
  /** `value` is in the base unit; 0 and 1 stand for off and on. */
  readonly holds: (value: number) => boolean;
  readonly message: string;
}

/** What hooks of PostgreSQL 14 to 18 refuse within the bounds that pg_settings shows, found by trying values on the servers. */
const RULES: readonly ExtraRule[] = [
  {
    // slru.c: check_slru_buffers(); 0 means a share of shared_buffers
    names: [
      ...['commit_timestamp_buffers', 'multixact_member_buffers', 'multixact_offset_buffers', 'notify_buffers'],
      ...['serializable_buffers', 'subtransaction_buffers', 'transaction_buffers'],
    ],
    holds: (value) => value % 16 === 0,
    message: 'must be a multiple of 16 blocks (128kB): correct it',
  },
  {
    // vacuum.c: check_vacuum_buffer_usage_limit()
    names: ['vacuum_buffer_usage_limit'],
    holds: (value) => value === 0 || value >= 128,
    message: 'must be 0 or between 128kB and 16GB: correct it',
  },
  {
    // aio.c: check_io_max_concurrency()
    names: ['io_max_concurrency'],
    holds: (value) => value !== 0,
    message: 'must be -1 or between 1 and 1024: correct it',
  },
  {
    names: ['default_with_oids'],
    holds: (value) => value === 0,
    message: 'must be off, since tables have no OIDs any more: remove it',
  },
  {
    // The packages for Linux are built without it, and then the server does not start.
    names: ['bonjour'],
    holds: (value) => value === 0,
    message: 'must be off, since PostgreSQL for Linux is built without Bonjour: remove it',
  },
];

/** What a hook refuses in a value that is otherwise right, or undefined. */
export function extraRule({ name }: Guc, value: number): string | undefined {
  return RULES.find(({ names, holds }) => names.includes(name) && !holds(value))?.message;
}
