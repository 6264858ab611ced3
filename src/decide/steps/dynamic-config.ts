import { wantedDynamicConfig } from '../../config/dynamic-config.ts';
import { ownedPatch, ownedPaths } from '../../config/owned-patch.ts';
import { memberSlots, slotPatch } from '../../config/slots.ts';
import { deepMerge, type JsonObject } from '../../lib/deep-merge.ts';
import { formatPath, leavesOf } from '../../lib/json-path.ts';
import { ownedKeysConfigMap } from '../../resources/postgres/owned-keys.ts';
import type { Action, Move } from '../actions.ts';
import { goneSettings, ownedKeys, releasedSettings } from '../config-facts.ts';
import { configuredCluster, podsOf, type Seen } from '../facts.ts';

/**
 * Keeps the operator's part of Patroni's dynamic configuration: what the spec asks for, and one permanent physical slot for each member. A slot goes only after its pod has
 * gone; left behind it would hold back WAL until the volume is full. What others have set is left alone.
 *
 * Ownership is written before the keys are set, and given up only once they are seen to be gone: whoever is killed in between finishes in the next pass. A setting stays on record
 * until no member runs with it any more.
 */
export function dynamicConfig(seen: Seen, postgresReplicas: number): Move {
  const { dynamicConfig: live, effective } = seen;
  if (live === undefined) return { actions: [] };
  const wanted = wantedDynamicConfig(configuredCluster(seen));
  const owned = ownedKeys(seen);
  const paths = ownedPaths(wanted);
  const highest = Math.max(postgresReplicas, ...podsOf(seen, 'postgres').map((pod) => pod.ordinal + 1));
  const patch = merged(ownedPatch({ owned: owned ?? [], wanted, live }), slotPatch(effective, live, memberSlots(effective, highest)));
  const released = releasedSettings(seen);
  if (patch === undefined) {
    const gone = goneSettings(seen);
    return { actions: isSame(owned, paths) && isSame(released, gone) ? [] : [record(seen, paths, gone)] };
  }
  const union = [...new Set([...(owned ?? []), ...paths])].sort();
  return { actions: [...(isSame(owned, union) ? [] : [record(seen, union, released)]), { kind: 'patchDynamicConfig', patch, message: describe(seen, patch) }] };
}

function record(seen: Seen, paths: readonly string[], released: readonly string[]): Action {
  return { kind: 'apply', manifest: ownedKeysConfigMap(seen.effective, paths, released) };
}

function merged(keys: JsonObject | undefined, slots: JsonObject | undefined): JsonObject | undefined {
  return keys === undefined ? slots : slots === undefined ? keys : deepMerge(keys, slots);
}

/** An event has room for about a thousand characters. */
const MOST_NAMED = 12;

/** What changes, by key; no values, which may be secret. A spec that was applied before and has not changed since means that somebody else changed the key. */
function describe(seen: Seen, patch: JsonObject): string {
  const leaves = leavesOf(patch);
  const list = (isRemoval: boolean): string => {
    const paths = leaves.filter(({ value }) => (value === null) === isRemoval).map(({ path }) => formatPath(path));
    return paths.length > MOST_NAMED ? `${paths.slice(0, MOST_NAMED).join(', ')} and ${String(paths.length - MOST_NAMED)} more` : paths.join(', ');
  };
  const set = list(false);
  const removed = list(true);
  const verb = seen.cluster.status?.observedGeneration === seen.cluster.metadata.generation ? 'Set back to what the spec says' : 'Set';
  return [set === '' ? '' : `${verb}: ${set}.`, removed === '' ? '' : `Removed: ${removed}.`].filter((text) => text !== '').join(' ');
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.join('\n') === b.join('\n');
}
