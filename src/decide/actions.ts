import type { EventReason } from '../api/events.ts';
import type { Manifest, PatroniOperationObject } from '../api/objects.ts';
import type { PatroniOperationStatus } from '../api/patronioperation.ts';
import type { PatroniClusterStatus } from '../api/status.ts';
import type { CaPlan, CredentialPlan, LeafPlan } from '../resources/secrets.ts';

/**
 * What one pass may do. Every action is idempotent: carrying it out twice, or being killed in the middle and deciding again, ends in the same place.
 * `requestSwitchover`, `restartMember` and `deletePod` interrupt somebody; a plan holds at most one of these.
 */
export type Action =
  | { readonly kind: 'addFinalizer' }
  | { readonly kind: 'removeFinalizer' }
  /** Generates a CA or a credential when it does not exist; never overwrites one. */
  | { readonly kind: 'createSecret'; readonly plan: CaPlan | CredentialPlan }
  /** Writes what is not secret in a credential anew (host names, database), with the password it has. */
  | { readonly kind: 'rewriteSecret'; readonly plan: CredentialPlan }
  /** Issues or renews a leaf certificate from the cluster's CA. */
  | { readonly kind: 'issueLeaf'; readonly plan: LeafPlan }
  /** Server-side apply; the shell leaves it out when the live object already is what is wanted. */
  | { readonly kind: 'apply'; readonly manifest: Manifest }
  | { readonly kind: 'deleteObject'; readonly manifest: Manifest }
  | { readonly kind: 'growClaim'; readonly claim: string; readonly size: string }
  | { readonly kind: 'deleteClaim'; readonly claim: string }
  | { readonly kind: 'refreshPodVolumes'; readonly pod: string; readonly configHash: string }
  /** Merge patch of Patroni's dynamic configuration (`PATCH /config`); null removes a key. */
  | { readonly kind: 'patchDynamicConfig'; readonly patch: Readonly<Record<string, unknown>>; readonly message: string }
  | { readonly kind: 'reloadMember'; readonly member: string }
  /** Restarts PostgreSQL of a member, if a setting waits for it there; Patroni itself goes on. */
  | { readonly kind: 'restartMember'; readonly member: string; readonly message: string }
  /** Removes a request that was carried out or refused, while it still says `value`, and tells why. */
  | { readonly kind: 'removeAnnotation'; readonly annotation: 'restart'; readonly value: string; readonly reason: EventReason; readonly message: string }
  /** Makes a member load renewed certificates, and notes on its pod that it was told to. */
  | { readonly kind: 'reloadCertificates'; readonly member: string; readonly certificates: string }
  | { readonly kind: 'ensureApplicationDatabase'; readonly leader: string }
  /** Turns the annotation into an operation, unless one that is not finished exists; then removes the annotation. */
  | { readonly kind: 'acceptSwitchoverAnnotation'; readonly value: string }
  /** Records a request as rejected, then removes the annotation. */
  | { readonly kind: 'rejectSwitchoverAnnotation'; readonly value: string; readonly reason: string; readonly message: string }
  | { readonly kind: 'removeSwitchoverAnnotation'; readonly value: string }
  | { readonly kind: 'createOperation'; readonly requestedBy: 'Rollout' | 'ScaleDown'; readonly target: string }
  | { readonly kind: 'updateOperation'; readonly operation: PatroniOperationObject; readonly status: PatroniOperationStatus }
  | { readonly kind: 'requestSwitchover'; readonly operation: PatroniOperationObject; readonly status: PatroniOperationStatus; readonly leader: string; readonly candidate: string }
  | { readonly kind: 'deleteOperation'; readonly name: string }
  | { readonly kind: 'deletePod'; readonly pod: string; readonly uid: string; readonly reason: EventReason; readonly message: string };

/** What a step of the policy wants. */
export interface Move {
  readonly actions: readonly Action[];
  /** What the operator is in the middle of, for the condition `Progressing`; absent when the step has nothing to do. */
  readonly progress?: { readonly reason: ProgressReason; readonly message: string };
}

export type ProgressReason = 'Creating' | 'ScalingUp' | 'ScalingDown' | 'Switchover' | 'RollingRestart' | 'RestartingPostgres' | 'Deleting';

export interface Decision {
  readonly actions: readonly Action[];
  readonly status: PatroniClusterStatus;
  /** When to look again without an event; always set while something is in progress. */
  readonly recheckAfterMs: number;
}

export const NOTHING: Move = { actions: [] };
