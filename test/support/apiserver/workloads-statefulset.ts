/** The StatefulSet controller, played: pods by ordinal, volume claims, revisions, status. */
import { randomUUID } from 'node:crypto';
import { asArray, asRecord, asString, type Draft, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';
import { remove } from './remove.ts';
import { metaOf, nameOf, namespaceOf } from './store.ts';
import {
  createPod,
  generationOf,
  isReady,
  isTerminating,
  labelOf,
  ownerOf,
  podsOf,
  replicasOf,
  setStatus,
  templateHash,
} from './workloads-common.ts';
import { timestamp, type World } from './world.ts';

const STORE = 'apps/statefulsets';
const CLAIMS = '/persistentvolumeclaims';
const REVISION = 'controller-revision-hash';

const ordinalOf = (pod: JsonObject): number => Number(/-(\d+)$/.exec(nameOf(pod))?.[1] ?? -1);

const claimName = (template: JsonObject, pod: string): string => `${nameOf(template)}-${pod}`;

/** Claims are made before their pod and outlive it (whenScaled/whenDeleted: Retain). */
const ensureClaims = (world: World, set: JsonObject, pod: string): void => {
  for (const template of asArray(asRecord(set['spec'])['volumeClaimTemplates']).map(asRecord)) {
    const name = claimName(template, pod);
    const namespace = namespaceOf(set);
    if (world.store.get(CLAIMS, namespace, name) !== undefined) continue;
    const spec = asRecord(template['spec']);
    const from = metaOf(template);
    const metadata: Draft = {
      name,
      namespace,
      uid: randomUUID(),
      creationTimestamp: timestamp(world.now()),
      labels: { ...asRecord(from['labels']), ...asRecord(asRecord(asRecord(set['spec'])['selector'])['matchLabels']) },
      finalizers: ['kubernetes.io/pvc-protection'],
    };
    if (from['annotations'] !== undefined) metadata['annotations'] = from['annotations'];
    const requests = asRecord(asRecord(spec['resources'])['requests']);
    const status = { phase: 'Bound', accessModes: spec['accessModes'] ?? [], capacity: { storage: requests['storage'] ?? '1Gi' } };
    world.store.write(
      CLAIMS,
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata,
        spec: { ...spec, volumeName: `pvc-${asString(metadata['uid'])}` },
        status,
      },
      undefined,
    );
  }
};

const podSpec = (set: JsonObject, pod: string): JsonObject => {
  const spec = asRecord(set['spec']);
  const template = asRecord(asRecord(spec['template'])['spec']);
  const templates = asArray(spec['volumeClaimTemplates']).map(asRecord);
  const claimed = templates.map((each) => ({ name: nameOf(each), persistentVolumeClaim: { claimName: claimName(each, pod) } }));
  const others = asArray(template['volumes']).filter((volume) => !templates.some((each) => nameOf(each) === asRecord(volume)['name']));
  const volumes = [...claimed, ...others];
  return {
    ...template,
    hostname: pod,
    ...(asString(spec['serviceName']) === '' ? {} : { subdomain: spec['serviceName'] ?? '' }),
    ...(volumes.length === 0 ? {} : { volumes }),
  };
};

const add = (world: World, set: JsonObject, ordinal: number, revision: string): void => {
  const name = `${nameOf(set)}-${ordinal}`;
  ensureClaims(world, set, name);
  createPod(world, asRecord(asRecord(set['spec'])['template']), {
    name,
    namespace: namespaceOf(set),
    labels: { [REVISION]: revision, 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': String(ordinal) },
    owner: ownerOf('apps/v1', 'StatefulSet', set),
    spec: podSpec(set, name),
  });
};

/** Does what one pass of the controller would do. Its own changes lead to further passes. */
export const reconcileStatefulSet = (world: World, pods: Resource, set: JsonObject): void => {
  if (isTerminating(set)) return;
  const spec = asRecord(set['spec']);
  const wanted = replicasOf(set);
  const first = Number(asRecord(spec['ordinals'])['start'] ?? 0);
  const parallel = spec['podManagementPolicy'] === 'Parallel';
  const update = `${nameOf(set)}-${templateHash(spec['template'])}`;
  const current = asString(asRecord(set['status'])['currentRevision']) || update;
  const all = podsOf(world, set).sort((a, b) => ordinalOf(a) - ordinalOf(b));
  const inRange = all.filter((pod) => ordinalOf(pod) >= first && ordinalOf(pod) < first + wanted);
  const surplus = all.filter((pod) => !inRange.includes(pod)).reverse();
  for (let ordinal = first; ordinal < first + wanted; ordinal++) {
    const pod = inRange.find((each) => ordinalOf(each) === ordinal);
    const foreign = world.store.get('/pods', namespaceOf(set), `${nameOf(set)}-${ordinal}`);
    if (pod === undefined && foreign === undefined) add(world, set, ordinal, update);
    if (!parallel && (pod === undefined || !isReady(pod) || isTerminating(pod))) break;
  }
  for (const pod of surplus) {
    if (!isTerminating(pod)) remove(world, pods, pod, {});
    if (!parallel) break;
  }
  roll(world, pods, set, inRange, update);
  finish(world, set, update, current);
};

/** RollingUpdate: the outdated pod with the highest ordinal goes when all others are ready. OnDelete leaves it to the operator. */
const roll = (world: World, pods: Resource, set: JsonObject, inRange: readonly JsonObject[], update: string): void => {
  const strategy = asRecord(asRecord(set['spec'])['updateStrategy']);
  if (strategy['type'] !== 'RollingUpdate') return;
  const partition = Number(asRecord(strategy['rollingUpdate'])['partition'] ?? 0);
  const outdated = inRange.filter((pod) => labelOf(pod, REVISION) !== update && ordinalOf(pod) >= partition).at(-1);
  if (
    outdated === undefined ||
    inRange.length < replicasOf(set) ||
    inRange.some((pod) => pod !== outdated && (!isReady(pod) || isTerminating(pod)))
  )
    return;
  if (!isTerminating(outdated)) remove(world, pods, outdated, {});
};

const finish = (world: World, set: JsonObject, update: string, current: string): void => {
  const live = world.store.get(STORE, namespaceOf(set), nameOf(set));
  if (live === undefined) return;
  const pods = podsOf(world, set).filter((pod) => !isTerminating(pod));
  const ready = pods.filter(isReady).length;
  const at = (revision: string): number => pods.filter((pod) => labelOf(pod, REVISION) === revision).length;
  const rolling = asRecord(asRecord(set['spec'])['updateStrategy'])['type'] === 'RollingUpdate';
  // As in Kubernetes, OnDelete never moves currentRevision on.
  const settled = rolling && at(update) === replicasOf(set) && ready === replicasOf(set) ? update : current;
  const status: Draft = {
    observedGeneration: generationOf(live),
    replicas: pods.length,
    availableReplicas: ready,
    currentRevision: settled,
    updateRevision: update,
    collisionCount: 0,
  };
  if (ready > 0) status['readyReplicas'] = ready;
  if (at(settled) > 0) status['currentReplicas'] = at(settled);
  if (at(update) > 0) status['updatedReplicas'] = at(update);
  setStatus(world, STORE, live, status);
};
