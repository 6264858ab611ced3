/** What the played controllers have in common. */
import { createHash, randomUUID } from 'node:crypto';
import { defaultBuiltin, initialStatus } from './builtin-defaults.ts';
import { asArray, asRecord, asString, canonical, equal, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { metaOf, nameOf, namespaceOf, uidOf } from './store.ts';
import { timestamp, type World } from './world.ts';

export const PODS = '/pods';

/** Writes a status if it differs; tells whether it did. */
export const setStatus = (world: World, store: string, object: JsonObject, status: JsonObject): boolean => {
  if (equal(object['status'], status)) return false;
  world.store.write(store, { ...object, status }, object);
  return true;
};

/** Short hash of a pod template, as in controller-revision-hash and pod-template-hash. */
export const templateHash = (template: JsonValue | undefined): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...createHash('sha256').update(canonical(template)).digest()]
    .slice(0, 10)
    .map((byte) => alphabet[byte % alphabet.length] ?? '')
    .join('');
};

export const ownerOf = (apiVersion: string, kind: string, object: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  name: nameOf(object),
  uid: uidOf(object),
  controller: true,
  blockOwnerDeletion: true,
});

/** The pods whose controller an object is. */
export const podsOf = (world: World, owner: JsonObject): JsonObject[] =>
  world.store
    .list(PODS, namespaceOf(owner))
    .filter((pod) =>
      asArray(metaOf(pod)['ownerReferences']).some(
        (each) => asRecord(each)['uid'] === uidOf(owner) && asRecord(each)['controller'] === true,
      ),
    );

export const isTerminating = (object: JsonObject): boolean => metaOf(object)['deletionTimestamp'] !== undefined;

export const isReady = (pod: JsonObject): boolean =>
  asArray(asRecord(pod['status'])['conditions']).some((each) => asRecord(each)['type'] === 'Ready' && asRecord(each)['status'] === 'True');

export interface PodParts {
  readonly name: string;
  readonly namespace: string;
  readonly labels: JsonObject;
  readonly owner: JsonObject;
  readonly spec: JsonObject;
}

/** Creates a pod from a template as a controller would. */
export const createPod = (world: World, template: JsonObject, parts: PodParts): void => {
  const from = metaOf(template);
  const metadata: Draft = {
    name: parts.name,
    namespace: parts.namespace,
    uid: randomUUID(),
    creationTimestamp: timestamp(world.now()),
    generation: 1,
    labels: { ...asRecord(from['labels']), ...parts.labels },
    ownerReferences: [parts.owner],
  };
  if (from['annotations'] !== undefined) metadata['annotations'] = from['annotations'];
  const resource = world.registry.findNamed('pods');
  if (resource === undefined) throw new Error('the double serves no pods');
  const pod = defaultBuiltin(resource, { apiVersion: 'v1', kind: 'Pod', metadata, spec: parts.spec });
  world.store.write(PODS, { ...pod, status: initialStatus(resource, pod) ?? {} }, undefined);
};

export const replicasOf = (object: JsonObject): number => Number(asRecord(object['spec'])['replicas'] ?? 1);
export const generationOf = (object: JsonObject): number => Number(metaOf(object)['generation'] ?? 1);
export const labelOf = (object: JsonObject, label: string): string => asString(asRecord(metaOf(object)['labels'])[label]);
