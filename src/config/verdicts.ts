import type { EffectiveCluster } from '../api/effective.ts';
import { type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, type JsonPath, leavesOf, valueAtPath } from '../lib/json-path.ts';
import type { PendingSetting } from '../patroni/cluster-view.ts';
import { gucOf } from '../postgres/gucs/catalogue.ts';
import { contradicts, isStillInForce, type RunningSettings } from '../postgres/settings.ts';
import { dynamicLayers, wantedDynamicConfig } from './dynamic-config.ts';
import { decidingLayer, type Layer, omittedPath, settingAt } from './layers.ts';
import { localBase, localLayers } from './local-config.ts';
import { isSame } from './owned-patch.ts';

/** What became of a key that the user set. Words of the API (`status.config.keys[].verdict`). */
export const VERDICTS = {
  Applied: 'It is in force on every member.',
  Overridden: 'A stronger layer, or ALTER SYSTEM, sets the same key; `by` names it.',
  Ignored: 'PostgreSQL of this version has no such setting, and Patroni leaves it out.',
  Rejected: 'The validator refuses it; nothing of the spec is applied until it is corrected.',
  PendingRestart: 'It is there and waits for a restart of PostgreSQL on the members named.',
  Loading: 'It is on its way: the members named have not loaded it yet.',
  Drifted: 'Somebody changed it in etcd; the operator puts it back.',
  CreationOnly: 'It counts only while the cluster is created.',
  Unknown: 'No member could be asked.',
} as const;

export type Verdict = keyof typeof VERDICTS;

export interface KeyVerdict {
  /** Path in the spec. */
  readonly key: string;
  /** Where it ends up: path in the dynamic configuration, or in the local file. */
  readonly target: 'dynamic' | 'local';
  readonly path: string;
  readonly verdict: Verdict;
  readonly by?: string;
  readonly members?: readonly string[];
  /** What PostgreSQL runs with, when it is a setting and all members agree. */
  readonly effective?: string;
  /** The same by member, when they do not. */
  readonly effectiveByMember?: Readonly<Record<string, string>>;
}

/** What is known of one member. */
export interface MemberState {
  readonly name: string;
  readonly hasLoadedFile: boolean;
  readonly pending: readonly PendingSetting[];
  /** `GET /config` of the member; absent when it was not asked. */
  readonly dynamicConfig?: JsonObject;
  readonly settings?: RunningSettings;
}

export interface SeenConfig {
  /** `GET /config` of the leader; absent when it was not asked. */
  readonly live?: JsonObject;
  readonly members: readonly MemberState[];
  /** Paths of the dynamic configuration that the operator has set (`owned-patch.ts`). */
  readonly owned: readonly string[];
  /** Whether the spec was applied before and has not changed since: what differs then was changed by somebody else. */
  readonly wasApplied: boolean;
}

/** A verdict for every key that the spec sets in free maps, settings, lists and dedicated fields, in the order of the layers. Pure. */
export function configVerdicts(c: EffectiveCluster, seen: SeenConfig): readonly KeyVerdict[] {
  return [...dynamicVerdicts(c, seen), ...localVerdicts(c, seen), ...fileVerdicts(c, seen)];
}

/** Names of the settings of PostgreSQL that the user set, in lower case: those whose value on each member is worth asking for. */
export function settingsOfUser(c: Pick<EffectiveCluster, 'spec'>): readonly string[] {
  const names = dynamicLayers(c).flatMap(({ values }) => leavesOf(values).flatMap(({ path }) => settingAt(path) ?? []));
  return [...new Set(names)].sort();
}

function dynamicVerdicts(c: EffectiveCluster, seen: SeenConfig): readonly KeyVerdict[] {
  const layers = dynamicLayers(c);
  const wanted = wantedDynamicConfig(c);
  return layers.flatMap((layer) =>
    leavesOf(layer.values).map(({ path }): KeyVerdict => {
      const base = { key: layer.sourceOf(path), target: 'dynamic', path: formatPath(path) } as const;
      const by = overriddenBy(layers, layer, path);
      if (by !== undefined) return { ...base, verdict: 'Overridden', by };
      return { ...base, ...verdictInForce(c, path, valueAtPath(wanted, path), seen) };
    }),
  );
}

function overriddenBy(layers: readonly Layer[], layer: Layer, path: JsonPath): string | undefined {
  const deciding = decidingLayer(layers, path);
  return deciding === undefined || deciding === layer ? undefined : deciding.sourceOf(path);
}

type Outcome = Omit<KeyVerdict, 'key' | 'target' | 'path'>;

/** Who set a key that the spec wants gone and the operator never set: nobody here takes it away. */
const SOMEBODY = 'a value that somebody else has set in etcd';

function verdictInForce(c: EffectiveCluster, path: JsonPath, wanted: unknown, { live, members, owned, wasApplied }: SeenConfig): Outcome {
  if (live === undefined) return { verdict: 'Unknown' };
  if (wanted === undefined && valueAtPath(live, path) !== undefined && !owned.includes(formatPath(path))) return { verdict: 'Overridden', by: SOMEBODY };
  if (!matches(valueAtPath(live, path), wanted)) return { verdict: wasApplied ? 'Drifted' : 'Loading' };
  const behind = members.filter(({ dynamicConfig }) => dynamicConfig === undefined || !matches(valueAtPath(dynamicConfig, path), wanted)).map(({ name }) => name);
  const setting = settingAt(path);
  if (setting === undefined) return behind.length > 0 ? { verdict: 'Loading', members: behind } : { verdict: 'Applied' };
  return settingVerdict(c, setting, wanted, members, behind);
}

function settingVerdict(c: EffectiveCluster, name: string, wanted: unknown, members: readonly MemberState[], behind: readonly string[]): Outcome {
  const effective = effectiveOf(name, members);
  const pending = members.filter((member) => member.pending.some((setting) => setting.name.toLowerCase() === name)).map((member) => member.name);
  if (pending.length > 0) return { verdict: 'PendingRestart', members: pending, ...effective };
  if (behind.length > 0) return { verdict: 'Loading', members: behind, ...effective };
  const altered = members.filter(({ settings }) => settings?.[name]?.isFromAlterSystem === true).map((member) => member.name);
  if (altered.length > 0) return { verdict: 'Overridden', by: 'ALTER SYSTEM', members: altered, ...effective };
  const { postgres: major } = c.spec.versions;
  const others = members.filter(({ settings }) => settings?.[name] !== undefined && (wanted === undefined ? isStillInForce(major, name, settings[name]) : contradicts(major, name, settings[name], wanted)));
  if (others.length > 0) return { verdict: 'Loading', members: others.map((member) => member.name), ...effective };
  return wanted !== undefined && isUnknown(major, name, members) ? { verdict: 'Ignored' } : { verdict: 'Applied', ...effective };
}

/** A setting without a prefix that neither the catalogue nor any PostgreSQL that was asked knows: Patroni leaves it out of the file. One with a prefix shows once its extension is loaded. */
function isUnknown(major: string, name: string, members: readonly MemberState[]): boolean {
  const asked = members.filter(({ settings }) => settings !== undefined);
  return !name.includes('.') && gucOf(major, name) === undefined && asked.length > 0 && asked.every(({ settings }) => settings?.[name] === undefined);
}

/** Of members that could be asked. */
function effectiveOf(name: string, members: readonly MemberState[]): Pick<KeyVerdict, 'effective' | 'effectiveByMember'> {
  const values = members.flatMap((member) => (member.settings?.[name] === undefined ? [] : [[member.name, member.settings[name].value] as const]));
  const [first] = values;
  if (first === undefined) return {};
  return values.every(([, value]) => value === first[1]) ? { effective: first[1] } : { effectiveByMember: Object.fromEntries(values) };
}

/** A key that was taken away (wanted: undefined) must not be there. */
function matches(there: unknown, wanted: unknown): boolean {
  return there === undefined || wanted === undefined ? there === wanted : isSame(there, wanted);
}

function localVerdicts(c: EffectiveCluster, { members }: SeenConfig): readonly KeyVerdict[] {
  const layers = localLayers(c);
  return layers.flatMap((layer) =>
    leavesOf(layer.values).map(({ path }): KeyVerdict => {
      const base = { key: layer.sourceOf(path), target: 'local', path: formatPath(path) } as const;
      if (path[0] === 'bootstrap') return { ...base, verdict: 'CreationOnly' };
      const by = overriddenBy(layers, layer, path);
      return by === undefined ? { ...base, ...fileOutcome(members) } : { ...base, verdict: 'Overridden', by };
    }),
  );
}

function fileOutcome(members: readonly MemberState[]): Outcome {
  if (members.length === 0) return { verdict: 'Unknown' };
  const behind = members.filter(({ hasLoadedFile }) => !hasLoadedFile).map(({ name }) => name);
  return behind.length > 0 ? { verdict: 'Loading', members: behind } : { verdict: 'Applied' };
}

/** Something the operator would set and shall not: in the file if it would stand there, else in etcd, where nobody else may have put it either. */
function omissionVerdict(c: EffectiveCluster, text: string, seen: SeenConfig): Omit<KeyVerdict, 'key'> {
  const local = omittedPath(text, 'local');
  if (local !== undefined && valueAtPath(localBase(c), local) !== undefined) return { target: 'local', path: formatPath(local), ...fileOutcome(seen.members) };
  const path = omittedPath(text, 'dynamic') ?? [];
  // What the spec says below the path stands there instead, with verdicts of its own.
  const isReplaced = valueAtPath(wantedDynamicConfig(c), path) !== undefined;
  return { target: 'dynamic', path: formatPath(path), ...(isReplaced ? { verdict: 'Applied' } : verdictInForce(c, path, undefined, seen)) };
}

/** Fields that become a part of the local file as a whole. */
function fileVerdicts(c: EffectiveCluster, seen: SeenConfig): readonly KeyVerdict[] {
  const { members } = seen;
  const { postgres, patroni } = c.spec;
  const whole = (key: string, path: string, isSet: boolean): readonly KeyVerdict[] => (isSet ? [{ key, target: 'local', path, ...fileOutcome(members) }] : []);
  const tags = (patroni.members ?? []).flatMap((member, i) => {
    const one = members.find(({ name }) => name.endsWith(`-${String(member.ordinal)}`));
    return [{ key: `spec.patroni.members[${String(i)}]`, target: 'local', path: 'tags', ...fileOutcome(one === undefined ? [] : [one]) } as const];
  });
  const omissions = (patroni.omit ?? []).map((text, i): KeyVerdict => ({ key: `spec.patroni.omit[${String(i)}]`, ...omissionVerdict(c, text, seen) }));
  return [
    ...whole('spec.postgres.hba', 'postgresql.pg_hba', postgres.hba !== undefined),
    ...whole('spec.postgres.ident', 'postgresql.pg_ident', postgres.ident !== undefined),
    ...tags,
    ...omissions,
  ];
}
