import { ANNOTATIONS } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { leafVerdict } from '../../pki/leaf-verdict.ts';
import { secretPlan, type SecretPlan } from '../../resources/secrets.ts';
import type { Action, Move } from '../actions.ts';
import type { Seen } from '../facts.ts';
import { objectKey } from '../observed.ts';

/**
 * Generated Secrets that do not exist are made, leaf certificates are renewed early. What exists is never made anew, and neither is what was lost: members that run, and data
 * that was kept, know the old password or CA, and a new one would lock them out.
 */
export function secrets(seen: Seen): Move {
  const lost = new Set(lostSecrets(seen));
  const ca = secret(seen, names.caSecret(seen.effective.name));
  const actions = secretPlan(seen.effective).flatMap((plan): Action[] => {
    if (lost.has(plan.name)) return [];
    const live = secret(seen, plan.name);
    if (plan.kind === 'leaf') {
      if (lost.has(names.caSecret(seen.effective.name))) return [];
      const verdict = leafVerdict(live?.metadata.annotations ?? (live === undefined ? undefined : {}), plan, ca?.metadata.annotations?.[ANNOTATIONS.caFingerprint], seen.nowMs);
      return verdict === 'ok' ? [] : [{ kind: 'issueLeaf', plan }];
    }
    if (live === undefined) return [{ kind: 'createSecret', plan }];
    return plan.kind !== 'ca' && live.metadata.annotations?.[ANNOTATIONS.subjectHash] !== plan.subjectHash ? [{ kind: 'rewriteSecret', plan }] : [];
  });
  return actions.length === 0 ? { actions } : { actions, progress: { reason: 'Creating', message: 'Creating credentials and certificates.' } };
}

/** Names of Secrets that existed once and are gone. */
export function lostSecrets(seen: Seen): readonly string[] {
  return secretPlan(seen.effective)
    .filter((plan) => secret(seen, plan.name) === undefined && wasThere(seen, plan))
    .map((plan) => plan.name);
}

function wasThere(seen: Seen, plan: SecretPlan): boolean {
  const { status, metadata } = seen.cluster;
  const isFormed = status?.systemIdentifier !== undefined;
  switch (plan.kind) {
    case 'leaf':
      return false; // the CA signs another
    case 'application':
      return status?.application !== undefined; // before that, the role gets whatever the Secret says
    case 'ca':
    case 'restapi':
      return isFormed; // not tied to data: a resource made anew on kept volumes starts every pod anew
    case 'superuser':
    case 'rewind':
      return isFormed || seen.claims.some((claim) => claim.component === 'postgres' && claim.createdAt < (metadata.creationTimestamp ?? ''));
  }
}

function secret(seen: Seen, name: string): Manifest | undefined {
  return seen.objects.get(objectKey('Secret', name));
}
