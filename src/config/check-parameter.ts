import { checkGuc } from '../postgres/gucs/value.ts';
import { found, type Found } from './found.ts';
import { PATRONI_MINIMUM } from './dynamic-keys.ts';
import { leftOutByPatroni } from './patroni-values.ts';
import { PROTECTED_PARAMETERS, protectedBy } from './protected.ts';

/** Values that PostgreSQL takes and this operator does not, each with its reason. */
const REFUSED: Readonly<Record<string, { readonly values: RegExp; readonly message: string }>> = {
  wal_level: { values: /^minimal$/i, message: 'must be replica or logical, since replicas need that much WAL: correct it' },
  password_encryption: { values: /^(md5|on|true|yes|1)$/i, message: 'must be scram-sha-256, since no weaker password passes pg_hba.conf: correct it' },
  ssl_min_protocol_version: { values: /^(tlsv1|tlsv1\.1|)$/i, message: 'must be TLSv1.2 or TLSv1.3, since older versions are broken: correct it' },
};

/** Settings that may cost data, told each time. */
const DANGEROUS: Readonly<Record<string, { readonly values: RegExp; readonly message: string }>> = {
  fsync: { values: /^(off|false|no|0)$/i, message: 'is off: a crash of a node can destroy the database of its member' },
  full_page_writes: { values: /^(off|false|no|0)$/i, message: 'is off: a crash of a node can destroy the database of its member' },
  wal_log_hints: { values: /^(off|false|no|0)$/i, message: 'is off: without data checksums pg_rewind cannot bring an old leader back' },
  zero_damaged_pages: { values: /^(on|true|yes|1)$/i, message: 'is on: damaged pages are emptied instead of reported' },
};

/** Judges one setting of PostgreSQL. `path` is that of the setting in the spec. Null takes the value of the operator away and is no setting. */
export function checkParameter(major: string, name: string, value: unknown, path: string): readonly Found[] {
  const row = protectedBy(PROTECTED_PARAMETERS, [name.toLowerCase()]);
  if (row !== undefined) return [found('error', 'ERR_SPEC_CONFIG_PROTECTED', path, `cannot be set, since it ${row.why}: ${row.remedy}`)];
  if (value === null) return [];
  const guc = checkGuc(major, name, value);
  if (guc !== undefined) return [found(guc.severity, 'ERR_SPEC_PARAMETER', path, guc.message)];
  const leftOut = leftOutByPatroni(major, name, value);
  if (leftOut !== undefined) return [found('error', 'ERR_SPEC_PARAMETER', path, leftOut)];
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  const refused = REFUSED[name.toLowerCase()];
  if (refused?.values.test(text) === true) return [found('error', 'ERR_SPEC_PARAMETER', path, refused.message)];
  const minimum = PATRONI_MINIMUM[name.toLowerCase()];
  if (minimum !== undefined && Number(text) < minimum) return [found('error', 'ERR_SPEC_PARAMETER', path, `must be at least ${String(minimum)}, or Patroni takes its own default instead: raise it`)];
  const dangerous = DANGEROUS[name.toLowerCase()];
  return dangerous?.values.test(text) === true ? [found('warning', 'ERR_SPEC_PARAMETER', path, dangerous.message)] : [];
}
