import type { EffectiveCluster } from '../api/effective.ts';
import type { Component } from '../api/meta.ts';
import { names } from '../api/names.ts';
import type { Manifest } from '../api/objects.ts';
import { hostBasedAuthentication, identMap } from '../config/client-authentication.ts';
import { wantedDynamicConfig } from '../config/dynamic-config.ts';
import { PATRONI_DEFAULTS } from '../config/dynamic-keys.ts';
import { dynamicEffect, type Effect, localEffect } from '../config/explain-effect.ts';
import { settingAt } from '../config/layers.ts';
import { bootstrapSection, wantedLocalConfig } from '../config/local-config.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, type JsonPath, valueAtPath, withoutPath } from '../lib/json-path.ts';
import { gucOf } from '../postgres/gucs/catalogue.ts';
import { gucText, sameGucValue } from '../postgres/gucs/value.ts';
import { etcdStatefulSet } from './etcd/stateful-set.ts';
import { haproxyConfigHash } from './haproxy/config.ts';
import { haproxyStatefulSet } from './haproxy/stateful-set.ts';
import { changedLines, changedPaths, changedValues, isEqual, type ValueChange } from './impact-difference.ts';
import { type RestartSetting, restartSteps, type RestartStep } from './impact-restarts.ts';
import { clusterObjects } from './objects.ts';
import { postgresStatefulSet } from './postgres/stateful-set.ts';

/** A value that changes, and when it takes effect. `Same`: other words for what PostgreSQL has already. */
export interface KeyChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly takesEffect: Effect | 'Same';
}

/** What a changed spec does to a cluster, and what that costs. */
export interface Impact {
  /** Whether there is no cluster yet; nothing else is told then. */
  readonly isCreation: boolean;
  /** Fields of the spec that differ, defaults applied. */
  readonly spec: readonly Omit<KeyChange, 'takesEffect'>[];
  readonly dynamic: readonly KeyChange[];
  /** Keys of Patroni's local file; pg_hba and pg_ident line by line below. */
  readonly local: readonly KeyChange[];
  /** Lines of pg_hba.conf and pg_ident.conf, each with `+ ` or `- ` in front. Reloaded. */
  readonly hba: readonly string[];
  readonly ident: readonly string[];
  /** Members whose own tags change. Reloaded. */
  readonly tags: readonly { readonly member: string; readonly before?: JsonObject; readonly after?: JsonObject }[];
  /** Permanent replication slots that go, with the place of whoever reads from them. */
  readonly droppedSlots: readonly string[];
  /** Components whose pods are replaced, and what in the pod template differs. */
  readonly pods: readonly { readonly component: Component; readonly paths: readonly string[] }[];
  readonly scale: readonly { readonly component: Component; readonly before: number; readonly after: number }[];
  readonly volumes: readonly { readonly component: Component; readonly before: string; readonly after: string }[];
  /** HAProxy loads a new configuration without dropping a connection. */
  readonly reloadsHaproxy: boolean;
  /** Other objects that are made, changed or removed in place: `Service/orders-rw`. */
  readonly objects: readonly { readonly object: string; readonly change: 'Added' | 'Changed' | 'Removed' }[];
  readonly restarts: RestartPlan;
}

export interface RestartPlan {
  readonly steps: readonly RestartStep[];
  /** Settings for which PostgreSQL restarts. */
  readonly settings: readonly RestartSetting[];
  /** How often writes pause. */
  readonly writePauses: number;
  readonly when: EffectiveCluster['spec']['updateStrategy'];
}

export interface ImpactFacts {
  /** Member that leads now; without it the plan names roles only. */
  readonly leader?: string | undefined;
}

/** What would change if `next` took the place of `old`. Both are valid and resolved with the same images. Pure. */
export function impactOf(old: EffectiveCluster | undefined, next: EffectiveCluster, { leader }: ImpactFacts = {}): Impact {
  if (old === undefined) return { ...NO_CHANGE, isCreation: true, restarts: plan(next, [], []) };
  const dynamic = dynamicChanges(old, next);
  const pods = replacedPods(old, next);
  const settings = restartSettings(next, dynamic);
  const members = Math.min(old.spec.postgres.replicas, next.spec.postgres.replicas);
  const steps = restartSteps(next, { replaced: pods.map(({ component }) => component), settings, members, leader });
  return {
    isCreation: false,
    spec: changedValues({ spec: old.spec }, { spec: next.spec }).map(readable),
    dynamic,
    local: localChanges(old, next),
    hba: changedLines(hostBasedAuthentication(old), hostBasedAuthentication(next)),
    ident: changedLines(identMap(old), identMap(next)),
    tags: tagChanges(old, next),
    droppedSlots: droppedSlots(old, next),
    pods,
    scale: scaleChanges(old, next),
    volumes: volumeChanges(old, next),
    reloadsHaproxy: old.spec.haproxy.enabled && next.spec.haproxy.enabled && proxyHash(old) !== proxyHash(next),
    objects: otherObjects(old, next),
    restarts: plan(next, steps, settings),
  };
}

const NO_CHANGE = {
  spec: [],
  dynamic: [],
  local: [],
  hba: [],
  ident: [],
  tags: [],
  droppedSlots: [],
  pods: [],
  scale: [],
  volumes: [],
  reloadsHaproxy: false,
  objects: [],
} as const;

/** Whether a change does nothing at all. */
export function isWithoutEffect({ isCreation, reloadsHaproxy, restarts, ...lists }: Impact): boolean {
  return !isCreation && !reloadsHaproxy && restarts.steps.length === 0 && Object.values(lists).every(({ length }) => length === 0);
}

function plan({ spec }: EffectiveCluster, steps: readonly RestartStep[], settings: readonly RestartSetting[]): RestartPlan {
  return { steps, settings, writePauses: steps.filter(({ interrupts }) => interrupts === 'Writes').length, when: spec.updateStrategy };
}

const readable = ({ path, ...values }: ValueChange) => ({ path: formatPath(path), ...values });

function dynamicChanges(old: EffectiveCluster, next: EffectiveCluster): readonly KeyChange[] {
  const major = next.spec.versions.postgres;
  return changedValues(wantedDynamicConfig(old), wantedDynamicConfig(next)).map((change): KeyChange => {
    const name = settingAt(change.path);
    const isSame = name !== undefined && isSameSetting(major, name, change);
    return { ...readable(change), takesEffect: isSame ? 'Same' : dynamicEffect(major, change.path) };
  });
}

function isSameSetting(major: string, name: string, { before, after }: Pick<KeyChange, 'before' | 'after'>): boolean {
  const [a, b] = [before ?? defaultOf(major, name), after ?? defaultOf(major, name)];
  return a !== undefined && b !== undefined && sameGucValue(major, name, a, b);
}

function defaultOf(major: string, name: string): string | undefined {
  return PATRONI_DEFAULTS[name] ?? gucOf(major, name)?.default;
}

function restartSettings({ spec }: EffectiveCluster, changes: readonly KeyChange[]): readonly RestartSetting[] {
  return changes.flatMap(({ takesEffect, path, before, after }) => {
    const name = settingAt(path);
    if (takesEffect !== 'Restart' || name === undefined) return [];
    const text = (value: unknown) => (value === undefined ? (defaultOf(spec.versions.postgres, name) ?? '') : gucText(value));
    return [{ name, before: text(before), after: text(after) }];
  });
}

const LINES: readonly JsonPath[] = [
  ['postgresql', 'pg_hba'],
  ['postgresql', 'pg_ident'],
];

function localChanges(old: EffectiveCluster, next: EffectiveCluster): readonly KeyChange[] {
  const file = (c: EffectiveCluster) => {
    const bootstrap = withoutPath(bootstrapSection(c), ['bootstrap', 'dcs']);
    return LINES.reduce<JsonObject>((below, path) => withoutPath(below, path), { ...wantedLocalConfig(c), ...bootstrap });
  };
  return changedValues(file(old), file(next)).map((change) => ({ ...readable(change), takesEffect: localEffect(change.path) }));
}

function tagChanges(old: EffectiveCluster, next: EffectiveCluster): Impact['tags'] {
  const ordinals = [...new Set([old, next].flatMap(({ spec }) => (spec.patroni.members ?? []).map(({ ordinal }) => ordinal)))].sort(
    (a, b) => a - b,
  );
  return ordinals.flatMap((ordinal) => {
    const [before, after] = [tagsOf(old, ordinal), tagsOf(next, ordinal)];
    if (isEqual(before, after)) return [];
    return [
      {
        member: names.pod(next.name, 'postgres', ordinal),
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ];
  });
}

function tagsOf({ spec }: EffectiveCluster, ordinal: number): JsonObject | undefined {
  const member = spec.patroni.members?.find((one) => one.ordinal === ordinal);
  return member === undefined ? undefined : withoutPath(member, ['ordinal']);
}

function droppedSlots(old: EffectiveCluster, next: EffectiveCluster): readonly string[] {
  const slots = (c: EffectiveCluster) => {
    const map = valueAtPath(wantedDynamicConfig(c), ['slots']);
    return isJsonObject(map) ? Object.keys(map) : [];
  };
  const kept = slots(next);
  return slots(old).filter((name) => !kept.includes(name));
}

const COMPONENTS: readonly Component[] = ['etcd', 'postgres', 'haproxy'];

const TEMPLATES: Readonly<Record<Component, (c: EffectiveCluster) => Manifest>> = {
  etcd: (c) => etcdStatefulSet(c),
  postgres: (c) => postgresStatefulSet(c, c.spec.postgres.replicas),
  haproxy: haproxyStatefulSet,
};

function replacedPods(old: EffectiveCluster, next: EffectiveCluster): Impact['pods'] {
  const template = (c: EffectiveCluster, component: Component) => valueAtPath(TEMPLATES[component](c), ['spec', 'template']);
  return COMPONENTS.filter((component) => replicas(old, component) > 0 && replicas(next, component) > 0).flatMap((component) => {
    const paths = changedPaths(template(old, component), template(next, component));
    return paths.length === 0 ? [] : [{ component, paths }];
  });
}

function replicas({ spec }: EffectiveCluster, component: Component): number {
  return component === 'haproxy' && !spec.haproxy.enabled ? 0 : spec[component].replicas;
}

function scaleChanges(old: EffectiveCluster, next: EffectiveCluster): Impact['scale'] {
  return COMPONENTS.map((component) => ({ component, before: replicas(old, component), after: replicas(next, component) })).filter(
    ({ before, after }) => before !== after,
  );
}

function volumeChanges(old: EffectiveCluster, next: EffectiveCluster): Impact['volumes'] {
  return (['etcd', 'postgres'] as const)
    .map((component) => ({ component, before: old.spec[component].storage.size, after: next.spec[component].storage.size }))
    .filter(({ before, after }) => before !== after);
}

const proxyHash = (c: EffectiveCluster): string => haproxyConfigHash(c, c.spec.postgres.replicas);

/** Told above, in more useful words. */
function isTold({ kind, metadata: { name } }: Manifest, c: EffectiveCluster): boolean {
  return (
    kind === 'StatefulSet' || (kind === 'ConfigMap' && [names.patroniConfigMap(c.name), names.haproxyConfigMap(c.name)].includes(name))
  );
}

function otherObjects(old: EffectiveCluster, next: EffectiveCluster): Impact['objects'] {
  const objects = (c: EffectiveCluster) =>
    new Map(
      clusterObjects(c, { postgresReplicas: c.spec.postgres.replicas, etcdFormed: true })
        .filter((one) => !isTold(one, c))
        .map((one) => [`${one.kind}/${one.metadata.name}`, one]),
    );
  const [before, after] = [objects(old), objects(next)];
  return [
    ...[...after]
      .filter(([object, one]) => !isEqual(before.get(object), one))
      .map(([object]) => ({ object, change: before.has(object) ? ('Changed' as const) : ('Added' as const) })),
    ...[...before.keys()].filter((object) => !after.has(object)).map((object) => ({ object, change: 'Removed' as const })),
  ];
}
