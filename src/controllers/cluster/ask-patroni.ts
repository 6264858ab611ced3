import { findCondition } from '../../api/conditions.ts';
import type { EffectiveCluster } from '../../api/effective.ts';
import { STANDBY_SETTINGS } from '../../config/dynamic-keys.ts';
import { settingsOfUser } from '../../config/verdicts.ts';
import { leavingSettings, settingsToProve } from '../../decide/config-facts.ts';
import { podsOf, type Seen } from '../../decide/facts.ts';
import type { MemberConfig, Observed, PodView } from '../../decide/observed.ts';
import type { ClusterView } from '../../patroni/cluster-view.ts';
import { leaderOf } from '../../patroni/members.ts';

import type { PatroniAccess } from './patroni-access.ts';
import type { ClusterControllerPorts } from './ports.ts';
import type { PostgresAccess } from './superuser.ts';

/** How long one member may take to answer a read before the next one is asked. */
const ANSWER_WITHIN_MS = 2_500;

export interface Questions {
  readonly ports: Pick<ClusterControllerPorts, 'readSettings'>;
  readonly base: Observed;
  readonly effective: EffectiveCluster;
  readonly access: PatroniAccess;
  readonly postgres: () => Promise<PostgresAccess>;
  /** Whether to read configuration too: more requests, so only when something may have changed. */
  readonly wantsConfig: boolean;
  readonly signal: AbortSignal;
}

type Answers = Pick<Observed, 'view' | 'leaderProbe' | 'dynamicConfig' | 'memberConfigs'>;

/** Patroni's view of the cluster from the first member that answers, and, if wanted, what each member says of its configuration. What does not answer is absent. */
export async function askPatroni(questions: Questions): Promise<Answers> {
  const { base, access, signal } = questions;
  const running = podsOf(base, 'postgres').filter((pod) => pod.running && pod.ip !== undefined);
  const view = await firstView(base.cluster.status?.leader, running, access, signal);
  if (view === undefined) return {};
  const lead = leaderOf(view);
  const pod = running.find((candidate) => candidate.name === lead?.name);
  const client = pod === undefined ? undefined : access.member(pod);
  if (client === undefined || pod === undefined) return { view };
  const { status } = base.cluster;
  const isNews = status?.leader !== lead?.name || status?.timeline !== lead?.timeline || status?.versions?.postgres === undefined || status.systemIdentifier === undefined;
  const leaderProbe = isNews ? await quietly(client.getMember(within(signal))) : undefined;
  const memberConfigs = questions.wantsConfig || view.members.some(({ pendingRestart }) => pendingRestart) ? await askMembers(questions, view, running) : undefined;
  const dynamicConfig = memberConfigs?.get(pod.name)?.dynamicConfig;
  return {
    view,
    ...(leaderProbe === undefined ? {} : { leaderProbe }),
    ...(dynamicConfig === undefined ? {} : { dynamicConfig }),
    ...(memberConfigs === undefined ? {} : { memberConfigs }),
  };
}

/** All at once: a member that is lost delays the pass no longer than one answer may take. */
async function askMembers({ ports, base, effective, access, postgres, signal }: Questions, view: ClusterView, running: readonly PodView[]): Promise<ReadonlyMap<string, MemberConfig>> {
  const names = settingsToRead({ ...base, effective }, view);
  const targetOf = names.length === 0 ? () => undefined : await postgres();
  const answers = running.map(async (pod): Promise<readonly [string, MemberConfig]> => {
    const target = targetOf(pod);
    const [dynamicConfig, settings] = await Promise.all([
      quietly(access.member(pod)?.getConfig(within(signal)) ?? Promise.resolve(undefined)),
      target === undefined ? undefined : quietly(ports.readSettings(target, names, { connectMs: ANSWER_WITHIN_MS, statementMs: ANSWER_WITHIN_MS })),
    ]);
    return [pod.name, { ...(dynamicConfig === undefined ? {} : { dynamicConfig }), ...(settings === undefined ? {} : { settings }) }];
  });
  return new Map(await Promise.all(answers));
}

/** Those of the user, and those that left the spec until every member has let them go; and all that the operator wants while it is not proven that they are in force, among them those that decide in which order members restart. */
function settingsToRead(seen: Seen, view: ClusterView): readonly string[] {
  const { effective } = seen;
  const { metadata, status } = seen.cluster;
  const own = [...settingsOfUser(effective), ...leavingSettings(seen)];
  const isProven = status?.observedGeneration === metadata.generation && findCondition(status?.conditions, 'ConfigApplied')?.reason === 'Applied';
  if (isProven && !view.members.some(({ pendingRestart }) => pendingRestart)) return own;
  return [...new Set([...own, ...STANDBY_SETTINGS, ...settingsToProve(effective)])];
}

/** The last known leader is asked first, then all others at once: one request in the normal case, and no long wait when a node is lost. */
async function firstView(leader: string | undefined, running: readonly PodView[], access: PatroniAccess, signal: AbortSignal): Promise<ClusterView | undefined> {
  const first = running.find((pod) => pod.name === leader) ?? running[0];
  if (first === undefined) return undefined;
  const ask = (pod: PodView) => access.member(pod)?.getCluster(within(signal)) ?? Promise.reject(new TypeError('no credentials yet'));
  const answer = await quietly(ask(first));
  if (answer !== undefined) return answer;
  return quietly(Promise.any(running.filter((pod) => pod !== first).map(ask)));
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
}

/** A member that does not answer is an observation, not a failure. */
async function quietly<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
