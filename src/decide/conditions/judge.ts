import { CONDITIONS, type Finding, type ReasonOf } from '../../api/conditions.ts';
import { ANNOTATIONS } from '../../api/meta.ts';
import { LEAVES, names } from '../../api/names.ts';
import type { PatroniClusterStatus } from '../../api/status.ts';
import type { Move } from '../actions.ts';
import { etcdFormed, latestRequested, leader, liveReplicas, podTrouble, postgresTrouble, readyCount } from '../facts.ts';
import { objectKey, type Observed } from '../observed.ts';
import { configApplied, pendingRestart } from './configuration.ts';
import { lostSecrets } from '../steps/secrets.ts';

/** What the rest of the pass has come to. */
export interface Verdicts {
  readonly progress: Move['progress'];
  /** Members that shall be there. */
  readonly wantedReplicas: number;
  /** The part of the status about the configuration. */
  readonly config: PatroniClusterStatus['config'];
}

/** Judges every condition, every pass. Messages hold names, never counters or times: a message that changes by itself would write the status for ever. */
export function judge(observed: Observed, { progress, wantedReplicas, config }: Verdicts): readonly Finding[] {
  const waiting = observed.effective === undefined ? undefined : whatIsMissing(observed, wantedReplicas);
  const applied = configApplied(observed, config);
  const findings: Finding[] = [
    ready(observed, waiting),
    reconciling(observed, progress, waiting ?? unloaded(applied)),
    stalled(observed),
    progress === undefined ? { type: 'Progressing', reason: 'Settled', message: 'Nothing is under way.' } : { type: 'Progressing', reason: progress.reason, message: progress.message },
    specValid(observed),
    etcdHealthy(observed),
    certificatesReady(observed),
    applied,
    pendingRestart(observed),
    paused(observed),
  ];
  const switchover = lastSwitchover(observed);
  return switchover === undefined ? findings : [...findings, switchover];
}

function problems(observed: Observed): string {
  return observed.problems.map((problem) => `${problem.path}: ${problem.message}`).join(' ');
}

/** The first thing that keeps the cluster from being whole, in words. */
function whatIsMissing(observed: Observed, wanted: number): string | undefined {
  const { effective } = observed;
  if (effective === undefined) return undefined;
  const stuck = observed.pods.find((pod) => pod.waiting !== undefined && !pod.ready);
  const why = stuck?.waiting === undefined ? '' : ` Pod ${stuck.name}: ${stuck.waiting.reason}${stuck.waiting.message === '' ? '' : ` (${stuck.waiting.message})`}.`;
  const etcd = podTrouble(observed, 'etcd', effective.spec.etcd.replicas);
  const postgres = postgresTrouble(observed, wanted);
  const surplus = (liveReplicas(observed, 'postgres') ?? wanted) > wanted || observed.pods.some((pod) => pod.component === 'postgres' && pod.ordinal >= wanted);
  const haproxy = effective.spec.haproxy.enabled ? podTrouble(observed, 'haproxy', effective.spec.haproxy.replicas) : undefined;
  const database = effective.spec.application.enabled && observed.cluster.status?.application === undefined ? 'the application database has not been created yet' : undefined;
  const trouble = postgres ?? etcd ?? haproxy ?? database ?? (surplus ? 'members that are no longer wanted are still there' : undefined);
  return trouble === undefined ? undefined : `${capital(trouble)}.${why}`;
}

function ready(observed: Observed, waiting: string | undefined): Finding {
  const { cluster } = observed;
  if (cluster.metadata.deletionTimestamp !== undefined) return { type: 'Ready', reason: 'Deleting', message: 'The resource is being deleted.' };
  const created = cluster.status?.systemIdentifier !== undefined || cluster.status?.leader !== undefined;
  if (observed.effective === undefined && !created) return { type: 'Ready', reason: 'InvalidSpec', message: problems(observed) };
  if (observed.view === undefined) {
    if (created) return { type: 'Ready', reason: 'ObservationIncomplete', message: 'No member of Patroni answers, so the state of the cluster cannot be told. Nothing is restarted meanwhile.' };
    return { type: 'Ready', reason: 'Creating', message: waiting ?? 'The cluster is being created.' };
  }
  if (leader(observed) === undefined) {
    if (!created) return { type: 'Ready', reason: 'Creating', message: waiting ?? 'The cluster is being created.' };
    return { type: 'Ready', reason: 'LeaderUnknown', message: 'No member holds the leader lock; Patroni is electing one. Writes wait.' };
  }
  if (observed.effective === undefined) return { type: 'Ready', reason: 'AllMembersStreaming', message: 'A member leads.' };
  return waiting === undefined
    ? { type: 'Ready', reason: 'AllMembersStreaming', message: `${leader(observed)?.name ?? ''} leads and every other member streams from it.` }
    : { type: 'Ready', reason: created ? 'MembersMissing' : 'Creating', message: waiting };
}

function reconciling(observed: Observed, progress: Move['progress'], waiting: string | undefined): Finding {
  if (observed.cluster.metadata.deletionTimestamp !== undefined) return { type: 'Reconciling', reason: 'Deleting', message: 'The resource is being deleted.' };
  if (observed.effective === undefined) return { type: 'Reconciling', reason: 'InvalidSpec', message: 'Nothing is done while the spec is invalid.' };
  if (progress !== undefined) return { type: 'Reconciling', reason: 'Progressing', message: progress.message };
  if (waiting !== undefined) return { type: 'Reconciling', reason: 'WaitingForMembers', message: waiting };
  return { type: 'Reconciling', reason: 'Settled', message: 'What runs is what the spec asks for.' };
}

/** Members load what changed in etcd within a loop of Patroni; until then the work is not done. */
function unloaded({ reason, message }: Finding): string | undefined {
  return reason === 'Loading' ? message : undefined;
}

function stalled(observed: Observed): Finding {
  if (observed.problems.length > 0) return { type: 'Stalled', reason: 'InvalidSpec', message: `${problems(observed).replace(/\.?$/, '.')} Nothing is changed until this is corrected.` };
  const { effective } = observed;
  const lost = effective === undefined || observed.cluster.metadata.deletionTimestamp !== undefined ? [] : lostSecrets({ ...observed, effective });
  if (lost.length > 0) {
    const message = `${lost.join(', ')} existed and is gone. Restore it from a backup: running members and kept data know its old content, so a new one is not generated.`;
    return { type: 'Stalled', reason: 'SecretMissing', message };
  }
  return { type: 'Stalled', reason: 'None', message: 'Nothing that a person must resolve.' };
}

function specValid(observed: Observed): Finding {
  if (observed.problems.length === 0) return { type: 'SpecValid', reason: 'Valid', message: 'The spec passes every rule.' };
  const missing = observed.problems.every((problem) => problem.code === 'ERR_SPEC_REFERENCE_MISSING');
  return { type: 'SpecValid', reason: missing ? 'ReferenceMissing' : 'Invalid', message: problems(observed) };
}

function etcdHealthy(observed: Observed): Finding {
  const wanted = observed.effective?.spec.etcd.replicas ?? liveReplicas(observed, 'etcd');
  if (wanted === undefined) return { type: 'EtcdHealthy', reason: 'NotObserved', message: 'There are no etcd members yet.' };
  const ready = readyCount(observed, 'etcd');
  const trouble = podTrouble(observed, 'etcd', wanted);
  if (ready > wanted / 2) return { type: 'EtcdHealthy', reason: 'QuorumHealthy', message: trouble === undefined ? 'Every etcd member is ready.' : `${ready} of ${wanted} etcd members are ready, which is a quorum: ${trouble}.` };
  if (!etcdFormed(observed)) return { type: 'EtcdHealthy', reason: 'Forming', message: 'The etcd members are starting.' };
  return { type: 'EtcdHealthy', reason: 'QuorumLost', message: `Fewer than a majority of the etcd members are ready: ${trouble ?? 'unknown'}.` };
}

function certificatesReady(observed: Observed): Finding {
  const name = observed.cluster.metadata.name;
  const leaves = LEAVES.map((leaf) => ({ secret: names.leafSecret(name, leaf), live: observed.objects.get(objectKey('Secret', names.leafSecret(name, leaf))) }));
  const missing = leaves.filter(({ live }) => live === undefined).map(({ secret }) => secret);
  if (missing.length > 0) return { type: 'CertificatesReady', reason: 'Issuing', message: `Missing: ${missing.join(', ')}.` };
  const expired = leaves.filter(({ live }) => Date.parse(live?.metadata.annotations?.[ANNOTATIONS.notAfter] ?? '') <= observed.nowMs).map(({ secret }) => secret);
  if (expired.length > 0) return { type: 'CertificatesReady', reason: 'Expired', message: `Expired: ${expired.join(', ')}.` };
  return { type: 'CertificatesReady', reason: 'AllIssued', message: 'Every certificate is issued and valid.' };
}

function paused(observed: Observed): Finding {
  if (observed.view === undefined) return { type: 'Paused', reason: 'NotObserved', message: 'No member of Patroni answers.' };
  return observed.view.paused
    ? { type: 'Paused', reason: 'PatroniPaused', message: 'Patroni is paused: no automatic failover, and the operator restarts nothing. `patronictl resume` ends it.' }
    : { type: 'Paused', reason: 'NotPaused', message: 'Patroni manages the members.' };
}

function lastSwitchover(observed: Observed): Finding | undefined {
  const latest = latestRequested(observed);
  if (latest === undefined) return undefined;
  const { phase, reason, message } = latest.status ?? {};
  if (phase === undefined || phase === 'Pending' || phase === 'Running') return { type: 'Switchover', reason: 'InProgress', message: `Operation ${latest.metadata.name} is under way.` };
  if (phase === 'Succeeded') return { type: 'Switchover', reason: 'Succeeded', message: `${latest.metadata.name}: ${message ?? ''}` };
  const known = reason !== undefined && reason in CONDITIONS.Switchover ? (reason as ReasonOf<'Switchover'>) : 'RefusedByPatroni';
  return { type: 'Switchover', reason: known, message: `${latest.metadata.name}: ${message ?? ''}` };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

