import { FINALIZER } from '../api/meta.ts';
import { byName } from '../patroni/members.ts';

import type { Action, Decision, Move } from './actions.ts';
import { NOTHING } from './actions.ts';
import type { Seen } from './facts.ts';
import type { Observed } from './observed.ts';
import { statusOf } from './status.ts';
import { application } from './steps/application.ts';
import { certificates } from './steps/certificates.ts';
import { configFiles } from './steps/config-files.ts';
import { deletion } from './steps/deletion.ts';
import { dynamicConfig } from './steps/dynamic-config.ts';
import { manifests } from './steps/manifests.ts';
import { operations } from './steps/operations.ts';
import { pendingRestarts, restartRequest } from './steps/pending-restarts.ts';
import { rollout } from './steps/rollout.ts';
import { scale } from './steps/scale.ts';
import { secrets } from './steps/secrets.ts';
import { volumes } from './steps/volumes.ts';

/** A healthy cluster is looked at this often: Patroni may change the leader without any Kubernetes event. */
export const IDLE_RECHECK_MS = 10_000;
/** While something is under way. */
export const BUSY_RECHECK_MS = 1_000;

/**
 * The policy: from what was observed to what is to be done now, and to the status. Pure and total: whatever the state of the cluster, it returns a plan, and the same
 * observation gives the same plan. Steps that interrupt nobody all run in every pass; of those that interrupt (operations, scale-down, rollout, restarts for settings) the first that has something to
 * do moves, so at most one disruption happens in a pass.
 */
export function decide(raw: Observed): Decision {
  const observed = inOrder(raw);
  if (observed.cluster.metadata.deletionTimestamp !== undefined) return finish(observed, [deletion(observed)]);
  const { effective } = observed;
  if (effective === undefined) return finish(observed, []);
  const seen: Seen = { ...observed, effective };
  const finalizer: Move = seen.cluster.metadata.finalizers?.includes(FINALIZER) === true ? NOTHING : { actions: [{ kind: 'addFinalizer' }] };
  const operation = operations(seen);
  const scaling = scale(seen);
  const quiet = [
    finalizer,
    secrets(seen),
    manifests(seen, scaling.replicas),
    volumes(seen),
    configFiles(seen),
    certificates(seen),
    dynamicConfig(seen, scaling.replicas),
    application(seen),
    { actions: restartRequest(seen) },
  ];
  const disruptive = firstOf(operation, scaling, () => rollout(seen), () => pendingRestarts(seen));
  return finish(seen, [...quiet, { actions: operation.progress === undefined ? operation.actions : [] }, disruptive]);
}

/** The first that has something to do; later ones are not even planned. */
function firstOf(...moves: readonly (Move | (() => Move))[]): Move {
  for (const each of moves) {
    const move = typeof each === 'function' ? each() : each;
    if (move.progress !== undefined) return move;
  }
  return NOTHING;
}

/** Caches and Patroni promise no order of what they list, and plans and messages must not depend on it. */
function inOrder(observed: Observed): Observed {
  const { pods, claims, operations: listed, objects, view } = observed;
  return {
    ...observed,
    pods: [...pods].sort(byName),
    claims: [...claims].sort(byName),
    operations: [...listed].sort((a, b) => byName(a.metadata, b.metadata)),
    objects: new Map([...objects].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
    ...(view === undefined ? {} : { view: { ...view, members: [...view.members].sort(byName) } }),
  };
}

function finish(observed: Observed, moves: readonly Move[]): Decision {
  const actions: readonly Action[] = moves.flatMap((move) => move.actions);
  const progress = [...moves].reverse().find((move) => move.progress !== undefined)?.progress;
  const status = statusOf(observed, progress);
  const settled = status.conditions?.find((condition) => condition.type === 'Reconciling')?.status === 'False';
  return { actions, status, recheckAfterMs: settled ? IDLE_RECHECK_MS : BUSY_RECHECK_MS };
}
