import { ANNOTATIONS } from '../../../src/api/meta.ts';

import { clusterItem, leaderOf, pods, sql, type Cluster } from './cluster.ts';
import { exec, kubectl, list } from './kubectl.ts';
import { waitFor } from './shell.ts';
import type { ClusterItem, Event } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/** `GET /config` of the leader. */
export async function dcsConfig(cluster: Cluster): Promise<Json> {
  return configOf(cluster, await leaderOf(cluster));
}

/** `GET /config` as a member has loaded it. */
export async function configOf(cluster: Cluster, pod: string): Promise<Json> {
  const { listenPort } = (await clusterItem(cluster)).spec.patroni;
  return JSON.parse(await exec({ namespace: cluster.namespace, pod }, ['curl', '-sk', '--max-time', '3', `https://127.0.0.1:${listenPort}/config`], { timeoutMs: 10_000 })) as Json;
}

/** Patroni's local configuration as it reads it itself in that pod: all files of the folder merged. */
export async function fileOf(cluster: Cluster, pod: string): Promise<Json> {
  const script = `
import json, sys
from patroni.config import Config
print(json.dumps(Config('/run/postgresql/patroni', None).local_configuration))`;
  const text = await exec({ namespace: cluster.namespace, pod }, ['/opt/patroni/bin/python3', '-c', script], { timeoutMs: 30_000 });
  return JSON.parse(text) as Json;
}

/** What PostgreSQL of a member runs with. */
export const settingOf = (cluster: Cluster, pod: string, name: string): Promise<string> => sql(cluster, pod, `SHOW ${name}`);

/** A setting on every member, in the order of their ordinals. */
export async function settingEverywhere(cluster: Cluster, name: string): Promise<readonly string[]> {
  return Promise.all((await pods(cluster, 'postgres')).map((pod) => settingOf(cluster, pod.metadata.name, name)));
}

/** When PostgreSQL of each member was started (seconds since the epoch), by name. */
export async function startTimes(cluster: Cluster): Promise<Readonly<Record<string, number>>> {
  const entries = (await pods(cluster, 'postgres')).map(async ({ metadata: { name } }) => [name, Number(await sql(cluster, name, 'SELECT extract(epoch FROM pg_postmaster_start_time())'))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Merges into the spec, as `kubectl patch` does: null takes a field away. */
export async function patchSpec(cluster: Cluster, spec: object): Promise<void> {
  await kubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=merge', '-p', JSON.stringify({ spec })]);
}

/** Replaces one value of the spec, so that null in it is kept. */
export async function replaceInSpec(cluster: Cluster, path: string, value: unknown): Promise<void> {
  await kubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=json', '-p', JSON.stringify([{ op: 'add', path: `/spec/${path}`, value }])]);
}

/** Waits until a condition has this reason for the present generation of the spec; returns the cluster. */
export function waitReason(cluster: Cluster, type: string, reason: string, timeoutMs = 60_000): Promise<ClusterItem> {
  return waitFor(
    `${type}=${reason}`,
    async () => {
      const item = await clusterItem(cluster);
      const condition = item.status?.conditions?.find((candidate) => candidate.type === type);
      if (condition?.reason === reason && condition.observedGeneration === item.metadata.generation) return item;
      throw new Error(`${type} is ${condition?.reason ?? 'absent'}: ${condition?.message ?? ''}`);
    },
    { timeoutMs, everyMs: 500 },
  );
}

/** Waits until every member runs with the configuration of the spec. */
export const waitApplied = (cluster: Cluster, timeoutMs = 90_000): Promise<ClusterItem> => waitReason(cluster, 'ConfigApplied', 'Applied', timeoutMs);

export const annotate = (cluster: Cluster, key: keyof typeof ANNOTATIONS, value: string): Promise<string> =>
  kubectl(['-n', cluster.namespace, 'annotate', 'patronicluster', cluster.name, `${ANNOTATIONS[key]}=${value}`]);

/** Messages of the events with this reason, oldest first. */
export async function eventMessages(cluster: Cluster, reason: string): Promise<readonly string[]> {
  const events = await list<Event>(cluster.namespace, 'events.events.k8s.io');
  return events.filter((event) => event.reason === reason).map(({ note = '' }) => note);
}
