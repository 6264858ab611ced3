import type { EffectiveCluster } from '../api/effective.ts';
import { names } from '../api/names.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { isJsonObject } from '../lib/deep-merge.ts';

/** Permanent physical slots in Patroni's dynamic configuration, by slot name. */
export type Slots = Readonly<Record<string, { readonly type: 'physical' }>>;

/** Patch of `slots`: null deletes (Patroni `PATCH /config`). */
export type SlotPatch = Readonly<Record<string, { readonly type: 'physical' } | null>>;

/**
 * Name of the slot a member streams from. Patroni 4.1 `slot_name_from_member_name`: lower case; `-` and `.` become `_`, any other character `u` and its
 * code. Kubernetes names hold lower-case letters, digits, `-` and `.` only, so that last case cannot happen here.
 */
export function slotName(member: string): string {
  return member.toLowerCase().replaceAll(/[-.]/g, '_').slice(0, 63);
}

/**
 * One permanent slot for each of `replicas` members. Permanent slots stay while a member is away for longer than the ttl, which a member's own slot would not
 * with `member_slots_ttl: 0`; and with that ttl the slot of a member scaled away goes as soon as it is taken out of here, not half an hour later.
 * Patroni makes no slot on a member for the member itself, so all of them can share the one list.
 */
export function memberSlots(c: EffectiveCluster, replicas: number): Slots {
  return Object.fromEntries(
    Array.from({ length: replicas }, (_, ordinal) => [slotName(names.pod(c.name, 'postgres', ordinal)), { type: 'physical' }]),
  );
}

/**
 * What to PATCH so that the slots of this cluster's members are exactly `wanted`, or undefined when they are. Slots under other names belong to
 * somebody else and are left alone; a member's slot that was changed to something else (another type) is corrected.
 */
export function slotPatch(
  c: EffectiveCluster,
  liveConfig: Readonly<Record<string, unknown>>,
  wanted: Slots,
): { readonly slots: SlotPatch } | undefined {
  const live = isJsonObject(liveConfig['slots']) ? liveConfig['slots'] : {};
  const patch: Record<string, { readonly type: 'physical' } | null> = {};
  for (const [name, slot] of Object.entries(wanted)) {
    if (!Object.hasOwn(live, name) || canonicalJson(live[name] ?? null) !== canonicalJson(slot)) patch[name] = slot;
  }
  for (const name of Object.keys(live)) {
    if (isMemberSlot(c, name) && !Object.hasOwn(wanted, name)) patch[name] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : { slots: patch };
}

/** Whether a slot of this name is that of a member of this cluster, present or past. */
export function isMemberSlot(c: EffectiveCluster, name: string): boolean {
  const prefix = `${slotName(names.workload(c.name, 'postgres'))}_`;
  return name.startsWith(prefix) && /^[0-9]+$/.test(name.slice(prefix.length));
}
