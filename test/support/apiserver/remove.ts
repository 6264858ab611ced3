/** Deletion: preconditions, grace, finalizers, owner references. */
import { type ApiError, conflict, invalid, invalidValue } from './api-error.ts';
import { asArray, asRecord, asString, without, type Draft, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';
import { metaOf, nameOf, namespaceOf, uidOf } from './store.ts';
import { timestamp, type World } from './world.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
}

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** Seconds that a pod may take to end; other kinds have no grace. */
const grace = (resource: Resource, object: JsonObject, asked: number | undefined): number => {
  if (resource.store !== '/pods') return 0;
  const spec = asRecord(object['spec']);
  const phase = asRecord(object['status'])['phase'];
  // Nothing runs yet, or nothing runs any more.
  if (asString(spec['nodeName']) === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  return asked ?? Number(spec['terminationGracePeriodSeconds'] ?? 30);
};

/** Takes an object out of the store, and what hangs on it. */
export const erase = (world: World, resource: Resource, object: JsonObject): JsonObject => {
  const last = world.store.erase(resource.store, object);
  if (resource.plural === 'customresourcedefinitions') dropInstances(world, object);
  if (world.garbageCollection) world.later(() => collect(world, uidOf(object)));
  return last;
};

/** The objects of a CustomResourceDefinition go with it. */
const dropInstances = (world: World, crd: JsonObject): void => {
  const spec = asRecord(crd['spec']);
  const store = `${asString(spec['group'])}/${asString(asRecord(spec['names'])['plural'])}`;
  for (const instance of world.store.list(store, '')) world.store.erase(store, instance);
  world.registry.undefine(crd);
};

/** Here the server names the kind where it names the resource elsewhere. */
const mismatch = (resource: Resource, live: JsonObject, why: string): ApiError =>
  conflict({ ...resource, plural: resource.kind }, nameOf(live), why);

/** What DELETE does to one object. `gone` says whether it is no longer there. */
export const remove = (
  world: World,
  resource: Resource,
  live: JsonObject,
  options: DeleteOptions,
): { readonly object: JsonObject; readonly gone: boolean } => {
  const meta = metaOf(live);
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid !== undefined && uid !== meta['uid']) {
    throw mismatch(
      resource,
      live,
      `the UID in the precondition (${uid}) does not match the UID in record (${uidOf(live)}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== meta['resourceVersion']) {
    const found = asString(meta['resourceVersion']);
    throw mismatch(
      resource,
      live,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${found}). The object might have been modified`,
    );
  }
  if (options.propagationPolicy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(options.propagationPolicy)) {
    throw invalid({ group: 'meta.k8s.io', plural: '', kind: 'DeleteOptions' }, '', [
      invalidValue('propagationPolicy', options.propagationPolicy, 'must be one of Background, Foreground, Orphan'),
    ]);
  }
  const finalizers = finalizersFor(live, options.propagationPolicy);
  const seconds = grace(resource, live, options.gracePeriodSeconds);
  const terminating = meta['deletionTimestamp'] !== undefined;
  const namespaceContent = resource.store === '/namespaces';
  if (finalizers.length === 0 && seconds === 0 && !namespaceContent) {
    return options.dryRun === true ? { object: live, gone: true } : { object: erase(world, resource, live), gone: true };
  }
  const shortened = terminating && Number(meta['deletionGracePeriodSeconds'] ?? 0) > seconds;
  if (terminating && !shortened && finalizers.length === asArray(meta['finalizers']).length) return { object: live, gone: false };
  const object = markDeleted(world, resource, live, finalizers, seconds);
  if (options.dryRun === true) return { object, gone: false };
  const stored = world.store.write(resource.store, object, live);
  if (namespaceContent) world.later(() => emptyNamespace(world, resource, nameOf(live)));
  else if (world.garbageCollection && finalizers.some((each) => each === FOREGROUND || each === ORPHAN))
    world.later(() => finishOwner(world, resource, stored));
  return { object: stored, gone: false };
};

const finalizersFor = (live: JsonObject, policy: DeleteOptions['propagationPolicy']): readonly string[] => {
  const has = asArray(metaOf(live)['finalizers']).map(asString);
  if (policy === undefined) return has;
  const others = has.filter((each) => each !== FOREGROUND && each !== ORPHAN);
  return policy === 'Foreground' ? [...others, FOREGROUND] : policy === 'Orphan' ? [...others, ORPHAN] : others;
};

const markDeleted = (world: World, resource: Resource, live: JsonObject, finalizers: readonly string[], seconds: number): JsonObject => {
  const metadata: Draft = {
    ...metaOf(live),
    deletionTimestamp: timestamp(world.now() + seconds * 1_000),
    deletionGracePeriodSeconds: seconds,
  };
  if (finalizers.length > 0) metadata['finalizers'] = finalizers;
  // Marking an object counts as a change of what is desired.
  if (resource.generation && metaOf(live)['deletionTimestamp'] === undefined)
    metadata['generation'] = Number(metadata['generation'] ?? 0) + 1;
  const object: Draft = { ...live, metadata };
  if (resource.store === '/namespaces') object['status'] = { ...asRecord(live['status']), phase: 'Terminating' };
  return object;
};

const everything = (world: World): { readonly resource: Resource; readonly object: JsonObject }[] => {
  const seen = new Set<string>();
  return world.registry.all().flatMap((resource) => {
    if (seen.has(resource.store)) return [];
    seen.add(resource.store);
    return world.store.list(resource.store, '').map((object) => ({ resource, object }));
  });
};

const owners = (object: JsonObject): readonly JsonObject[] => asArray(metaOf(object)['ownerReferences']).map(asRecord);

/** Deletes (or, where other owners remain, releases) what an object that is gone owned. */
const collect = (world: World, uid: string): void => {
  const alive = new Set(everything(world).map(({ object }) => uidOf(object)));
  for (const { resource, object } of everything(world)) {
    const references = owners(object);
    if (!references.some((each) => each['uid'] === uid)) continue;
    const others = references.filter((each) => alive.has(asString(each['uid'])));
    if (others.length > 0) release(world, resource, object, uid);
    else remove(world, resource, object, { propagationPolicy: 'Background' });
  }
};

const release = (world: World, resource: Resource, object: JsonObject, uid: string): void => {
  const rest = owners(object).filter((each) => each['uid'] !== uid);
  const metadata = rest.length === 0 ? without(metaOf(object), 'ownerReferences') : { ...metaOf(object), ownerReferences: rest };
  world.store.write(resource.store, { ...object, metadata }, object);
};

/** Foreground and orphan deletion: the dependents first, then the owner. */
const finishOwner = (world: World, resource: Resource, owner: JsonObject): void => {
  const live = world.store.get(resource.store, namespaceOf(owner), nameOf(owner));
  if (live === undefined || uidOf(live) !== uidOf(owner)) return;
  const finalizers = asArray(metaOf(live)['finalizers']).map(asString);
  const dependents = everything(world).filter(({ object }) => owners(object).some((each) => each['uid'] === uidOf(owner)));
  if (finalizers.includes(ORPHAN)) dependents.forEach((each) => release(world, each.resource, each.object, uidOf(owner)));
  else {
    dependents.forEach((each) => remove(world, each.resource, each.object, { propagationPolicy: 'Foreground' }));
    const blocking = dependents.some(({ resource: kind, object }) => {
      const now = world.store.get(kind.store, namespaceOf(object), nameOf(object));
      return now !== undefined && owners(now).some((each) => each['uid'] === uidOf(owner) && each['blockOwnerDeletion'] === true);
    });
    if (blocking) {
      const stop = world.store.onChange((change) => {
        if (change.type !== 'DELETED') return;
        stop();
        world.later(() => finishOwner(world, resource, owner));
      });
      return;
    }
  }
  const rest = finalizers.filter((each) => each !== FOREGROUND && each !== ORPHAN);
  const next: JsonObject = {
    ...live,
    metadata: { ...without(metaOf(live), 'finalizers'), ...(rest.length === 0 ? {} : { finalizers: rest }) },
  };
  if (rest.length === 0) erase(world, resource, next);
  else world.store.write(resource.store, next, live);
};

/** A namespace goes when everything in it is gone. */
const emptyNamespace = (world: World, resource: Resource, name: string): void => {
  const live = world.store.get(resource.store, '', name);
  if (live === undefined) return;
  const inside = (): ReturnType<typeof everything> =>
    everything(world).filter((each) => each.resource.namespaced && namespaceOf(each.object) === name);
  inside().forEach((each) => remove(world, each.resource, each.object, { propagationPolicy: 'Background', gracePeriodSeconds: 0 }));
  if (inside().length === 0) {
    erase(world, resource, live);
    return;
  }
  const stop = world.store.onChange((change) => {
    if (change.type !== 'DELETED') return;
    stop();
    world.later(() => emptyNamespace(world, resource, name));
  });
};
