import type { Action } from '../../decide/actions.ts';
import { errorCode } from '../../errors.ts';
import type { ClusterMember, MemberProbe } from '../../patroni/cluster-view.ts';
import { leaderOf } from '../../patroni/members.ts';

import { CHANGED, leaderClient, memberClient, note, UNCHANGED, type ActContext, type ActResult } from './act-context.ts';

/** Orders to Patroni about configuration and restarts. */

/** How often a change of the dynamic configuration is tried when somebody else changes it at the same moment. */
const CONFLICT_TRIES = 3;

/** Patroni compares and swaps, so a conflict means that another change came first: the same patch on top of that is still right, as it names our keys only. */
export async function patchDynamicConfig(context: ActContext, { patch, message }: Extract<Action, { kind: 'patchDynamicConfig' }>): Promise<ActResult> {
  const client = leaderClient(context);
  if (client === undefined) return UNCHANGED;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.patchConfig(patch, context.signal);
      break;
    } catch (error) {
      if (errorCode(error) !== 'ERR_PATRONI_CONFIG_CONFLICT' || attempt === CONFLICT_TRIES) throw error;
    }
  }
  const { namespace, name } = context.observed.cluster.metadata;
  context.ports.logger.info('changed the dynamic configuration', { cluster: `${namespace}/${name}`, action: 'patchDynamicConfig', change: message });
  note(context, 'ConfigurationChanged', 'Configure', message);
  return CHANGED;
}

/** What each member says of itself, of those that answer. */
async function ownWords(context: ActContext, members: readonly ClusterMember[]): Promise<readonly MemberProbe[]> {
  const clients = members.flatMap(({ name }) => memberClient(context, name) ?? []);
  const answers = await Promise.allSettled(clients.map((client) => client.getMember(context.signal)));
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** What Patroni 4.1 answers when the member does not wait for a restart: it has been restarted since it last told the others. */
const NOTHING_PENDING = /restart conditions are not satisfied/;

/**
 * Only if a setting still waits there, so that whoever asks twice restarts once, and only while every member leads or streams. The members are asked themselves, since what
 * `GET /cluster` says of them is up to a loop old: after a restart of the leader it calls replicas streaming that have yet to find it again, and one that restarts then has not
 * replayed what the leader lowered, and starts with the old value. Patroni, which is told the same condition, has the last word.
 */
export async function restartMember(context: ActContext, { member, message }: Extract<Action, { kind: 'restartMember' }>): Promise<ActResult> {
  const client = memberClient(context, member);
  const { view } = context.observed;
  if (client === undefined || view === undefined) return UNCHANGED;
  const probes = await ownWords(context, view.members);
  const leader = leaderOf(view)?.name;
  const isThere = ({ name, state, replicationState }: MemberProbe): boolean => state === 'running' && (name === leader || replicationState === 'streaming');
  const isPending = probes.some(({ name, pendingRestart }) => name === member && pendingRestart);
  if (!isPending || probes.length !== view.members.length || !probes.every(isThere)) return UNCHANGED;
  note(context, 'RestartingPostgres', 'Restart', message);
  const { namespace, name } = context.observed.cluster.metadata;
  context.ports.logger.info('restarting PostgreSQL', { cluster: `${namespace}/${name}`, action: 'restartMember', member });
  const reply = await client.restart({ pendingOnly: true }, context.signal);
  // That nothing waits there any more is no refusal that anybody must hear of.
  if (reply.kind === 'refused' && !NOTHING_PENDING.test(reply.text)) note(context, 'RestartRefused', 'Restart', `Patroni did not restart PostgreSQL of ${member}: ${reply.text.trim().slice(0, 300)}.`);
  return CHANGED;
}
