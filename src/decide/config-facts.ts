import type { EffectiveCluster } from '../api/effective.ts';
import { names } from '../api/names.ts';
import type { Manifest } from '../api/objects.ts';
import { wantedDynamicConfig } from '../config/dynamic-config.ts';
import { PATRONI_PARAMETERS } from '../config/dynamic-keys.ts';
import { PARAMETERS, settingAt } from '../config/layers.ts';
import { contradicts, isStillInForce, type RunningSetting } from '../postgres/settings.ts';
import type { MemberState } from '../config/verdicts.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { leavesOf, valueAtPath } from '../lib/json-path.ts';
import { isSame } from '../config/owned-patch.ts';
import { isJsonObject } from '../lib/deep-merge.ts';
import { patroniConfigHash } from '../resources/postgres/patroni-config.ts';
import { ownedKeysIn, releasedSettingsIn } from '../resources/postgres/owned-keys.ts';
import { configuredCluster, memberOrdinal, podsOf, type Seen } from './facts.ts';
import { objectKey } from './observed.ts';

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
  const asked = memberStates(seen).filter(({ settings }) => settings !== undefined);
  // Most passes ask nobody, and what is wanted costs more than the rest of this.
  if (asked.length === 0) return [];
  const wanted = wantedSettings(configuredCluster(seen));
  const leaving = leavingSettings(seen, wanted);
  const { postgres: major } = seen.effective.spec.versions;
  const differs = (name: string, running: RunningSetting): boolean =>
    leaving.includes(name) ? isStillInForce(major, name, running) : Object.hasOwn(wanted, name) && !running.isFromAlterSystem && contradicts(major, name, running, wanted[name]);
  return asked
    .filter(({ settings = {}, pending }) => Object.entries(settings).some(([name, running]) => considered(name) && !pending.some((setting) => setting.name.toLowerCase() === name) && differs(name, running)))
    .map(({ name }) => name);
}

/**
 * Settings that the operator had set and that are to be in Patroni's configuration no more, as far as a member may still run with them: the spec does not know them any longer,
 * so they are kept beside the owned keys until every member has proven that it has let them go.
 */
export function goneSettings(seen: Seen): readonly string[] {
  const { postgres: major } = seen.effective.spec.versions;
  const members = memberStates(seen);
  const mayRun = (name: string): boolean =>
    members.some(({ settings }) => settings === undefined || (settings[name] !== undefined && isStillInForce(major, name, settings[name])));
  return leavingSettings(seen).filter(mayRun);
}

/** Candidates for `goneSettings`: set once, wanted no more, not yet proven, and not set by somebody else since. In lower case, sorted. */
export function leavingSettings(seen: Seen, wanted = wantedSettings(configuredCluster(seen))): readonly string[] {
  const record = ownershipRecord(seen);
  const given = (ownedKeysIn(record) ?? []).flatMap((path) => settingAt(path) ?? []);
  const there = seen.dynamicConfig === undefined ? undefined : valueAtPath(seen.dynamicConfig, PARAMETERS);
  const foreign = Object.keys(isJsonObject(there) ? there : {}).map((name) => name.toLowerCase());
  const released = releasedSettingsIn(record).filter((name) => !foreign.includes(name));
  return [...new Set([...given, ...released])].filter((name) => !Object.hasOwn(wanted, name)).sort();
}

/** Paths that the operator has set in the dynamic configuration; undefined before it ever wrote them down. */
export function ownedKeys(seen: Seen): readonly string[] | undefined {
  return ownedKeysIn(ownershipRecord(seen));
}

/** Settings on record as taken away and not proven to be gone. */
export function releasedSettings(seen: Seen): readonly string[] {
  return releasedSettingsIn(ownershipRecord(seen));
}

function ownershipRecord({ objects, effective }: Seen): Manifest | undefined {
  return objects.get(objectKey('ConfigMap', names.ownedKeysConfigMap(effective.name)));
}

/** Names of the settings whose running values prove that what is wanted is in force. */
export function settingsToProve(c: EffectiveCluster): readonly string[] {
  return Object.keys(wantedSettings(c));
}

function wantedSettings(c: EffectiveCluster): Readonly<Record<string, unknown>> {
  const parameters = valueAtPath(wantedDynamicConfig(c), PARAMETERS);
  return { ...PATRONI_PARAMETERS, ...(isJsonObject(parameters) ? parameters : {}) };
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
