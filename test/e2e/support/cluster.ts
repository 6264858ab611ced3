import { API_VERSION, CLUSTER_LABEL } from '../../../src/api/meta.ts';
import { names } from '../../../src/api/names.ts';

import { apply, exec, get, list, tryKubectl, waitCondition } from './kubectl.ts';
import { waitFor } from './shell.ts';
import { isReady, type ClusterItem, type Pod } from './wire.ts';

/** A PatroniCluster that a test works with. */
export interface Cluster {
  readonly name: string;
  readonly namespace: string;
}

/** A member as Patroni's `GET /cluster` shows it. */
export interface Member {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly timeline?: number;
  readonly host?: string;
  readonly lag?: number | string;
}

/** What was seen when everything was well. */
export interface Health {
  readonly leader: string;
  readonly timeline: number;
  readonly members: readonly Member[];
}

/** A manifest with small defaults; `spec` is merged on the first level of each section. */
export function manifest(cluster: Cluster, spec: Readonly<Record<string, object | string>> = {}): object {
  const sections: Record<string, object | string> = {
    postgres: { replicas: 3, storage: { size: '1Gi' } },
    etcd: { replicas: 3, storage: { size: '256Mi' } },
  };
  for (const [key, value] of Object.entries(spec)) {
    const before = sections[key];
    sections[key] = typeof value === 'object' && typeof before === 'object' ? { ...before, ...value } : value;
  }
  return { apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: cluster.name, namespace: cluster.namespace }, spec: sections };
}

/** One member of everything: the smallest cluster, for scenarios that are not about availability. */
export const SMALLEST = { postgres: { replicas: 1 }, etcd: { replicas: 1 }, haproxy: { replicas: 1 } } as const;

/** Applies a cluster and waits for Ready; returns the time from apply to Ready in ms. */
export async function createCluster(cluster: Cluster, spec?: Readonly<Record<string, object | string>>, timeoutMs = 180_000): Promise<number> {
  const startMs = Date.now();
  await apply(manifest(cluster, spec));
  await waitCondition(cluster.namespace, `patronicluster/${cluster.name}`, 'Ready', timeoutMs);
  return Date.now() - startMs;
}

export const clusterItem = (cluster: Cluster): Promise<ClusterItem> => get<ClusterItem>(cluster.namespace, 'patronicluster', cluster.name);

export const podName = (cluster: Cluster, ordinal: number): string => names.pod(cluster.name, 'postgres', ordinal);

/** Pods of a component, by name. */
export async function pods(cluster: Cluster, component: 'postgres' | 'etcd' | 'haproxy'): Promise<readonly Pod[]> {
  const found = await list<Pod>(cluster.namespace, 'pods', `${CLUSTER_LABEL}=${cluster.name},app.kubernetes.io/component=${component}`);
  return [...found].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

export const pod = (cluster: Cluster, name: string): Promise<Pod> => get<Pod>(cluster.namespace, 'pod', name);

/** Patroni's members, asked from one pod, or from the first that answers. */
async function members(cluster: Cluster, from?: string): Promise<readonly Member[]> {
  const candidates = from === undefined ? (await pods(cluster, 'postgres')).filter((candidate) => candidate.status.phase === 'Running').map((candidate) => candidate.metadata.name) : [from];
  let last: unknown = new Error(`no Postgres pod of ${cluster.name} runs`);
  for (const candidate of candidates) {
    try {
      const port = (await clusterItem(cluster)).spec.patroni.listenPort;
      const text = await exec({ namespace: cluster.namespace, pod: candidate }, ['curl', '-sk', '--max-time', '3', `https://127.0.0.1:${port}/cluster`], { timeoutMs: 10_000 });
      return (JSON.parse(text) as { members: Member[] }).members;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

export async function leaderOf(cluster: Cluster): Promise<string> {
  const leaders = (await members(cluster)).filter((member) => member.role === 'leader');
  if (leaders.length !== 1 || leaders[0] === undefined) throw new Error(`${leaders.length} leaders: ${leaders.map((member) => member.name).join(' ')}`);
  return leaders[0].name;
}

/** Rows of a query as lines, columns separated by `|`, run as the superuser through the pod's socket. */
export async function sql(cluster: Cluster, podName: string, query: string, database = 'postgres'): Promise<string> {
  const text = await exec({ namespace: cluster.namespace, pod: podName }, ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', database, '-f', '-'], {
    input: query,
    timeoutMs: 20_000,
  });
  return text.trimEnd();
}

export const sqlOnLeader = async (cluster: Cluster, query: string, database?: string): Promise<string> => sql(cluster, await leaderOf(cluster), query, database);

/** Names of the members that stream from `leader` according to PostgreSQL itself. */
async function streamingTo(cluster: Cluster, leader: string): Promise<readonly string[]> {
  const names = await sql(cluster, leader, "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1");
  return names === '' ? [] : names.split('\n');
}

/** Waits until one member leads and `replicas - 1` others stream from it, by Patroni and by PostgreSQL; does not ask the operator. Looks often: times are measured by it. */
export async function waitStreaming(cluster: Cluster, replicas: number, timeoutMs: number): Promise<string> {
  return waitFor(
    `${replicas - 1} replicas of ${cluster.name} streaming`,
    async () => {
      const leader = await leaderOf(cluster);
      const streaming = await streamingTo(cluster, leader);
      if (streaming.length !== replicas - 1) throw new Error(`${streaming.length} replicas stream from ${leader}: ${streaming.join(' ')}`);
      return leader;
    },
    { timeoutMs, everyMs: 250 },
  );
}

/** Why the cluster is not healthy, or what was seen when it is: the judge of every scenario. */
async function examine(cluster: Cluster, replicas: number): Promise<Health> {
  const seen = await members(cluster);
  const leaders = seen.filter((member) => member.role === 'leader');
  const leader = leaders[0];
  if (leaders.length !== 1 || leader === undefined) throw new Error(`${leaders.length} leaders`);
  if (leader.state !== 'running') throw new Error(`the leader ${leader.name} is ${leader.state}`);
  if (seen.length !== replicas) throw new Error(`${seen.length} members instead of ${replicas}: ${seen.map((member) => member.name).join(' ')}`);
  const lame = seen.filter((member) => member.name !== leader.name && (member.state !== 'streaming' || member.timeline !== leader.timeline));
  if (lame.length > 0) throw new Error(`not streaming: ${lame.map((member) => `${member.name} (${member.state}, timeline ${member.timeline ?? 'unknown'})`).join(', ')}`);
  const streaming = await streamingTo(cluster, leader.name);
  const wanted = seen.filter((member) => member.name !== leader.name).map((member) => member.name);
  if (streaming.join(' ') !== [...wanted].sort().join(' ')) throw new Error(`pg_stat_replication has ${streaming.join(' ') || 'nobody'}, not ${wanted.join(' ')}`);
  const { status } = await clusterItem(cluster);
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status !== 'True') throw new Error(`Ready is ${ready?.status ?? 'absent'}: ${ready?.reason ?? ''} ${ready?.message ?? ''}`);
  if (status?.leader !== leader.name) throw new Error(`status.leader is ${status?.leader ?? 'absent'}, the leader is ${leader.name}`);
  const unready = (await pods(cluster, 'postgres')).filter((item) => !isReady(item));
  if (unready.length > 0) throw new Error(`pods not ready: ${unready.map((item) => item.metadata.name).join(' ')}`);
  return { leader: leader.name, timeline: leader.timeline ?? 0, members: seen };
}

/** Waits until exactly one member leads, all others stream from it (PostgreSQL's own word), the condition Ready is True and the status names the leader. */
export function waitHealthy(cluster: Cluster, options: { readonly replicas?: number; readonly timeoutMs?: number } = {}): Promise<Health> {
  const { replicas = 3, timeoutMs = 120_000 } = options;
  return waitFor(`${cluster.name} healthy`, () => examine(cluster, replicas), { timeoutMs, everyMs: 1000 });
}

/** What psql and the like report, for diagnostics. */
export async function patronictlList(cluster: Cluster): Promise<string> {
  for (const item of await pods(cluster, 'postgres')) {
    const result = await tryKubectl(['-n', cluster.namespace, 'exec', item.metadata.name, '--', 'patronictl', 'list', '-e'], { timeoutMs: 20_000 });
    if (result.code === 0) return result.stdout;
  }
  return 'no member answers';
}

