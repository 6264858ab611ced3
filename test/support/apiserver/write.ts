/** Create, replace and server-side apply: from a body to a stored object. */
import { randomBytes, randomUUID } from 'node:crypto';
import { apiVersionOf, checkAddress, read, validate } from './admit.ts';
import { alreadyExists, ApiError, badRequest, conflict, forbidden, invalid, invalidValue, notFound } from './api-error.ts';
import { initialStatus } from './builtin-defaults.ts';
import { asArray, asRecord, asString, equal, isRecord, without, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { applyConfiguration, recordUpdate, withoutTimes, type Write } from './managed-fields.ts';
import { establishedStatus, type Resource } from './registry.ts';
import { erase } from './remove.ts';
import { metaOf, nameOf, namespaceOf } from './store.ts';
import { TypedError } from './typed.ts';
import { timestamp, type Outcome, type World, type WriteOptions } from './world.ts';

const NAMESPACES = { group: '', plural: 'namespaces', kind: 'Namespace' };

const writeOf = (world: World, resource: Resource, options: WriteOptions, operation: 'Apply' | 'Update'): Write => ({
  schema: resource.schema,
  hasStatus: resource.status,
  custom: resource.custom,
  now: timestamp(world.now()),
  manager: { name: options.fieldManager, operation, apiVersion: apiVersionOf(resource), subresource: options.subresource },
});

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
const suffix = (): string => [...randomBytes(5)].map((byte) => SUFFIX[byte % SUFFIX.length]).join('');

const checkNamespace = (world: World, resource: Resource, object: JsonObject): void => {
  if (!resource.namespaced || !world.namespacesMustExist) return;
  const name = namespaceOf(object);
  const namespace = world.store.get('/namespaces', '', name);
  if (namespace === undefined) throw notFound(NAMESPACES, name);
  if (metaOf(namespace)['deletionTimestamp'] !== undefined) {
    throw forbidden(resource, nameOf(object), `unable to create new content in namespace ${name} because it is being terminated`, [
      { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' },
    ]);
  }
};

/** Values that the server chooses for a new object of some kinds. */
const allocate = (world: World, resource: Resource, object: JsonObject): JsonObject => {
  if (resource.store === '/services') {
    const spec: Draft = { ...asRecord(object['spec']) };
    if (spec['type'] === 'ExternalName') return object;
    spec['clusterIP'] ??= world.nextClusterIp();
    spec['clusterIPs'] ??= [spec['clusterIP']];
    return { ...object, spec };
  }
  return object;
};

export const create = (world: World, resource: Resource, namespace: string, body: JsonObject, options: WriteOptions): Outcome => {
  checkAddress(resource, body, namespace, undefined);
  if (metaOf(body)['resourceVersion'] !== undefined && metaOf(body)['resourceVersion'] !== '')
    throw badRequest('resourceVersion should not be set on objects to be created');
  const object = prepareNew(world, resource, namespace, read(resource, body, options));
  return finishCreate(world, resource, recordUpdate(writeOf(world, resource, options, 'Update'), undefined, object), options);
};

const prepareNew = (world: World, resource: Resource, namespace: string, decoded: JsonObject): JsonObject => {
  const given = metaOf(decoded);
  const metadata: Draft = {
    ...without(without(without(without(given, 'managedFields'), 'resourceVersion'), 'deletionTimestamp'), 'generation'),
  };
  if (asString(given['name']) === '' && asString(given['generateName']) !== '')
    metadata['name'] = `${asString(given['generateName'])}${suffix()}`;
  if (asString(metadata['name']) === '') {
    throw new ApiError(422, 'Invalid', `${resource.kind} "" is invalid: metadata.name: Required value: name or generateName is required`, {
      kind: resource.kind,
    });
  }
  if (resource.namespaced) metadata['namespace'] = namespace;
  metadata['uid'] = randomUUID();
  metadata['creationTimestamp'] = timestamp(world.now());
  if (resource.generation) metadata['generation'] = 1;
  // As the admission plugin StorageObjectInUseProtection does.
  if (resource.store === '/persistentvolumeclaims')
    metadata['finalizers'] = [...new Set([...asArray(metadata['finalizers']), 'kubernetes.io/pvc-protection'])];
  let object: JsonObject = { ...decoded, metadata };
  if (resource.status) {
    object = without(object, 'status');
    const status = initialStatus(resource, object);
    if (status !== undefined) object = { ...object, status };
  }
  return allocate(world, resource, object);
};

const finishCreate = (world: World, resource: Resource, object: JsonObject, options: WriteOptions): Outcome => {
  checkNamespace(world, resource, object);
  validate(resource, object, undefined);
  if (world.store.get(resource.store, namespaceOf(object), nameOf(object)) !== undefined) throw alreadyExists(resource, nameOf(object));
  if (options.dryRun) return { object, changed: false, created: true };
  const stored = world.store.write(resource.store, object, undefined);
  return { object: resource.plural === 'customresourcedefinitions' ? establish(world, stored) : stored, changed: true, created: true };
};

/** A new or changed CRD is served at once; the real server takes some milliseconds. */
const establish = (world: World, crd: JsonObject): JsonObject => {
  world.registry.define(crd);
  const status = establishedStatus(crd, timestamp(world.now()));
  const accepted = asRecord(asRecord(crd['status'])['acceptedNames']);
  if (equal(accepted, asRecord(status['acceptedNames']))) return crd;
  return world.store.write('apiextensions.k8s.io/customresourcedefinitions', { ...crd, status }, crd);
};

const KEPT_META = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
] as const;
const UNCONDITIONAL = new Set([
  'coordination.k8s.io/leases',
  'policy/poddisruptionbudgets',
  'apiextensions.k8s.io/customresourcedefinitions',
]);

/** The object as it will be: server-owned metadata from the live one, and only the part this (sub)resource may write. */
const confine = (resource: Resource, live: JsonObject, next: JsonObject, subresource: string): JsonObject => {
  const metadata: Draft = { ...metaOf(next) };
  for (const key of KEPT_META) {
    const kept = metaOf(live)[key];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a plain data object
    if (kept === undefined) delete metadata[key];
    else metadata[key] = kept;
  }
  if (subresource === 'status') {
    const own = { ...metaOf(live), ...(metadata['managedFields'] === undefined ? {} : { managedFields: metadata['managedFields'] }) };
    const kept = resource.custom ? own : { ...own, ...pick(metadata, ['labels', 'annotations']) };
    const status = next['status'];
    const rest = without(live, 'status');
    return { ...rest, metadata: kept, ...(status === undefined ? {} : { status }) };
  }
  if (!resource.status) return { ...next, metadata };
  const rest = without(next, 'status');
  return { ...rest, metadata, ...(live['status'] === undefined ? {} : { status: live['status'] }) };
};

const pick = (object: JsonObject, keys: readonly string[]): Draft => {
  const out: Draft = {};
  for (const key of keys) if (object[key] !== undefined) out[key] = object[key];
  return out;
};

const desired = (resource: Resource, object: JsonObject): JsonValue => {
  if (!resource.custom) return [object['spec'] ?? null, object['webhooks'] ?? null];
  const rest = without(object, 'metadata');
  return resource.status ? without(rest, 'status') : rest;
};

/** NetworkPolicies compare the empty list that is sent with the absent one that is stored, and find them different, every time. */
const restless = (resource: Resource, sent: JsonObject): boolean => {
  const { ingress, egress } = asRecord(sent['spec']);
  return (
    resource.store === 'networking.k8s.io/networkpolicies' && [ingress, egress].some((rules) => Array.isArray(rules) && rules.length === 0)
  );
};

/** Writes the next state of an object. `next` may come from a replacement, a patch or an apply. */
const finishUpdate = (
  world: World,
  resource: Resource,
  live: JsonObject,
  next: JsonObject,
  sent: JsonObject,
  options: WriteOptions,
): Outcome => {
  let object = next;
  if (
    resource.generation &&
    (!equal(desired(resource, live), desired(resource, object)) || (options.subresource === '' && restless(resource, sent)))
  ) {
    object = { ...object, metadata: { ...metaOf(object), generation: Number(metaOf(live)['generation'] ?? 0) + 1 } };
  }
  object = { ...object, metadata: { ...metaOf(object), resourceVersion: metaOf(live)['resourceVersion'] ?? '' } };
  validate(resource, object, live);
  if (equal(withoutTimes(object), withoutTimes(live))) return { object: live, changed: false, created: false };
  if (options.dryRun) return { object, changed: false, created: false };
  const metadata = metaOf(object);
  const finished =
    metadata['deletionTimestamp'] !== undefined &&
    asArray(metadata['finalizers']).length === 0 &&
    Number(metadata['deletionGracePeriodSeconds'] ?? 0) === 0;
  if (finished) return { object: erase(world, resource, object), changed: true, created: false };
  const stored = world.store.write(resource.store, object, live);
  return { object: resource.plural === 'customresourcedefinitions' ? establish(world, stored) : stored, changed: true, created: false };
};

const checkPreconditions = (resource: Resource, live: JsonObject, body: JsonObject): void => {
  const { uid, resourceVersion } = metaOf(body);
  if (asString(resourceVersion) !== '' && resourceVersion !== metaOf(live)['resourceVersion']) throw conflict(resource, nameOf(live));
  if (asString(uid) !== '' && uid !== metaOf(live)['uid']) {
    throw conflict(
      resource,
      nameOf(live),
      `StorageError: invalid object, Code: 4, Key: /registry/${resource.plural}/${namespaceOf(live)}/${nameOf(live)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${asString(uid)}, UID in object meta: ${asString(metaOf(live)['uid'])}`,
    );
  }
};

/** PUT. Kinds without unconditional update want a resourceVersion. */
export const replace = (
  world: World,
  resource: Resource,
  namespace: string,
  name: string,
  body: JsonObject,
  options: WriteOptions,
): Outcome => {
  checkAddress(resource, body, namespace, name);
  const live = world.store.get(resource.store, namespace, name);
  if (live === undefined) throw notFound(resource, name);
  if (asString(metaOf(body)['resourceVersion']) === '' && (resource.custom || UNCONDITIONAL.has(resource.store))) {
    throw invalid(resource, name, [invalidValue('metadata.resourceVersion', resource.custom ? 0 : '', 'must be specified for an update')]);
  }
  return update(world, resource, live, body, options);
};

/** Replaces an object with a full next state, from PUT or from a patch. */
export const update = (world: World, resource: Resource, live: JsonObject, body: JsonObject, options: WriteOptions): Outcome => {
  checkPreconditions(resource, live, body);
  const decoded = keepAllocated(resource, live, read(resource, body, options));
  const confined = confine(resource, live, decoded, options.subresource);
  return finishUpdate(world, resource, live, recordUpdate(writeOf(world, resource, options, 'Update'), live, confined), body, options);
};

/** A Service sent without its address keeps it. */
const keepAllocated = (resource: Resource, live: JsonObject, next: JsonObject): JsonObject => {
  if (resource.store !== '/services' || !isRecord(next['spec']) || next['spec']['type'] === 'ExternalName') return next;
  const spec: Draft = { ...next['spec'] };
  for (const key of ['clusterIP', 'clusterIPs']) {
    const had = asRecord(live['spec'])[key];
    if (had !== undefined) spec[key] ??= had;
  }
  return { ...next, spec };
};

/** Server-side apply; creates the object when it does not exist. */
export const apply = (
  world: World,
  resource: Resource,
  namespace: string,
  name: string,
  body: JsonObject,
  force: boolean,
  options: WriteOptions,
): Outcome => {
  checkAddress(resource, body, namespace, name);
  if (asArray(metaOf(body)['managedFields']).length > 0) throw badRequest('metadata.managedFields must be nil');
  const live = world.store.get(resource.store, namespace, name);
  if (live === undefined && options.subresource !== '') throw notFound(resource, name);
  const write = writeOf(world, resource, options, 'Apply');
  const config: JsonObject = { ...body, apiVersion: apiVersionOf(resource), kind: resource.kind };
  if (live === undefined) {
    if (asString(metaOf(body)['resourceVersion']) !== '') throw conflict(resource, name);
    const uid = asString(metaOf(body)['uid']);
    if (uid !== '')
      throw conflict(resource, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
    const merged = typed(resource, config, () => applyConfiguration(write, undefined, config, force));
    const managedFields = metaOf(merged)['managedFields'];
    const fresh = prepareNew(world, resource, namespace, read(resource, { ...merged, metadata: { ...metaOf(merged), name } }, options));
    return finishCreate(
      world,
      resource,
      { ...fresh, metadata: { ...metaOf(fresh), ...(managedFields === undefined ? {} : { managedFields }) } },
      options,
    );
  }
  const { uid } = metaOf(body);
  if (uid !== undefined && uid !== metaOf(live)['uid'])
    throw invalid(resource, name, [invalidValue('metadata.uid', uid, 'field is immutable')]);
  checkPreconditions(resource, live, body);
  const merged = typed(resource, config, () => applyConfiguration(write, live, config, force));
  const decoded = keepAllocated(resource, live, read(resource, merged, options));
  return finishUpdate(world, resource, live, confine(resource, live, decoded, options.subresource), merged, options);
};

const typed = <T>(resource: Resource, config: JsonObject, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TypedError)) throw error;
    throw new ApiError(
      500,
      '',
      `failed to create typed patch object (${namespaceOf(config)}/${nameOf(config)}; ${apiVersionOf(resource)}, Kind=${resource.kind}): ${error.message}`,
    );
  }
};
