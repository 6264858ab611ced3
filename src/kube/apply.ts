import { canonicalJson, shortHash } from '../lib/canonical-json.ts';
import { firstDifference } from '../lib/is-subset.ts';
import type { ApplyOptions, KubeRest } from './rest.ts';
import type { KubeObject, ResourceKind } from './types.ts';

/** Annotation with the hash of what was applied last: tells removed fields, and for objects known by metadata only, changed contents. */
export const APPLIED_ANNOTATION = 'patroni-operator.dev/applied';

/** Why an object has to be applied. `path` names the first field that differs, never its value. */
export type ApplyReason = { readonly why: 'missing' } | { readonly why: 'changed' } | { readonly why: 'drifted'; readonly path: string };

/** `desired` with the annotation that `applyReason` looks at. Equal manifests give equal bytes. */
export function withAppliedHash<T extends KubeObject>(desired: T): T {
  const annotations = { ...desired.metadata.annotations, [APPLIED_ANNOTATION]: appliedHash(desired) };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/**
 * Why `desired` must be applied over `live`, or undefined when nothing is to be done.
 * - `changed`: the manifest is another one than was applied last; also the only way to notice that a field is no longer wanted.
 * - `drifted`: someone else changed a field that is ours. Of a PartialObjectMetadata only the metadata can be compared: a changed Secret is noticed
 *   when the desired one changes.
 */
export function applyReason(desired: KubeObject, live: KubeObject | undefined): ApplyReason | undefined {
  if (live === undefined) return { why: 'missing' };
  const wanted = withAppliedHash(desired);
  if (live.metadata.annotations?.[APPLIED_ANNOTATION] !== wanted.metadata.annotations?.[APPLIED_ANNOTATION]) return { why: 'changed' };
  const path =
    live.kind === 'PartialObjectMetadata'
      ? firstDifference({ metadata: wanted.metadata }, { metadata: live.metadata })
      : firstDifference(wanted, live);
  return path === undefined ? undefined : { why: 'drifted', path };
}

/** Whether `desired` must be applied over `live`; see `applyReason`. */
export function needsApply(desired: KubeObject, live: KubeObject | undefined): boolean {
  return applyReason(desired, live) !== undefined;
}

/** What `applyIfNeeded` did: nothing, or why it applied and the object as the API server returned it. */
export interface Applied<T> {
  readonly reason: ApplyReason | undefined;
  readonly object: T | undefined;
}

/** Applies `desired` when `live` (from the cache) shows a need; steady state makes no request. @throws what `KubeRest.apply` throws */
export async function applyIfNeeded<T extends KubeObject>(
  rest: Pick<KubeRest, 'apply'>,
  kind: ResourceKind,
  desired: T,
  live: KubeObject | undefined,
  options: ApplyOptions,
): Promise<Applied<T>> {
  const reason = applyReason(desired, live);
  if (reason === undefined) return { reason, object: undefined };
  return { reason, object: await rest.apply<T>(kind, withAppliedHash(desired), options) };
}

/** Hash of a manifest without its own annotation and without what the API server sets. */
function appliedHash(desired: KubeObject): string {
  const annotations: Record<string, string> = { ...desired.metadata.annotations };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant
  delete annotations[APPLIED_ANNOTATION];
  return shortHash(canonicalJson({ ...desired, metadata: { ...desired.metadata, annotations } }), 16);
}
