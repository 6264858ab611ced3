import type { ClusterMember, ClusterView } from './cluster-view.ts';

/** Questions to a `ClusterView`. All pure; the order of members never matters. */

const LEADER_ROLES = new Set(['leader', 'standby_leader']);
const SYNCHRONOUS_ROLES = new Set(['sync_standby', 'quorum_standby']);

/** The member that holds the leader key, or undefined while nobody does. Its PostgreSQL may still be starting or being promoted. */
export function leaderOf(view: ClusterView): ClusterMember | undefined {
  return view.members.find(isLeader);
}

export function isLeader(member: ClusterMember): boolean {
  return LEADER_ROLES.has(member.role);
}

export function memberOf(view: ClusterView, name: string): ClusterMember | undefined {
  return view.members.find((member) => member.name === name);
}

/** Whether `member` is a replica that streams on the timeline of the leader. A timeline that is not known proves nothing. */
export function isStreaming(view: ClusterView, member: ClusterMember): boolean {
  const leader = leaderOf(view);
  if (leader === undefined || isLeader(member)) return false;
  return member.state === 'streaming' && member.timeline !== undefined && member.timeline === leader.timeline;
}

/** The replicas that stream from the leader's timeline, by name. */
export function healthyReplicas(view: ClusterView): readonly ClusterMember[] {
  return view.members.filter((member) => isStreaming(view, member)).sort(byName);
}

/**
 * Whether the member's tags keep it from becoming leader. Patroni 4.1 `tags.py`: `nofailover` wins where it is set; else a `failover_priority`
 * of zero or less does the same.
 */
export function isBarredFromLeading(member: ClusterMember): boolean {
  const { nofailover, failover_priority: priority } = member.tags;
  if (nofailover !== undefined && nofailover !== null) return Boolean(nofailover);
  const number = typeof priority === 'string' ? Number.parseInt(priority, 10) : priority;
  return typeof number === 'number' && number <= 0;
}

/** Whether the cluster replicates synchronously, as far as the view shows it: then Patroni hands over to synchronous members only. */
export function hasSynchronousMember(view: ClusterView): boolean {
  return view.members.some((member) => SYNCHRONOUS_ROLES.has(member.role));
}

export function isSynchronousMember(member: ClusterMember): boolean {
  return SYNCHRONOUS_ROLES.has(member.role);
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
