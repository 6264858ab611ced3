import type { PendingSetting } from '../patroni/cluster-view.ts';
import { STANDBY_SETTINGS } from './dynamic-keys.ts';

export interface RestartCandidate {
  readonly name: string;
  readonly isLeader: boolean;
  /** Settings that wait on this member; empty when none does. */
  readonly pending: readonly PendingSetting[];
  /** What the member runs with now, by setting (`current_setting`); absent when it could not be asked. */
  readonly running?: Readonly<Record<string, string>>;
}

export type NextRestart =
  | { readonly kind: 'none' }
  | { readonly kind: 'restart'; readonly member: string; readonly isLeader: boolean }
  /** Hand over first: the old leader restarts as it becomes a replica. */
  | { readonly kind: 'switchover'; readonly leader: string }
  | { readonly kind: 'wait'; readonly why: string };

/**
 * Which member restarts next. PostgreSQL demands that a standby has at least as much of some settings as its leader: what grows is applied on the replicas first, what shrinks on
 * the leader first, and where both wait, growing comes first and the replicas restart once more afterwards. Everything else goes replicas first, so that the leader comes last.
 */
export function nextRestart(members: readonly RestartCandidate[], leaderBy: 'Restart' | 'Switchover'): NextRestart {
  const waiting = [...members].filter(({ pending }) => pending.length > 0).sort((a, b) => (a.name < b.name ? -1 : 1));
  const leader = waiting.find(({ isLeader }) => isLeader);
  const replicas = waiting.filter(({ isLeader }) => !isLeader);
  if (waiting.length === 0) return { kind: 'none' };
  const shrinking = standbySettings(leader).filter((setting) => direction(setting) === 'shrinks');
  const growing = standbySettings(leader).filter((setting) => direction(setting) === 'grows');
  if (leader !== undefined && shrinking.length > 0 && growing.length === 0) return { kind: 'restart', member: leader.name, isLeader: true };
  // A replica on which only such settings wait as the leader has to lower first would keep its old value (Patroni takes the leader's from pg_control).
  const replica = replicas.find(({ pending }) => !pending.every(({ name }) => shrinking.some((setting) => setting.name === name)));
  if (replica !== undefined) return { kind: 'restart', member: replica.name, isLeader: false };
  if (leader === undefined) return { kind: 'none' };
  const behind = growing.length === 0 ? undefined : notYetGrown(members, growing);
  if (behind !== undefined) return { kind: 'wait', why: behind };
  return leaderBy === 'Switchover' && shrinking.length === 0 && members.length > 1 ? { kind: 'switchover', leader: leader.name } : { kind: 'restart', member: leader.name, isLeader: true };
}

function standbySettings(member: RestartCandidate | undefined): readonly PendingSetting[] {
  return (member?.pending ?? []).filter(({ name }) => STANDBY_SETTINGS.includes(name));
}

/** Values are whole numbers. One that cannot be read counts as growing, the order that is right for everything else too. */
function direction({ oldValue, newValue }: PendingSetting): 'grows' | 'shrinks' {
  return Number(newValue) < Number(oldValue) ? 'shrinks' : 'grows';
}

/** A replica that Patroni does not call pending may just not have noticed yet: what it runs with is the proof. */
function notYetGrown(members: readonly RestartCandidate[], growing: readonly PendingSetting[]): string | undefined {
  for (const { name: member, isLeader, running } of members) {
    if (isLeader) continue;
    for (const { name, newValue } of growing) {
      const now = running?.[name];
      if (now === undefined) return `what ${member} runs with could not be read`;
      if (newValue !== undefined && Number(now) < Number(newValue)) return `${member} does not run with ${name} ${newValue} yet`;
    }
  }
  return undefined;
}
