import { closestWord } from '../lib/closest-word.ts';
import { isJsonObject } from '../lib/deep-merge.ts';
import { found, type Found } from './found.ts';
import { DYNAMIC_KEYS, DYNAMIC_POSTGRESQL_KEYS, RENAMED_DYNAMIC_KEYS } from './dynamic-keys.ts';
import { checkKey } from './key-type.ts';

/**
 * Judges one key of the dynamic configuration. Keys that Patroni does not know are refused when they look like a slip of the pen, else told as a warning: a later Patroni may know
 * them. `undefined` and null stand for a value that is taken away.
 */
export function checkDynamicKey(key: string, value: unknown, path: string): readonly Found[] {
  const known = DYNAMIC_KEYS[key];
  if (known === undefined) return [unknownKey(key, path)];
  const own = checkKey(known, value, path);
  if (key !== 'postgresql' || !isJsonObject(value)) return [...own, ...(key === 'slots' ? checkSlots(value, path) : [])];
  return [...own, ...Object.entries(value).flatMap(([name, below]) => checkPostgresqlKey(name, below, `${path}.${name}`))];
}

function unknownKey(key: string, path: string): Found {
  const renamed = RENAMED_DYNAMIC_KEYS[key];
  if (renamed !== undefined) return found('error', 'ERR_SPEC_CONFIG_UNKNOWN', path, `is called ${renamed} since Patroni 4.0: rename it`);
  const meant = closestWord(key, Object.keys(DYNAMIC_KEYS));
  if (meant !== undefined) return found('error', 'ERR_SPEC_CONFIG_UNKNOWN', path, `is no key of Patroni's dynamic configuration: did you mean ${meant}?`);
  return found('warning', 'ERR_SPEC_CONFIG_UNKNOWN', path, "is no key of Patroni's dynamic configuration that this release knows, and probably ignored: check its name");
}

function checkPostgresqlKey(name: string, value: unknown, path: string): readonly Found[] {
  const known = DYNAMIC_POSTGRESQL_KEYS[name];
  if (known !== undefined) return checkKey(known, value, path);
  const meant = closestWord(name, Object.keys(DYNAMIC_POSTGRESQL_KEYS));
  return meant === undefined ? [] : [found('error', 'ERR_SPEC_CONFIG_UNKNOWN', path, `is no key of Patroni's section postgresql: did you mean ${meant}?`)];
}

function checkSlots(slots: unknown, path: string): readonly Found[] {
  if (!isJsonObject(slots)) return [];
  return Object.entries(slots).flatMap(([name, slot]): readonly Found[] => {
    const at = `${path}.${name}`;
    if (!/^[a-z0-9_]{1,63}$/.test(name)) return [found('error', 'ERR_SPEC_CONFIG_VALUE', at, 'must be the name of a slot: use lower-case letters, digits and underscores')];
    if (slot === null) return [];
    if (!isJsonObject(slot)) return [found('error', 'ERR_SPEC_CONFIG_VALUE', at, 'must be a map with type, and for logical slots database and plugin: correct it')];
    const isLogical = slot['database'] !== undefined && slot['plugin'] !== undefined;
    if (slot['type'] === 'physical' || (slot['type'] === undefined && !('database' in slot)) || ((slot['type'] ?? 'logical') === 'logical' && isLogical)) return [];
    return [found('error', 'ERR_SPEC_CONFIG_VALUE', at, 'must be of type physical, or of type logical with database and plugin: correct it')];
  });
}
