import { ANNOTATIONS } from '../../api/meta.ts';
import { STANDBY_SETTINGS } from '../../config/dynamic-keys.ts';
import { nextRestart, type RestartCandidate } from '../../config/restart-order.ts';
import { isLeader } from '../../patroni/members.ts';
import { switchoverCandidates } from '../../patroni/switchover-checks.ts';
import { NOTHING, type Action, type Move } from '../actions.ts';
import { membersYetToApply, membersYetToLoad } from '../config-facts.ts';
import { activeOperation, liveReplicas, outdatedPods, podTrouble, postgresTrouble, type Seen } from '../facts.ts';
import type { ClusterView } from '../../patroni/cluster-view.ts';

import { MAXIMUM_LAG_BYTES } from './operations.ts';
import { recentlyFailed } from './scale.ts';
import { isRestartRequested, RESTART_PENDING, restartPermission } from './restart-permission.ts';

/**
 * Restarts PostgreSQL where a setting waits for it: one member at a time, in the order PostgreSQL needs (`config/restart-order.ts`), only while the rest is healthy and every
 * member has loaded the configuration, and only when the spec allows it.
 */
export function pendingRestarts(seen: Seen): Move {
  const { view } = seen;
  if (view === undefined || !view.members.some(({ pendingRestart }) => pendingRestart)) return NOTHING;
  if (!restartPermission(seen).allowed) return NOTHING;
  if (activeOperation(seen) !== undefined) return waiting('Restarts for changed settings wait for the operation that is under way.');
  const trouble = postgresTrouble(seen, liveReplicas(seen, 'postgres') ?? seen.effective.spec.postgres.replicas) ?? podTrouble(seen, 'etcd', seen.effective.spec.etcd.replicas);
  if (trouble !== undefined) return waiting(`Restarts for changed settings wait: ${trouble}.`);
  const behind = membersYetToLoad(seen);
  if (behind === undefined) return waiting('Restarts for changed settings wait: not every member could be asked which configuration it has.');
  if (behind.length > 0) return waiting(`Restarts for changed settings wait until ${behind.join(', ')} has loaded the configuration.`);
  const next = nextRestart(candidates(seen, view), seen.effective.spec.updateStrategy.leader);
  const untold = next.kind === 'switchover' || (next.kind === 'restart' && next.isLeader) ? replicasYetToTell(seen, view) : [];
  if (untold.length > 0) return waiting(`Restarts for changed settings wait until ${untold.join(', ')} has told whether it needs one, for the leader comes last.`);
  switch (next.kind) {
    case 'none':
      return NOTHING;
    case 'wait':
      return waiting(`Restarts for changed settings wait: ${next.why}.`);
    case 'switchover':
      return handOver(seen, view, next.leader);
    case 'restart': {
      const message = `Restarting PostgreSQL of ${next.member}${next.isLeader ? ', the leader,' : ''} for ${settingsOf(view, next.member)}.`;
      return { actions: [{ kind: 'restartMember', member: next.member, message }], progress: { reason: 'RestartingPostgres', message } };
    }
  }
}

/** Removes the request once there is nothing left that it could mean, and at once when it asks for something else. */
export function restartRequest(seen: Seen): readonly Action[] {
  const value = seen.cluster.metadata.annotations?.[ANNOTATIONS.restart];
  if (value === undefined) return [];
  if (value !== RESTART_PENDING) {
    const message = `The annotation ${ANNOTATIONS.restart} asks for ${JSON.stringify(value.slice(0, 63))}, which is unknown: the only value is ${RESTART_PENDING}. Nothing was restarted.`;
    return [{ kind: 'removeAnnotation', annotation: 'restart', value, reason: 'RestartRejected', message }];
  }
  const isKnown = seen.view !== undefined && isRestartRequested(seen);
  const isPending = seen.view?.members.some(({ pendingRestart }) => pendingRestart) ?? true;
  const outdated = (['etcd', 'postgres', 'haproxy'] as const).map((component) => outdatedPods(seen, component));
  if (!isKnown || isPending || outdated.some((pods) => pods === undefined || pods.length > 0) || (membersYetToLoad(seen)?.length ?? 1) > 0 || membersYetToApply(seen).length > 0) return [];
  return [{ kind: 'removeAnnotation', annotation: 'restart', value, reason: 'RestartsDone', message: 'Nothing waits for a restart any more.' }];
}

/**
 * Replicas that do not run yet with what waits on the leader, and are not called pending either: each member tells in a loop of its own, often the leader first. Settings of which a
 * standby needs as much as its leader have their own order, and a replica may rightly keep the old value of one of them.
 */
function replicasYetToTell(seen: Seen, view: ClusterView): readonly string[] {
  const leader = view.members.find(isLeader);
  const waits = new Set((leader?.pendingSettings ?? []).map(({ name }) => name).filter((name) => !STANDBY_SETTINGS.includes(name)));
  return membersYetToApply(seen, (name) => waits.has(name)).filter((name) => name !== leader?.name);
}

function candidates(seen: Seen, view: ClusterView): readonly RestartCandidate[] {
  return view.members.map((member) => {
    const settings = seen.memberConfigs?.get(member.name)?.settings;
    return {
      name: member.name,
      isLeader: isLeader(member),
      pending: member.pendingRestart ? (member.pendingSettings ?? [{ name: 'unknown' }]) : [],
      ...(settings === undefined ? {} : { running: Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value])) }),
    };
  });
}

function handOver(seen: Seen, view: ClusterView, leader: string): Move {
  const heir = switchoverCandidates(view, { maximumLagBytes: MAXIMUM_LAG_BYTES })[0];
  if (heir === undefined) return waiting(`Restarting ${leader}, the leader, waits: no replica is fit to take over.`);
  if (recentlyFailed(seen)) return waiting(`Restarting ${leader}, the leader, waits a minute after a switchover that failed.`);
  const message = `Handing the lead over from ${leader} to ${heir.name}, so that ${leader} takes ${settingsOf(view, leader)} as a replica.`;
  return { actions: [{ kind: 'createOperation', requestedBy: 'Rollout', target: heir.name }], progress: { reason: 'RestartingPostgres', message } };
}

function settingsOf(view: ClusterView, member: string): string {
  const settings = view.members.find(({ name }) => name === member)?.pendingSettings ?? [];
  return settings.length === 0 ? 'a changed setting' : settings.map(({ name }) => name).join(', ');
}

function waiting(message: string): Move {
  return { actions: [], progress: { reason: 'RestartingPostgres', message } };
}
