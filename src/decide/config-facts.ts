import type { EffectiveCluster } from '../api/effective.ts';
import { wantedDynamicConfig } from '../config/dynamic-config.ts';
import { PATRONI_PARAMETERS } from '../config/dynamic-keys.ts';
import { PARAMETERS } from '../config/layers.ts';
import { contradicts } from '../postgres/settings.ts';
import type { MemberState } from '../config/verdicts.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { leavesOf, valueAtPath } from '../lib/json-path.ts';
import { isSame } from '../config/owned-patch.ts';
import { isJsonObject } from '../lib/deep-merge.ts';
import { patroniConfigHash } from '../resources/postgres/patroni-config.ts';
import { configuredCluster, memberOrdinal, podsOf, type Seen } from './facts.ts';

/** Questions about which configuration the members have. All pure. */

/**
 * Members that have not loaded the configuration as it is wanted: the dynamic one by their own word (`GET /config`), the local file by the hash they show as a tag. Undefined when a
 * member could not be asked, for then nobody knows.
 */
export function membersYetToLoad(seen: Seen): readonly string[] | undefined {
  const members = podsOf(seen, 'postgres').filter((pod) => pod.running && !pod.terminating);
  if (seen.dynamicConfig === undefined || seen.view === undefined) return undefined;
  const wanted = leavesOf(wantedDynamicConfig(configuredCluster(seen))).filter(({ value }) => !isJsonObject(value));
  const behind: string[] = [];
  for (const { name } of members) {
    const config = seen.memberConfigs?.get(name)?.dynamicConfig;
    if (config === undefined) return undefined;
    const hasAll = wanted.every(({ path, value }) => isSame(valueAtPath(config, path), value));
    if (!hasAll || canonicalJson(config) !== canonicalJson(seen.dynamicConfig) || !hasLoadedFile(seen, name)) behind.push(name);
  }
  return behind;
}

/**
 * Members whose PostgreSQL runs with something else than is wanted although no restart waits there: between the moment in which Patroni has read the configuration and the one
 * in which it has applied it, or has told that a restart is needed. Members whose settings are not known are left out. Only settings that are `considered` count.
 */
export function membersYetToApply(seen: Seen, considered: (setting: string) => boolean = () => true): readonly string[] {
  const parameters = valueAtPath(wantedDynamicConfig(configuredCluster(seen)), PARAMETERS);
  const wanted = { ...PATRONI_PARAMETERS, ...(isJsonObject(parameters) ? parameters : {}) };
  const { postgres: major } = seen.effective.spec.versions;
  return memberStates(seen)
    .filter(({ settings = {}, pending }) =>
      Object.entries(settings).some(
        ([name, running]) =>
          Object.hasOwn(wanted, name) && considered(name) && !running.isFromAlterSystem && !pending.some((setting) => setting.name === name) && contradicts(major, name, running, wanted[name as keyof typeof wanted]),
      ),
    )
    .map(({ name }) => name);
}

/** Names of the settings whose running values prove that the configuration is in force. */
export function settingsToProve(c: EffectiveCluster): readonly string[] {
  const parameters = valueAtPath(wantedDynamicConfig(c), PARAMETERS);
  return [...Object.keys(PATRONI_PARAMETERS), ...Object.keys(isJsonObject(parameters) ? parameters : {})];
}

/** Whether a member shows the hash of the file it should run. A member that shows none runs an image or a file from before. */
function hasLoadedFile(seen: Seen, member: string): boolean {
  const tags = seen.view?.members.find(({ name }) => name === member)?.tags;
  return tags?.['config-hash'] === patroniConfigHash(seen.effective, memberOrdinal(seen, member) ?? 0);
}

/** What is known of each member, for the verdicts. */
export function memberStates(seen: Seen): readonly MemberState[] {
  return (seen.view?.members ?? []).map((member) => {
    const asked = seen.memberConfigs?.get(member.name);
    return {
      name: member.name,
      hasLoadedFile: hasLoadedFile(seen, member.name),
      pending: member.pendingRestart ? (member.pendingSettings ?? []) : [],
      ...(asked?.dynamicConfig === undefined ? {} : { dynamicConfig: asked.dynamicConfig }),
      ...(asked?.settings === undefined ? {} : { settings: asked.settings }),
    };
  });
}
