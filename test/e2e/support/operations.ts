import { ANNOTATIONS } from '../../../src/api/meta.ts';

import type { Cluster } from './cluster.ts';
import { kubectl, list, watchUntil, type WatchEvent } from './kubectl.ts';
import type { OperationItem } from './wire.ts';

const FINISHED = ['Succeeded', 'Failed', 'Rejected'];

const operationsOf = (cluster: Cluster): Promise<readonly OperationItem[]> => list<OperationItem>(cluster.namespace, 'patronioperations');

/** Names of the operations that exist, to tell the next one from them. */
export async function operationNames(cluster: Cluster): Promise<ReadonlySet<string>> {
  return new Set((await operationsOf(cluster)).map((operation) => operation.metadata.name));
}

/** Operations that are not in `known`. */
export async function newOperations(cluster: Cluster, known: ReadonlySet<string>): Promise<readonly OperationItem[]> {
  return (await operationsOf(cluster)).filter((operation) => !known.has(operation.metadata.name));
}

/** Annotates the cluster as a user would. */
export async function requestSwitchover(cluster: Cluster, target: string): Promise<void> {
  await kubectl(['-n', cluster.namespace, 'annotate', '--overwrite', `patronicluster/${cluster.name}`, `${ANNOTATIONS.switchover}=${target}`]);
}

/** Waits for an operation that is not in `known` to reach one of the phases. */
export function operationInPhase(cluster: Cluster, known: ReadonlySet<string>, phases: readonly string[], timeoutMs: number): Promise<OperationItem> {
  return watchUntil(
    `an operation in phase ${phases.join(' or ')}`,
    { namespace: cluster.namespace, resource: 'patronioperations' },
    ({ type, object }: WatchEvent<OperationItem>) =>
      type !== 'DELETED' && !known.has(object.metadata.name) && phases.includes(object.status?.phase ?? 'Pending') ? object : undefined,
    timeoutMs,
  );
}

export const finishedOperation = (cluster: Cluster, known: ReadonlySet<string>, timeoutMs: number): Promise<OperationItem> => operationInPhase(cluster, known, FINISHED, timeoutMs);
