import type { EffectiveCluster } from '../api/effective.ts';
import { deepMerge, type JsonObject } from '../lib/deep-merge.ts';
import { formatPath, valueAtPath } from '../lib/json-path.ts';
import { computedParameters } from './computed-parameters.ts';
import { dynamicDefaults, dynamicHandles } from './dynamic-defaults.ts';
import { type Layer, mergeLayers, PARAMETERS, userLayers, withOmissions } from './layers.ts';
import { memberSlots } from './slots.ts';

/** What the operator itself would put into the dynamic configuration, before the spec has its say. */
export function dynamicBase(c: EffectiveCluster): JsonObject {
  return deepMerge({ postgresql: { parameters: computedParameters(c) } }, dynamicDefaults());
}

/** What the spec sets in the dynamic configuration, weakest first. */
export function dynamicLayers(c: Pick<EffectiveCluster, 'spec'>): readonly Layer[] {
  const [parameters, ...maps] = userLayers(c.spec, 'dynamic');
  const handles = dynamicHandles(c).map(
    ({ field, values }): Layer => ({ field, values, sourceOf: (path) => (path.length > 1 ? formatPath([...field.split('.'), ...path.slice(1)]) : field) }),
  );
  return [...(parameters === undefined ? [] : [parameters]), ...handles, ...maps];
}

/**
 * The dynamic configuration that the spec asks for, without the slots of the members, which come and go with their pods (`slots.ts`).
 * Kept by spec: an idle cluster is compared with it at every look.
 */
export function wantedDynamicConfig(c: EffectiveCluster): JsonObject {
  const of = [c.postgresMemoryBytes, c.postgresStorageBytes].join('/');
  const known = wanted.get(c.spec);
  if (known?.of === of) return known.config;
  const config = mergeLayers(withOmissions(dynamicBase(c), 'dynamic', c.spec.patroni.omit), dynamicLayers(c));
  wanted.set(c.spec, { of, config });
  return config;
}

const wanted = new WeakMap<EffectiveCluster['spec'], { readonly of: string; readonly config: JsonObject }>();

/** The dynamic configuration that a new cluster of so many members starts with. */
export function initialDynamicConfig(c: EffectiveCluster): JsonObject {
  return deepMerge(wantedDynamicConfig(c), { slots: memberSlots(c, c.spec.postgres.replicas) });
}

/** A setting of PostgreSQL as the spec asks for it; undefined when nobody sets it. */
export function wantedParameter(c: EffectiveCluster, name: string): unknown {
  return valueAtPath(wantedDynamicConfig(c), [...PARAMETERS, name]);
}
