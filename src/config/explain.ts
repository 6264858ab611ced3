import type { EffectiveCluster } from '../api/effective.ts';
import type { Problem } from '../api/problem.ts';
import { isJsonObject } from '../lib/deep-merge.ts';
import { formatPath, isWithin, type JsonPath, leavesOf, parsePath, valueAtPath, withoutPath } from '../lib/json-path.ts';
import { computedParameters } from './computed-parameters.ts';
import { dynamicLayers, wantedDynamicConfig } from './dynamic-config.ts';
import { dynamicEffect, type Effect, localEffect } from './explain-effect.ts';
import { decidingLayer, type Layer, PARAMETERS, type Target } from './layers.ts';
import { bootstrapSection, localLayers, wantedLocalConfig } from './local-config.ts';
import { configVerdicts, type KeyVerdict } from './verdicts.ts';

/** What will become of a key, as far as the spec alone tells it. */
export const OUTCOMES = {
  Set: 'It wins, and is what the members get.',
  Removed: 'It takes away what the operator or a weaker layer sets.',
  Overridden: 'A stronger layer sets the same key; `by` names it.',
  Rejected: 'The validator refuses it; nothing of the spec is applied until it is corrected.',
  CreationOnly: 'It counts only while the cluster is created.',
} as const;

/** A key that the spec sets. */
export interface ExplainedKey {
  /** Path in the spec. */
  readonly key: string;
  /** Absent for a field that is refused and belongs to neither. */
  readonly target?: Target;
  /** Path in the target. */
  readonly path?: string;
  readonly value?: unknown;
  readonly takesEffect?: Effect;
  readonly verdict: keyof typeof OUTCOMES;
  /** Of `Overridden`. */
  readonly by?: string;
  /** Of `Rejected`: what is wrong and what to do. */
  readonly message?: string;
}

/** Every key that the spec sets, in the order of `configVerdicts`, then fields that are refused and are no such key. `problems` are those of the validator. Pure. */
export function explainKeys(c: EffectiveCluster, problems: readonly Problem[]): readonly ExplainedKey[] {
  const keys = configVerdicts(c, { members: [], owned: [], wasApplied: false }).map((verdict) => explained(c, verdict, problems));
  const known = keys.flatMap(({ key }) => problems.filter(({ path }) => isAbout(path, key)));
  const others = problems.filter((one) => !known.includes(one));
  return [
    ...keys,
    ...others.map(({ path, message }): ExplainedKey => ({ key: path, value: valueOfKey(c.spec, path), verdict: 'Rejected', message })),
  ];
}

function explained(c: EffectiveCluster, { key, target, path, verdict, by }: KeyVerdict, problems: readonly Problem[]): ExplainedKey {
  const value = valueOfKey(c.spec, key);
  const at = parsePath(path) ?? [];
  const base = {
    key,
    target,
    path,
    value,
    takesEffect: target === 'dynamic' ? dynamicEffect(c.spec.versions.postgres, at) : localEffect(at),
  };
  const wrong = problems.find((one) => isAbout(one.path, key));
  if (wrong !== undefined) return { ...base, verdict: 'Rejected', message: wrong.message };
  if (verdict === 'Overridden') return { ...base, verdict, ...(by === undefined ? {} : { by }) };
  if (verdict === 'CreationOnly') return { ...base, verdict };
  return { ...base, verdict: value === null || key.startsWith('spec.patroni.omit') ? 'Removed' : 'Set' };
}

/**
 * Whether what is wrong at a path of the spec is about a key: at it, above it, or (in a list) below it. PostgreSQL does not tell `TimeZone` from `timezone`, and the keys are in lower
 * case there.
 */
export function isAbout(wrongPath: string, key: string): boolean {
  const [a = [], b = []] = [wrongPath, key].map((text) => parsePath(text.toLowerCase()) ?? [text]);
  return isWithin(a, b) || isWithin(b, a);
}

/** What the spec has at a path such as `spec.postgres.hba.prepend[0]`; names of settings match in any case. */
function valueOfKey(spec: EffectiveCluster['spec'], key: string): unknown {
  const path = parsePath(key);
  if (path === undefined) return undefined;
  return path.reduce<unknown>(
    (at, name) => {
      if (Array.isArray(at)) return (at as readonly unknown[])[Number(name)];
      if (!isJsonObject(at)) return undefined;
      const spelled = Object.hasOwn(at, name) ? name : Object.keys(at).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
      return spelled === undefined ? undefined : at[spelled];
    },
    { spec },
  );
}

/** A key that the members get, and where its value comes from. */
export interface SourcedKey {
  readonly target: Target;
  readonly path: string;
  readonly value: unknown;
  /** Path in the spec; `computed` from memory, CPU and volume; `default` of the operator; `operator` for what it needs to work. */
  readonly source: string;
  readonly takesEffect: Effect;
}

/** The whole configuration of the members, the operator's own values included, without the slots of the members. Pure. */
export function sourcedKeys(c: EffectiveCluster): readonly SourcedKey[] {
  const dynamic = dynamicLayers(c);
  const local = localLayers(c);
  const file = { ...wantedLocalConfig(c), ...withoutPath(bootstrapSection(c), ['bootstrap', 'dcs']) };
  return [
    ...leavesOf(wantedDynamicConfig(c)).map(({ path, value }): SourcedKey => {
      const source = sourceIn(dynamic, path) ?? dynamicSource(c, path);
      return { target: 'dynamic', path: formatPath(path), value, source, takesEffect: dynamicEffect(c.spec.versions.postgres, path) };
    }),
    ...leavesOf(file).map(({ path, value }): SourcedKey => {
      return {
        target: 'local',
        path: formatPath(path),
        value,
        source: sourceIn(local, path) ?? localSource(c, path),
        takesEffect: localEffect(path),
      };
    }),
  ];
}

function sourceIn(layers: readonly Layer[], path: JsonPath): string | undefined {
  return decidingLayer(layers, path)?.sourceOf(path);
}

function dynamicSource(c: EffectiveCluster, path: JsonPath): string {
  if (valueAtPath({ postgresql: { parameters: computedParameters(c) } }, path) !== undefined && isWithin(path, PARAMETERS))
    return 'computed';
  const isPreset = c.spec.patroni.failover !== 'standard' && ['ttl', 'loop_wait', 'retry_timeout'].includes(path[0] ?? '');
  return isPreset ? 'spec.patroni.failover' : 'default';
}

function localSource({ spec: { postgres } }: EffectiveCluster, path: JsonPath): string {
  const name = formatPath(path);
  if (name === 'postgresql.pg_hba' && postgres.hba !== undefined) return 'operator, spec.postgres.hba';
  if (name === 'postgresql.pg_ident' && postgres.ident !== undefined) return 'operator, spec.postgres.ident';
  return name === 'bootstrap.initdb' ? 'spec.bootstrap.initdb' : 'operator';
}
