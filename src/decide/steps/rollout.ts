import type { Component } from '../../api/meta.ts';
import { switchoverCandidates } from '../../patroni/switchover-checks.ts';
import { NOTHING, type Move } from '../actions.ts';
import { activeOperation, leader, liveReplicas, outdatedPods, podTrouble, postgresTrouble, type Seen } from '../facts.ts';
import type { PodView } from '../observed.ts';

import { MAXIMUM_LAG_BYTES } from './operations.ts';
import { restartPermission } from './restart-permission.ts';
import { recentlyFailed } from './scale.ts';

/** The order in which components are restarted when several have changed. */
const ORDER: readonly Component[] = ['etcd', 'postgres', 'haproxy'];

const WHY = 'its pod template has changed';

/**
 * Restarts pods whose template has changed: one at a time, only while everything else is healthy; Postgres replicas before the leader, and the leader only after it has handed
 * over. A pod that does not run anyway (wrong image, impossible request) is replaced first, whatever the health, since that is what may heal the cluster.
 */
export function rollout(seen: Seen): Move {
  for (const component of ORDER) {
    const outdated = outdatedPods(seen, component);
    if (outdated === undefined) return waiting(`Waiting until Kubernetes has taken notice of the new ${component} template.`);
    const broken = outdated.find((pod) => !pod.running && !pod.terminating);
    if (broken !== undefined) return restart(broken);
    if (outdated.length > 0) {
      const permission = restartPermission(seen);
      if (permission.allowed) return healthyRestart(seen, component, outdated);
      // What the spec postpones is no work in progress; a pause is meant to end.
      if (permission.reason === 'PatroniPaused') return waiting(`Restarting ${outdated.map((pod) => pod.name).join(', ')} waits: Patroni is paused. Resume it with \`patronictl resume\`.`);
    }
  }
  return NOTHING;
}

function healthyRestart(seen: Seen, component: Component, outdated: readonly PodView[]): Move {
  const names = outdated.map((pod) => pod.name).join(', ');
  if (activeOperation(seen) !== undefined) return waiting(`Restarting ${names} waits for the operation that is under way.`);
  const trouble = unrest(seen, component, outdated);
  if (trouble !== undefined) return waiting(`Restarting ${names} waits: ${trouble}.`);
  if (component !== 'postgres') return restart(outdated.filter((pod) => !pod.ready)[0] ?? (outdated.at(-1) as PodView));
  return restartPostgres(seen, outdated);
}

function restartPostgres(seen: Seen, outdated: readonly PodView[]): Move {
  const lead = leader(seen);
  const replica = [...outdated].reverse().find((pod) => pod.name !== lead?.name);
  if (replica !== undefined) return restart(replica);
  const pod = outdated[0] as PodView;
  const heir = seen.view === undefined ? undefined : switchoverCandidates(seen.view, { maximumLagBytes: MAXIMUM_LAG_BYTES })[0];
  if (heir === undefined) {
    return (liveReplicas(seen, 'postgres') ?? 1) <= 1 ? restart(pod) : waiting(`Restarting the leader ${pod.name} waits: no replica is fit to take over.`);
  }
  if (recentlyFailed(seen)) return waiting(`Restarting the leader ${pod.name} waits a minute after a switchover that failed.`);
  return {
    actions: [{ kind: 'createOperation', requestedBy: 'Rollout', target: heir.name }],
    progress: { reason: 'RollingRestart', message: `Handing the lead over from ${pod.name} to ${heir.name} before ${pod.name} is restarted.` },
  };
}

/** Why nothing may be restarted now. Of the component itself, outdated pods that are not ready do not count against it: they are what is to be mended. */
function unrest(seen: Seen, component: Component, outdated: readonly PodView[]): string | undefined {
  const { spec } = seen.effective;
  const excused = (trouble: string | undefined) =>
    trouble !== undefined && outdated.some((pod) => !pod.ready && trouble.includes(`${pod.name} `)) && outdated.filter((pod) => !pod.ready).length === 1 ? undefined : trouble;
  const postgres = postgresTrouble(seen, liveReplicas(seen, 'postgres') ?? spec.postgres.replicas);
  const etcd = podTrouble(seen, 'etcd', spec.etcd.replicas);
  const haproxy = spec.haproxy.enabled ? podTrouble(seen, 'haproxy', spec.haproxy.replicas) : undefined;
  return (component === 'etcd' ? excused(etcd) : etcd) ?? (component === 'postgres' ? excused(postgres) : postgres) ?? (component === 'haproxy' ? excused(haproxy) : undefined);
}

function restart(pod: PodView): Move {
  const message = `Restarting ${pod.name}, since ${WHY}.`;
  return { actions: [{ kind: 'deletePod', pod: pod.name, uid: pod.uid, reason: 'RollingRestart', message }], progress: { reason: 'RollingRestart', message } };
}

function waiting(message: string): Move {
  return { actions: [], progress: { reason: 'RollingRestart', message } };
}
