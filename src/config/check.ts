import type { EffectiveCluster } from '../api/effective.ts';
import type { Problem } from '../api/problem.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, isWithin, type JsonPath, leavesOf, valueAtPath } from '../lib/json-path.ts';
import { closestWord } from '../lib/closest-word.ts';
import { checkDynamicKey } from './check-dynamic.ts';
import { checkHba, checkIdent } from './check-hba.ts';
import { checkOmissions } from './check-omit.ts';
import { checkParameter } from './check-parameter.ts';
import { wantedDynamicConfig } from './dynamic-config.ts';
import { PATRONI_TIMING } from './dynamic-defaults.ts';
import { found, type Found } from './found.ts';
import { checkKey } from './key-type.ts';
import { PARAMETERS } from './layers.ts';
import { localBase } from './local-config.ts';
import { LOCAL_KEYS } from './local-keys.ts';
import { LOCAL_SECTIONS, PROTECTED_DYNAMIC, PROTECTED_LOCAL, protectedBy, type ProtectedKey } from './protected.ts';
import { isMemberSlot } from './slots.ts';

/** What is wrong with the configuration in a spec. Errors keep the whole spec from being applied; warnings are told and change nothing. */
export interface ConfigFindings {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Judges everything that the free maps, lists and settings of a spec ask of Patroni and PostgreSQL. The schema has accepted the spec. Pure. */
export function checkConfig(c: EffectiveCluster): ConfigFindings {
  const { postgres, patroni } = c.spec;
  const { config = {}, dynamicConfig = {} } = patroni;
  const fromFile = valueAtPath(config, ['bootstrap', 'dcs']);
  const found = [
    ...checkParameters(c, postgres.parameters ?? {}, 'spec.postgres.parameters'),
    ...checkLocal(c, config),
    ...(fromFile === undefined ? [] : checkDynamic(c, fromFile, 'spec.patroni.config.bootstrap.dcs')),
    ...checkDynamic(c, dynamicConfig, 'spec.patroni.dynamicConfig'),
    ...checkTiming(c),
    ...checkOmissions(c),
    ...checkHba(postgres.hba),
    ...checkIdent(postgres.ident),
    ...checkOwnSlots(c, patroni.slots ?? {}, 'spec.patroni.slots'),
  ];
  return { errors: found.filter(({ severity }) => severity === 'error').map(plain), warnings: found.filter(({ severity }) => severity === 'warning').map(plain) };
}

function plain({ code, path, message }: Found): Problem {
  return { code, path, message };
}

function checkParameters(c: EffectiveCluster, settings: JsonObject, field: string): readonly Found[] {
  const names = Object.keys(settings);
  const twice = names.filter((name) => names.some((other) => other < name && other.toLowerCase() === name.toLowerCase()));
  const doubles = twice.map((name) => found('error', 'ERR_SPEC_PARAMETER', formatPath([...field.split('.'), name]), 'is set twice in different spelling, which PostgreSQL does not tell apart: keep one of them'));
  return [...doubles, ...Object.entries(settings).flatMap(([name, value]) => checkParameter(c.spec.versions.postgres, name, value, formatPath([...field.split('.'), name])))];
}

function checkLocal(c: EffectiveCluster, config: JsonObject): readonly Found[] {
  const field = 'spec.patroni.config';
  const unknown = Object.keys(config).filter((section) => !LOCAL_SECTIONS.includes(section)).map((section) => unknownSection(section, field));
  const settings = valueAtPath(config, PARAMETERS);
  return [
    ...unknown,
    ...checkProtected({ config, rows: PROTECTED_LOCAL, field, base: localBase(c), elsewhere: [['bootstrap', 'dcs'], PARAMETERS] }),
    ...(settings === undefined || settings === null ? [] : isJsonObject(settings) ? checkParameters(c, settings, `${field}.postgresql.parameters`) : [notAMap(`${field}.postgresql.parameters`)]),
    ...sectionsAreMaps(config, field),
    ...checkLocalKeys(config, field),
  ];
}

function unknownSection(section: string, field: string): Found {
  const path = formatPath([...field.split('.'), section]);
  if (isDynamicKey(section)) return found('error', 'ERR_SPEC_CONFIG_PROTECTED', path, `is ignored by Patroni in its local file: put it under spec.patroni.dynamicConfig`);
  const meant = closestWord(section, LOCAL_SECTIONS);
  return found('error', 'ERR_SPEC_CONFIG_UNKNOWN', path, `is no section of Patroni's configuration${meant === undefined ? ': remove it' : `: did you mean ${meant}?`}`);
}

const isDynamicKey = (key: string): boolean => checkDynamicKey(key, undefined, '').length === 0 && key !== 'postgresql';

const SECTIONS_WITH_KEYS = ['bootstrap', 'ctl', 'log', 'postgresql', 'restapi', 'tags', 'watchdog'];

function sectionsAreMaps(config: JsonObject, field: string): readonly Found[] {
  const wrong = SECTIONS_WITH_KEYS.filter((section) => config[section] !== undefined && config[section] !== null && !isJsonObject(config[section]));
  return wrong.map((section) => notAMap(`${field}.${section}`));
}

function notAMap(path: string): Found {
  return found('error', 'ERR_SPEC_CONFIG_VALUE', path, 'must be a map of keys and values: correct it');
}

/** Types of known keys, and slips of the pen. Sections of unknown keys (a custom replica method, say) are left to Patroni. */
function checkLocalKeys(config: JsonObject, field: string): readonly Found[] {
  return Object.entries(LOCAL_KEYS).flatMap(([section, keys]) => {
    const values = config[section];
    if (!isJsonObject(values)) return [];
    const forbidden = PROTECTED_LOCAL.filter(({ path }) => path[0] === section).map(({ path }) => path[1] ?? '');
    return Object.entries(values).flatMap(([name, value]): readonly Found[] => {
      const path = formatPath([...field.split('.'), section, name]);
      const known = keys[name];
      if (known !== undefined) return section === 'watchdog' && name === 'mode' && value === false ? [] : checkKey(known, value, path);
      if (forbidden.includes(name)) return [];
      const meant = closestWord(name, Object.keys(keys));
      return meant === undefined ? [] : [found('error', 'ERR_SPEC_CONFIG_UNKNOWN', path, `is no key of Patroni's section ${section}: did you mean ${meant}?`)];
    });
  });
}

function checkDynamic(c: EffectiveCluster, config: unknown, field: string): readonly Found[] {
  if (!isJsonObject(config)) return config === null ? [] : [notAMap(field)];
  const own = protectedBySections(PROTECTED_DYNAMIC);
  const settings = valueAtPath(config, PARAMETERS);
  const slots = config['slots'];
  return [
    ...checkProtected({ config, rows: PROTECTED_DYNAMIC, field, base: {}, elsewhere: [] }),
    ...Object.entries(config).filter(([key]) => !own.has(key)).flatMap(([key, value]) => checkDynamicKey(key, value, formatPath([...field.split('.'), key]))),
    ...(isJsonObject(settings) ? checkParameters(c, settings, `${field}.postgresql.parameters`) : []),
    ...(isJsonObject(slots) ? checkOwnSlots(c, slots, `${field}.slots`) : []),
  ];
}

const protectedBySections = (rows: readonly ProtectedKey[]): ReadonlySet<string> => new Set(rows.filter(({ path }) => path.length === 1).map(({ path }) => path[0] ?? ''));

interface Protection {
  readonly config: JsonObject;
  readonly rows: readonly ProtectedKey[];
  /** Field of the spec that `config` is. */
  readonly field: string;
  /** What the operator sets, which must not be taken away with what is above it. */
  readonly base: JsonObject;
  /** Paths that are judged in another way. */
  readonly elsewhere: readonly JsonPath[];
}

/** A finding for each row that forbids something in `config`, at the first key that is forbidden. Null counts as well: it would remove what the operator set, and `restapi: null` would take `restapi.listen` along. */
function checkProtected({ config, rows, field, base, elsewhere }: Protection): readonly Found[] {
  const hits = new Map<ProtectedKey, JsonPath>();
  for (const { path, value } of leavesOf(config)) {
    if (elsewhere.some((prefix) => isWithin(path, prefix))) continue;
    const row = protectedBy(rows, path) ?? (isJsonObject(value) ? undefined : rows.find((candidate) => isWithin(candidate.path, path) && valueAtPath(base, candidate.path) !== undefined));
    if (row !== undefined && !hits.has(row)) hits.set(row, row.path.length <= path.length ? row.path : path);
  }
  return [...hits].map(([row, path]) => found('error', 'ERR_SPEC_CONFIG_PROTECTED', formatPath([...field.split('.'), ...path]), refusal(row, path)));
}

function refusal(row: ProtectedKey, path: JsonPath): string {
  return path.length < row.path.length ? `cannot be replaced as a whole, since ${formatPath(row.path)} ${row.why}: set single keys of it` : `cannot be set, since it ${row.why}: ${row.remedy}`;
}

function checkOwnSlots(c: EffectiveCluster, slots: JsonObject, field: string): readonly Found[] {
  return Object.keys(slots)
    .filter((name) => isMemberSlot(c, name))
    .map((name) => found('error', 'ERR_SPEC_CONFIG_PROTECTED', formatPath([...field.split('.'), name]), 'cannot be set, since it is the slot of a member of this cluster: choose another name'));
}

function checkTiming(c: EffectiveCluster): readonly Found[] {
  const { ttl, loop_wait, retry_timeout } = { ...PATRONI_TIMING, ...wantedDynamicConfig(c) } as Record<keyof typeof PATRONI_TIMING, unknown>;
  if (typeof ttl !== 'number' || typeof loop_wait !== 'number' || typeof retry_timeout !== 'number') return [];
  // A value that is out of bounds by itself has its own finding.
  if (ttl < 20 || loop_wait < 1 || retry_timeout < 3 || loop_wait + 2 * retry_timeout <= ttl) return [];
  const message = `must keep loop_wait + 2 × retry_timeout ≤ ttl, and ${String(loop_wait)} + 2 × ${String(retry_timeout)} is more than ${String(ttl)}: raise ttl to ${String(loop_wait + 2 * retry_timeout)} or lower the others`;
  return [found('error', 'ERR_SPEC_CONFIG_TIMING', timingField(c), message)];
}

/** Where to look first: the field that was written. */
function timingField({ spec: { patroni } }: EffectiveCluster): string {
  const { dynamicConfig = {} } = patroni;
  const key = ['ttl', 'loop_wait', 'retry_timeout'].find((candidate) => dynamicConfig[candidate] !== undefined);
  if (key !== undefined) return `spec.patroni.dynamicConfig.${key}`;
  const handle = (['ttl', 'loopWait', 'retryTimeout'] as const).find((candidate) => patroni[candidate] !== undefined);
  return `spec.patroni.${handle ?? 'failover'}`;
}
