import { setCondition, type Finding } from '../api/conditions.ts';
import { serviceFqdn, names, selector } from '../api/names.ts';
import type { Condition, MemberStatus, PatroniClusterStatus } from '../api/status.ts';

import type { ClusterMember } from '../patroni/cluster-view.ts';

import type { Move } from './actions.ts';
import { judge } from './conditions/judge.ts';
import { configStatus } from './config-status.ts';
import { etcdFormed, healthyMembers, latestRequested, leader, liveReplicas, podsOf, readyCount, workload } from './facts.ts';
import type { Observed } from './observed.ts';

/**
 * The status to write: what was seen, in a form that changes only when something worth a write has changed (no lag, no times, no counters). What could not be seen now is
 * kept from before where it cannot have changed (versions, the etcd latch) and is `unknown` where it may have (role, state).
 */
export function statusOf(observed: Observed, progress: Move['progress']): PatroniClusterStatus {
  const { cluster, view, leaderProbe, effective } = observed;
  const before = cluster.status ?? {};
  const lead = leader(observed);
  const pods = podsOf(observed, 'postgres');
  const wanted = effective?.spec.postgres.replicas ?? liveReplicas(observed, 'postgres') ?? 0;
  const healthy = view === undefined ? [] : healthyMembers(view);
  const config = configStatus(observed);
  const findings = judge(observed, { progress, wantedReplicas: wanted, config });
  const generation = effective === undefined && cluster.metadata.deletionTimestamp === undefined && observed.problems.length === 0 ? before.observedGeneration : cluster.metadata.generation;
  const postgresVersion = leaderProbe?.serverVersion === undefined ? before.versions?.postgres : printVersion(leaderProbe.serverVersion);
  const patroniVersion = leaderProbe?.patroniVersion ?? before.versions?.patroni;
  const images = imagesInUse(observed);
  const application = before.application;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: conditions(before.conditions ?? [], findings, generation, observed.nowMs),
    phase: phaseOf(findings),
    ...(lead === undefined ? {} : { leader: lead.name }),
    ...(lead?.timeline === undefined ? {} : { timeline: lead.timeline }),
    ...optional('systemIdentifier', leaderProbe?.systemIdentifier ?? before.systemIdentifier),
    replicas: pods.length,
    readyReplicas: healthy.length,
    ready: `${String(healthy.length)}/${String(wanted)}`,
    selector: Object.entries(selector(cluster.metadata.name, 'postgres'))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    members: members(observed),
    etcd: { formed: etcdFormed(observed), readyReplicas: readyCount(observed, 'etcd') },
    ...(effective?.spec.haproxy.enabled === false ? {} : { haproxy: { readyReplicas: readyCount(observed, 'haproxy') } }),
    ...optional('application', application),
    ...(effective === undefined ? optional('endpoints', before.endpoints) : { endpoints: endpoints(observed) }),
    versions: { ...optional('postgres', postgresVersion), ...optional('patroni', patroniVersion), ...(Object.keys(images).length === 0 ? {} : { images }) },
    ...optional('config', config),
    ...optional('lastSwitchover', lastSwitchover(observed)),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function conditions(before: readonly Condition[], findings: readonly Finding[], generation: number | undefined, nowMs: number): Condition[] {
  return findings.reduce<Condition[]>((list, finding) => setCondition(list, { ...finding, ...optional('observedGeneration', generation), nowMs }), [...before]);
}

/** One word for people (`kubectl get`): the reason of whichever condition tells most. */
function phaseOf(findings: readonly Finding[]): string {
  const reason = (type: Finding['type']) => findings.find((finding) => finding.type === type)?.reason;
  const ready = reason('Ready');
  const progressing = reason('Progressing');
  if (reason('Stalled') !== 'None') return reason('Stalled') ?? 'Unknown';
  if (progressing !== undefined && progressing !== 'Settled') return progressing;
  if (reason('Paused') === 'PatroniPaused') return 'Paused';
  return ready === 'AllMembersStreaming' ? 'Running' : (ready ?? 'Unknown');
}

function members(observed: Observed): MemberStatus[] {
  return podsOf(observed, 'postgres').map((pod) => {
    const member = observed.view?.members.find((candidate) => candidate.name === pod.name);
    return {
      name: pod.name,
      role: member?.role ?? 'unknown',
      state: member?.state ?? pod.waiting?.reason ?? 'unknown',
      ready: pod.ready,
      ...optional('timeline', member?.timeline),
      ...(member?.pendingRestart === true ? { pendingRestart: true, ...pendingSettings(member) } : {}),
    };
  });
}

function pendingSettings({ pendingSettings: settings = [] }: ClusterMember): Pick<MemberStatus, 'pendingSettings'> {
  if (settings.length === 0) return {};
  return { pendingSettings: settings.slice(0, 64).map(({ name, oldValue, newValue }) => ({ name, ...optional('old', oldValue), ...optional('new', newValue) })) };
}

function endpoints(observed: Observed): NonNullable<PatroniClusterStatus['endpoints']> {
  const { effective } = observed;
  if (effective === undefined) return {};
  const address = (service: string) => serviceFqdn(service, effective.namespace, effective.clusterDomain);
  const { haproxy } = effective.spec;
  return {
    ...(haproxy.enabled ? { primary: address(names.primaryService(effective.name)) } : {}),
    ...(haproxy.enabled && haproxy.readOnly.enabled ? { replicas: address(names.replicaService(effective.name)) } : {}),
    any: address(names.anyMemberService(effective.name)),
  };
}

/** Images the StatefulSets run, read back from them: the pin that keeps an operator upgrade from restarting anything. */
export function imagesInUse(observed: Observed): Record<string, string> {
  const images: Record<string, string> = {};
  for (const component of ['postgres', 'etcd', 'haproxy'] as const) {
    const spec = workload(observed, component)?.['spec'] as { template?: { spec?: { containers?: readonly { name: string; image?: string }[] } } } | undefined;
    const image = spec?.template?.spec?.containers?.find((container) => container.name === component)?.image;
    if (image !== undefined) images[component] = image;
  }
  return images;
}

/** `170006` → `17.6` (PostgreSQL ≥ 10: major × 10000 + minor). */
function printVersion(version: number): string {
  return `${String(Math.floor(version / 10_000))}.${String(version % 10_000)}`;
}

function lastSwitchover(observed: Observed): PatroniClusterStatus['lastSwitchover'] {
  const latest = latestRequested(observed);
  if (latest === undefined) return observed.cluster.status?.lastSwitchover;
  return { operation: latest.metadata.name, phase: latest.status?.phase ?? 'Pending', ...optional('reason', latest.status?.reason) };
}
