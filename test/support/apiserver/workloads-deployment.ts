/** The Deployment and ReplicaSet controllers, played: a ReplicaSet for each template, new pods before old ones go. */
import { randomBytes, randomUUID } from 'node:crypto';
import { asRecord, type Draft, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';
import { remove } from './remove.ts';
import { metaOf, nameOf, namespaceOf, uidOf } from './store.ts';
import {
  createPod,
  generationOf,
  isReady,
  isTerminating,
  ownerOf,
  podsOf,
  replicasOf,
  setStatus,
  templateHash,
} from './workloads-common.ts';
import { timestamp, type World } from './world.ts';

const STORE = 'apps/deployments';
const SETS = 'apps/replicasets';
const HASH = 'pod-template-hash';

const replicaSetsOf = (world: World, deployment: JsonObject): JsonObject[] =>
  world.store.list(SETS, namespaceOf(deployment)).filter((each) => {
    const owners = metaOf(each)['ownerReferences'];
    return Array.isArray(owners) && owners.some((owner) => asRecord(owner)['uid'] === uidOf(deployment));
  });

const ensureReplicaSet = (world: World, deployment: JsonObject, hash: string): JsonObject => {
  const name = `${nameOf(deployment)}-${hash}`;
  const found = world.store.get(SETS, namespaceOf(deployment), name);
  if (found !== undefined) return found;
  const spec = asRecord(deployment['spec']);
  const template = asRecord(spec['template']);
  const labels = { ...asRecord(metaOf(template)['labels']), [HASH]: hash };
  const metadata: Draft = {
    name,
    namespace: namespaceOf(deployment),
    uid: randomUUID(),
    creationTimestamp: timestamp(world.now()),
    generation: 1,
    labels,
    ownerReferences: [ownerOf('apps/v1', 'Deployment', deployment)],
  };
  const selector = asRecord(spec['selector']);
  const own = {
    replicas: replicasOf(deployment),
    selector: { ...selector, matchLabels: { ...asRecord(selector['matchLabels']), [HASH]: hash } },
    template: { ...template, metadata: { ...metaOf(template), labels } },
  };
  return world.store.write(SETS, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: own, status: { replicas: 0 } }, undefined);
};

const suffix = (): string => randomBytes(4).toString('hex').slice(0, 5);

export const reconcileDeployment = (world: World, pods: Resource, deployment: JsonObject): void => {
  if (isTerminating(deployment)) return;
  const wanted = replicasOf(deployment);
  const hash = templateHash(asRecord(deployment['spec'])['template']);
  const current = ensureReplicaSet(world, deployment, hash);
  const template = asRecord(asRecord(current['spec'])['template']);
  const own = podsOf(world, current).filter((pod) => !isTerminating(pod));
  for (let n = own.length; n < wanted; n++) {
    createPod(world, template, {
      name: `${nameOf(current)}-${suffix()}`,
      namespace: namespaceOf(current),
      labels: {},
      owner: ownerOf('apps/v1', 'ReplicaSet', current),
      spec: asRecord(template['spec']),
    });
  }
  // Pods that are not ready go first.
  const surplus = [...own].sort((a, b) => Number(isReady(a)) - Number(isReady(b))).slice(0, Math.max(0, own.length - wanted));
  surplus.forEach((pod) => remove(world, pods, pod, {}));
  const enough = own.filter(isReady).length >= wanted;
  const others = replicaSetsOf(world, deployment).filter((each) => nameOf(each) !== nameOf(current));
  const old = others.flatMap((each) => podsOf(world, each)).filter((pod) => !isTerminating(pod));
  if (enough) old.forEach((pod) => remove(world, pods, pod, {}));
  finish(world, deployment, current, others);
};

const finish = (world: World, deployment: JsonObject, current: JsonObject, others: readonly JsonObject[]): void => {
  const live = world.store.get(STORE, namespaceOf(deployment), nameOf(deployment));
  if (live === undefined) return;
  const alive = (set: JsonObject): JsonObject[] => podsOf(world, set).filter((pod) => !isTerminating(pod));
  const updated = alive(current);
  const all = [...updated, ...others.flatMap(alive)];
  const ready = all.filter(isReady).length;
  for (const set of [current, ...others]) {
    const now = world.store.get(SETS, namespaceOf(set), nameOf(set));
    const mine = alive(set);
    if (now !== undefined)
      setStatus(world, SETS, now, { observedGeneration: 1, replicas: mine.length, readyReplicas: mine.filter(isReady).length });
  }
  const wanted = replicasOf(live);
  const condition = (type: string, ok: boolean, reason: string): JsonObject => ({
    type,
    status: ok ? 'True' : 'False',
    reason,
    message: '',
  });
  setStatus(world, STORE, live, {
    observedGeneration: generationOf(live),
    replicas: all.length,
    updatedReplicas: updated.length,
    readyReplicas: ready,
    availableReplicas: ready,
    ...(ready < wanted ? { unavailableReplicas: wanted - ready } : {}),
    conditions: [
      condition('Available', ready >= wanted, ready >= wanted ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable'),
      condition('Progressing', true, updated.filter(isReady).length >= wanted ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated'),
    ],
  });
};
