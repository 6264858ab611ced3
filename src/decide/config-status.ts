import { findCondition } from '../api/conditions.ts';
import type { PatroniClusterStatus } from '../api/status.ts';
import { problemText } from '../api/problem.ts';
import { gucOf } from '../postgres/gucs/catalogue.ts';
import { wantedDynamicConfig } from '../config/dynamic-config.ts';
import { settingAt } from '../config/layers.ts';
import { foreignPaths } from '../config/owned-patch.ts';
import { isMemberSlot } from '../config/slots.ts';
import { configVerdicts, type KeyVerdict } from '../config/verdicts.ts';
import { parsePath } from '../lib/json-path.ts';
import { memberStates, ownedKeys } from './config-facts.ts';
import { configuredCluster, type Seen } from './facts.ts';
import type { Observed } from './observed.ts';

type ConfigStatus = NonNullable<PatroniClusterStatus['config']>;

const MOST_KEYS = 512;
const MOST_DRIFT = 128;
const MOST_WARNINGS = 64;

/**
 * `status.config`: a verdict for every key that the user set, and the keys in etcd that nobody here has set. Members are asked now and then only; until then what was seen last
 * stands, except that a key that is refused is told at once.
 */
export function configStatus(observed: Observed): ConfigStatus | undefined {
  const before = observed.cluster.status?.config;
  const rejected = observed.problems.map(({ path, message }) => ({ key: path.slice(0, 512), target: 'local' as const, path: '', verdict: 'Rejected', message: message.slice(0, 1024) }));
  // What runs is still the configuration from before, whose other keys keep their verdicts.
  const others = (before?.keys ?? []).filter(({ verdict, key }) => verdict !== 'Rejected' && !rejected.some((each) => each.key === key));
  if (rejected.length > 0) return { ...before, keys: [...rejected, ...others].slice(0, MOST_KEYS) };
  const { effective, dynamicConfig } = observed;
  if (effective === undefined || dynamicConfig === undefined) return before;
  const seen: Seen = { ...observed, effective };
  const configured = configuredCluster(seen);
  const owned = ownedKeys(seen) ?? [];
  const keys = configVerdicts(configured, { live: dynamicConfig, members: memberStates(seen), owned, wasApplied: wasApplied(observed) }).map((verdict) => publishable(effective.spec.versions.postgres, verdict));
  const drift = foreignPaths({ owned, wanted: wantedDynamicConfig(configured), live: dynamicConfig }).filter((path) => !isOurs(seen, path));
  const warnings = (observed.warnings ?? []).map((warning) => problemText(warning).slice(0, 1024));
  return {
    ...(keys.length === 0 ? {} : { keys: keys.slice(0, MOST_KEYS) }),
    ...(drift.length === 0 ? {} : { drift: drift.slice(0, MOST_DRIFT) }),
    ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, MOST_WARNINGS) }),
  };
}

function wasApplied({ cluster: { metadata, status } }: Observed): boolean {
  const condition = findCondition(status?.conditions, 'ConfigApplied');
  return status?.observedGeneration === metadata.generation && condition !== undefined && condition.reason !== 'Loading';
}

/** The pause is told by a condition of its own, and slots of members come and go with their pods. */
function isOurs(seen: Seen, path: string): boolean {
  const [section, slot = ''] = parsePath(path) ?? [];
  return path === 'pause' || (section === 'slots' && isMemberSlot(seen.effective, slot));
}

/** Texts such as archive_command may hold secrets; the status shows only what is known to hold none. The spec, which has the value, is for those who may read it. */
function publishable(major: string, { members, effectiveByMember, effective, ...verdict }: KeyVerdict): NonNullable<ConfigStatus['keys']>[number] {
  const name = settingAt(verdict.path) ?? '';
  const type = gucOf(major, name)?.type;
  const isPublic = type !== undefined && (type !== 'string' || PUBLIC_TEXTS.has(name));
  return {
    ...verdict,
    ...(members === undefined ? {} : { members: [...members] }),
    ...(isPublic && effective !== undefined ? { effective } : {}),
    ...(isPublic && effectiveByMember !== undefined ? { effectiveByMember } : {}),
  };
}

const PUBLIC_TEXTS = new Set(['datestyle', 'timezone', 'log_timezone', 'search_path', 'shared_preload_libraries', 'log_line_prefix', 'lc_messages', 'default_text_search_config']);
