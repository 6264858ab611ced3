import { isWithin, type JsonPath } from '../lib/json-path.ts';
import { gucOf } from '../postgres/gucs/catalogue.ts';
import { PARAMETERS } from './layers.ts';

/** When a key takes effect. Completes "takes effect …". */
export const EFFECTS = {
  Reload: 'at once, without a restart',
  Restart: 'with a restart of PostgreSQL',
  NewSessions: 'in sessions that begin afterwards',
  CreationOnly: 'only while the cluster is created',
  Never: 'never: PostgreSQL does not let it be set',
  ByExtension: 'as its extension says',
} as const;

export type Effect = keyof typeof EFFECTS;

const RECOVERY: JsonPath = ['postgresql', 'recovery_conf'];

/** When a key of Patroni's dynamic configuration takes effect, by `pg_settings.context` for settings of PostgreSQL. Patroni reads everything else at its next look. */
export function dynamicEffect(major: string, path: JsonPath): Effect {
  const name = path[2];
  if (name === undefined || path.length !== 3 || !(isWithin(path, PARAMETERS) || isWithin(path, RECOVERY))) return 'Reload';
  if (name.includes('.')) return 'ByExtension';
  switch (gucOf(major, name)?.context) {
    case 'postmaster':
      return 'Restart';
    case 'backend':
    case 'superuser-backend':
      return 'NewSessions';
    case 'sighup':
    case 'superuser':
    case 'user':
      return 'Reload';
    default:
      return 'Never';
  }
}

/** The same for a key of the local file, which Patroni reads again when it is told to. */
export function localEffect(path: JsonPath): Effect {
  return path[0] === 'bootstrap' ? 'CreationOnly' : 'Reload';
}
