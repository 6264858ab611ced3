import { pods, type Cluster } from './cluster.ts';
import { exec } from './kubectl.ts';
import { waitFor } from './shell.ts';

/** An etcd member and where it runs. */
export interface EtcdMember {
  readonly name: string;
  readonly node: string;
}

export async function etcdMembers(cluster: Cluster): Promise<readonly EtcdMember[]> {
  return (await pods(cluster, 'etcd')).map(({ metadata, spec }) => ({ name: metadata.name, node: spec.nodeName ?? '' }));
}

/** The member that leads etcd by the word of all members. */
export async function etcdLeader(cluster: Cluster): Promise<EtcdMember> {
  const members = await etcdMembers(cluster);
  const text = await etcdctl(cluster, members[0]?.name ?? '', 'endpoint', 'status', '--cluster', '-w', 'json');
  const seen = JSON.parse(text) as { Endpoint: string; Status: { leader: number; header: { member_id: number } } }[];
  const leading = seen.find(({ Status }) => Status.header.member_id === Status.leader);
  const member = members.find(({ name }) => leading?.Endpoint.includes(`//${name}.`));
  if (member === undefined) throw new Error(`no leader of etcd in ${text}`);
  return member;
}

/** Waits until each of the members answers a linearizable read itself, for which it needs the leader; returns how long that took, in ms. */
export async function waitAnswering(cluster: Cluster, members: readonly EtcdMember[], timeoutMs: number): Promise<number> {
  const startMs = Date.now();
  const answers = ({ name }: EtcdMember) => waitFor(`${name} answers`, () => etcdctl(cluster, name, 'get', '--command-timeout=1s', 'nothing'), { timeoutMs, everyMs: 100 });
  await Promise.all(members.map(answers));
  return Date.now() - startMs;
}

/** The containers have the address of their own member and a client certificate in their environment. */
export async function etcdctl(cluster: Cluster, pod: string, ...args: string[]): Promise<string> {
  return (await exec({ namespace: cluster.namespace, pod }, ['etcdctl', ...args], { timeoutMs: 10_000 })).trimEnd();
}
