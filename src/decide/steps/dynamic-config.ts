import { memberSlots, slotPatch } from '../../resources/postgres/slots.ts';
import type { Move } from '../actions.ts';
import { podsOf, type Seen } from '../facts.ts';

/**
 * Keeps the operator's part of Patroni's dynamic configuration: one permanent physical slot for each member. A slot goes only after its pod has gone; left behind it would
 * hold back WAL until the volume is full. Everything else in the DCS belongs to others and is left alone.
 */
export function dynamicConfig(seen: Seen, postgresReplicas: number): Move {
  if (seen.dynamicConfig === undefined) return { actions: [] };
  const highest = Math.max(postgresReplicas, ...podsOf(seen, 'postgres').map((pod) => pod.ordinal + 1));
  const patch = slotPatch(seen.effective, seen.dynamicConfig, memberSlots(seen.effective, highest));
  return patch === undefined ? { actions: [] } : { actions: [{ kind: 'patchDynamicConfig', patch }] };
}
