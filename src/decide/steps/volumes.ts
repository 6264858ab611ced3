import { parseQuantity } from '../../lib/quantity.ts';
import type { Action, Move } from '../actions.ts';
import type { Seen } from '../facts.ts';

/** Grows the volume claims to the size in the spec. Whether it happens online is the storage class's business; a claim never shrinks. */
export function volumes(seen: Seen): Move {
  const sizes: Record<string, string> = { postgres: seen.effective.spec.postgres.storage.size, etcd: seen.effective.spec.etcd.storage.size };
  const actions = seen.claims.flatMap((claim): Action[] => {
    const size = sizes[claim.component];
    return size !== undefined && (parseQuantity(size) ?? 0) > claim.requestBytes ? [{ kind: 'growClaim', claim: claim.name, size }] : [];
  });
  return { actions };
}
