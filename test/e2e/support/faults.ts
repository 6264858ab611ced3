import { names } from '../../../src/api/names.ts';

import type { Cluster } from './cluster.ts';
import { environment } from './environment.ts';
import { exec } from './kubectl.ts';
import { output } from './shell.ts';

/** Whether nodes can be cut off and the API server frozen here: only in the sandbox. */
export const canBreakNodes = (): boolean => environment().sandbox !== undefined;

function sandbox(...args: string[]): Promise<string> {
  const { sandbox: program } = environment();
  if (program === undefined) throw new Error('this fault needs the sandbox');
  return output('bash', [program, ...args], { timeoutMs: 60_000 });
}

/** Pulls a node's network cable: neither the API server nor the other nodes reach it, its pods run on. */
const cutNode = (node: string): Promise<string> => sandbox('cut', node);
const healNode = (node: string): Promise<string> => sandbox('heal', node);

/** Runs `body` while the node is cut off, and heals it in any case. */
export async function whileCut(node: string, body: () => Promise<void>): Promise<void> {
  await cutNode(node);
  try {
    await body();
  } finally {
    await healNode(node);
  }
}

/** Freezes the API server; connections to it hang. */
export const stopApiServer = (): Promise<string> => sandbox('api', 'stop');
export const startApiServer = (): Promise<string> => sandbox('api', 'start');

/** SIGKILL to all processes of a pod's containers, past kubelet. */
export const killPod = (cluster: Cluster, pod: string): Promise<string> => sandbox('kill', `${cluster.namespace}/${pod}`);

/** SIGKILL to the postmaster, the process called postgres whose parent is not; Patroni lives on. */
export async function killPostmaster(cluster: Cluster, ordinalOrPod: number | string): Promise<void> {
  const pod = typeof ordinalOrPod === 'number' ? names.pod(cluster.name, 'postgres', ordinalOrPod) : ordinalOrPod;
  const script = `
    for stat in /proc/[0-9]*/stat; do
      read -r pid name state parent rest < "$stat" 2>/dev/null || continue
      [ "$name" = "(postgres)" ] || continue
      read -r ppid pname prest < "/proc/$parent/stat"
      [ "$pname" = "(postgres)" ] || { kill -KILL "$pid" && exit 0; }
    done
    echo "no postmaster" >&2; exit 1`;
  await exec({ namespace: cluster.namespace, pod }, ['sh', '-c', script]);
}
