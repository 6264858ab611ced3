import type { EffectiveCluster } from '../api/effective.ts';
import type { Component } from '../api/meta.ts';
import { names } from '../api/names.ts';
import { STANDBY_SETTINGS } from '../config/dynamic-keys.ts';
import { nextRestart, type RestartCandidate } from '../config/restart-order.ts';

/** One step of an interruption; steps come one after another, members within a step too. */
export interface RestartStep {
  readonly component: Component;
  /** `Switchover`: a replica takes over. */
  readonly action: 'ReplacePod' | 'Restart' | 'Switchover';
  /** Whom it is about. `former leader`: the one that has handed over. `members` of etcd and HAProxy. */
  readonly who: 'replicas' | 'leader' | 'former leader' | 'members';
  /** How many there are. */
  readonly count: number;
  /** Names of the pods; absent when the leader is not known. */
  readonly pods?: readonly string[];
  /** `Writes`: writes pause and connections to the leader end. `Reads`: connections to that replica end. `Connections`: those through that pod end. */
  readonly interrupts: 'Writes' | 'Reads' | 'Connections' | 'None';
}

/** A setting that needs a restart of PostgreSQL, as texts, with the defaults of PostgreSQL where nobody sets it. */
export interface RestartSetting {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export interface RestartCauses {
  /** Components whose pod template changes. */
  readonly replaced: readonly Component[];
  readonly settings: readonly RestartSetting[];
  /** Members that are there before and after. */
  readonly members: number;
  /** Who leads now, where that is known. */
  readonly leader?: string | undefined;
}

type Running = Readonly<Record<string, string>>;

interface Member {
  readonly name: string;
  readonly isLeader: boolean;
  readonly running: Running;
}

/** The steps in which a change is carried out, played by the rules of `decide`: components in turn, pods before settings, and settings in the order of `nextRestart`. */
export function restartSteps(c: EffectiveCluster, { replaced, settings, members, leader }: RestartCauses): readonly RestartStep[] {
  const pods = Array.from({ length: members }, (_, ordinal) => names.pod(c.name, 'postgres', ordinal));
  const isKnown = leader !== undefined && pods.includes(leader);
  const first = isKnown ? leader : pods[0];
  const running = Object.fromEntries(settings.map(({ name, before }) => [name, before]));
  const play: Play = { settings, steps: [], isKnown, members: pods.map((name) => ({ name, isLeader: name === first, running })) };
  const rolled = replaced.includes('postgres') ? replacePods(play) : play;
  const played = settings.length === 0 ? rolled : restartAll(rolled, c.spec.updateStrategy.leader);
  return [
    ...(replaced.includes('etcd') ? [podsOf('etcd', c.spec.etcd.replicas, 'None')] : []),
    ...rolled.steps,
    ...(replaced.includes('haproxy') ? [podsOf('haproxy', c.spec.haproxy.replicas, 'Connections')] : []),
    ...played.steps.slice(rolled.steps.length),
  ];
}

function podsOf(component: 'etcd' | 'haproxy', count: number, interrupts: RestartStep['interrupts']): RestartStep {
  return { component, action: 'ReplacePod', who: 'members', count, interrupts };
}

interface Play {
  readonly settings: readonly RestartSetting[];
  readonly members: readonly Member[];
  readonly steps: readonly RestartStep[];
  /** Whether the leader is known by name. */
  readonly isKnown: boolean;
}

function replacePods(play: Play): Play {
  const [replicas, leader] = [play.members.filter(({ isLeader }) => !isLeader), play.members.find(({ isLeader }) => isLeader)];
  if (leader === undefined) return play;
  if (replicas.length === 0)
    return restarted(play, leader.name, { component: 'postgres', action: 'ReplacePod', who: 'leader', interrupts: 'Writes' });
  const after = replicas.reduce(
    (now, { name }) => restarted(now, name, { component: 'postgres', action: 'ReplacePod', who: 'replicas', interrupts: 'Reads' }),
    play,
  );
  return restarted(handedOver(after, leader.name), leader.name, {
    component: 'postgres',
    action: 'ReplacePod',
    who: 'former leader',
    interrupts: 'Reads',
  });
}

/** More restarts than any plan has: growing and shrinking together restart each member twice. */
const MOST_RESTARTS_PER_MEMBER = 4;

function restartAll(start: Play, leaderBy: 'Restart' | 'Switchover'): Play {
  let play = start;
  for (let i = 0; i < MOST_RESTARTS_PER_MEMBER * start.members.length; i += 1) {
    const next = nextRestart(
      play.members.map((member) => candidate(play, member)),
      leaderBy,
    );
    if (next.kind === 'none' || next.kind === 'wait') return play;
    if (next.kind === 'restart')
      play = restarted(play, next.member, {
        component: 'postgres',
        action: 'Restart',
        who: next.isLeader ? 'leader' : 'replicas',
        interrupts: next.isLeader ? 'Writes' : 'Reads',
      });
    // The old leader restarts as it becomes a replica.
    else play = take(handedOver(play, next.leader), next.leader);
  }
  return play;
}

function candidate({ settings }: Play, { name, isLeader, running }: Member): RestartCandidate {
  const pending = settings.filter((setting) => running[setting.name] !== setting.after);
  return {
    name,
    isLeader,
    running,
    pending: pending.map((setting) => ({ name: setting.name, oldValue: running[setting.name] ?? '', newValue: setting.after })),
  };
}

/** A restart of one member, joined with the step before it when that is of the same kind. */
function restarted(play: Play, member: string, step: Pick<RestartStep, 'component' | 'action' | 'who' | 'interrupts'>): Play {
  const last = play.steps.at(-1);
  const isSame = last !== undefined && last.action === step.action && last.who === step.who;
  const before = isSame ? last : { count: 0, pods: [] as readonly string[] };
  const joined: RestartStep = { ...step, count: before.count + 1, ...(play.isKnown ? { pods: [...(before.pods ?? []), member] } : {}) };
  return take({ ...play, steps: [...(isSame ? play.steps.slice(0, -1) : play.steps), joined] }, member);
}

function handedOver(play: Play, leader: string): Play {
  const heir = play.members.find(({ name }) => name !== leader)?.name;
  const step: RestartStep = {
    component: 'postgres',
    action: 'Switchover',
    who: 'leader',
    count: 1,
    ...(play.isKnown ? { pods: [leader] } : {}),
    interrupts: 'Writes',
  };
  // Which replica takes over is decided then: from here on nobody knows the leader by name.
  return {
    ...play,
    isKnown: false,
    steps: [...play.steps, step],
    members: play.members.map((member) => ({ ...member, isLeader: member.name === heir })),
  };
}

/** What a member runs with once it has started again: a replica never has less of a setting of the standbys than its leader (Patroni takes the leader's from pg_control). */
function take(play: Play, member: string): Play {
  const leader = play.members.find(({ isLeader }) => isLeader);
  const running = (isLeader: boolean) =>
    Object.fromEntries(
      play.settings.map(({ name, after }) => {
        const least = leader?.running[name];
        const isHeld = !isLeader && least !== undefined && STANDBY_SETTINGS.includes(name) && Number(least) > Number(after);
        return [name, isHeld ? least : after];
      }),
    );
  return { ...play, members: play.members.map((one) => (one.name === member ? { ...one, running: running(one.isLeader) } : one)) };
}
