/** One request about objects: from its target, verb and body to an answer. Watches are elsewhere (`watch.ts`). */
import { load } from 'js-yaml';
import {
  ApiError,
  badRequest,
  invalid,
  invalidValue,
  methodNotAllowed,
  notFound,
  noSuchPath,
  required,
  unsupportedMedia,
} from './api-error.ts';
import { asStored, shownAs } from './events-view.ts';
import { asRecord, asString, isRecord, without, type JsonObject, type JsonValue } from './json.ts';
import { list, predicateOf } from './list.ts';
import { jsonPatch, mergePatch, strategicMerge } from './patch.ts';
import type { Resource } from './registry.ts';
import { remove, type DeleteOptions } from './remove.ts';
import type { Target, Verb } from './route.ts';
import { metaOf, nameOf, uidOf } from './store.ts';
import { evict, scaled, scaleOf } from './subresources.ts';
import { partial, tableOf, viewOf } from './table.ts';
import { apply, create, replace, update } from './write.ts';
import type { Outcome, World, WriteOptions } from './world.ts';

export interface Call {
  readonly target: Target;
  readonly verb: Verb;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: string;
}

export interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly warnings: readonly string[];
}

const parseBody = (text: string, contentType: string): JsonValue => {
  if (text.trim() === '') return {};
  // Known kinds have been turned into JSON by now (`protobuf.ts`).
  if (text.startsWith('k8s\0')) throw unsupportedMedia('application/json, application/yaml');
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (contentType.includes('yaml')) return (load(text) ?? {}) as JsonValue;
    throw badRequest(error instanceof Error ? error.message : 'the body is not JSON');
  }
};

/** Events have two APIs and one store; the rules of the core one apply. */
const ruling = (world: World, resource: Resource): Resource =>
  resource.storedAs === undefined ? resource : (world.registry.findKind('v1', resource.kind) ?? resource);

const optionsOf = (call: Call, warnings: string[]): WriteOptions => {
  const dryRun = call.query.get('dryRun') ?? '';
  if (dryRun !== '' && dryRun !== 'All') throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun must be All`);
  const validation = call.query.get('fieldValidation') ?? '';
  return {
    dryRun: dryRun === 'All',
    fieldManager: call.query.get('fieldManager') ?? (call.userAgent.split('/')[0] || 'unknown'),
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    subresource: call.target.subresource,
    warnings,
  };
};

/** The single object in the form the Accept header asks for. */
export const present = (
  world: World,
  resource: Resource,
  object: JsonObject,
  call: Pick<Call, 'accept' | 'query'>,
  headers = true,
): JsonObject => {
  const shown = shownAs(resource, object);
  const view = viewOf(call.accept);
  if (view === 'partial') return partial(shown);
  if (view === 'table') {
    const version = metaOf(object)['resourceVersion'];
    return tableOf(
      resource,
      [shown],
      version === undefined ? {} : { resourceVersion: version },
      call.query.get('includeObject') ?? 'Metadata',
      headers,
      world.now(),
    );
  }
  return shown;
};

const presentList = (world: World, resource: Resource, objects: readonly JsonObject[], listMeta: JsonObject, call: Call): JsonObject => {
  const shown = objects.map((object) => shownAs(resource, object));
  const view = viewOf(call.accept);
  if (view === 'table') return tableOf(resource, shown, listMeta, call.query.get('includeObject') ?? 'Metadata', true, world.now());
  if (view === 'partial')
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: listMeta, items: shown.map(partial) };
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  // Items of built-in lists carry no kind and apiVersion; those of custom resources do.
  const items = resource.custom ? shown : shown.map((object) => without(without(object, 'kind'), 'apiVersion'));
  return { kind: resource.listKind, apiVersion, metadata: listMeta, items };
};

const live = (world: World, target: Target): JsonObject => {
  const object = world.store.get(target.resource.store, target.namespace, target.name ?? '');
  if (object === undefined) throw notFound(target.resource, target.name ?? '');
  return object;
};

const PATCH_TYPES = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';

const patched = (resource: Resource, document: JsonObject, patch: JsonValue, contentType: string): JsonObject => {
  switch (contentType.split(';')[0]) {
    case 'application/json-patch+json':
      return jsonPatch(document, patch);
    case 'application/merge-patch+json':
      return asRecord(mergePatch(document, patch));
    case 'application/strategic-merge-patch+json':
      if (resource.custom) throw unsupportedMedia(PATCH_TYPES);
      return asRecord(strategicMerge(resource.schema, document, patch));
    default:
      throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
};

const doPatch = (world: World, call: Call, options: WriteOptions): Outcome => {
  const { target } = call;
  const object = live(world, target);
  const patch = parseBody(call.body, call.contentType);
  const next = patched(target.resource, shownAs(target.resource, object), patch, call.contentType);
  // Without a version of its own in the patch, a patch is made against whatever is there.
  try {
    return update(world, ruling(world, target.resource), object, asStored(target.resource, next), options);
  } catch (error) {
    const undecodable =
      error instanceof ApiError && error.code === 400 ? /cannot be handled as an? \w+: (.*)$/s.exec(error.message)?.[1] : undefined;
    // What a patch makes of an object is judged like a field named "patch".
    if (undecodable === undefined) throw error;
    const cause = invalidValue('patch', JSON.stringify(next), undecodable);
    throw new ApiError(422, 'Invalid', ` "" is invalid: patch: ${cause.message}`, {
      causes: [{ reason: cause.type, message: cause.message, field: cause.field }],
    });
  }
};

const doApply = (world: World, call: Call, options: WriteOptions): Outcome => {
  const { target } = call;
  if (asString(call.query.get('fieldManager')) === '') {
    throw invalid({ group: 'meta.k8s.io', plural: '', kind: 'PatchOptions' }, '', [
      required('fieldManager', 'is required for apply patch'),
    ]);
  }
  const body = parseBody(call.body, 'yaml');
  if (!isRecord(body)) throw badRequest('error decoding YAML: the body is not an object');
  return apply(
    world,
    ruling(world, target.resource),
    target.namespace,
    target.name ?? '',
    asStored(target.resource, body),
    call.query.get('force') === 'true',
    options,
  );
};

const doScale = (world: World, call: Call, options: WriteOptions): Answer => {
  const { target, verb } = call;
  const { resource } = target;
  if (resource.scale === undefined) throw noSuchPath();
  const object = live(world, target);
  if (verb === 'get') return { code: 200, body: scaleOf(resource, object), warnings: [] };
  const before = scaleOf(resource, object);
  const body = parseBody(call.body, call.contentType);
  let scale: JsonObject;
  if (verb === 'update') scale = asRecord(body);
  else if (verb === 'apply' || verb === 'patch')
    scale = call.contentType.startsWith('application/json-patch') ? jsonPatch(before, body) : asRecord(mergePatch(before, body));
  else throw methodNotAllowed();
  // The subresource writes one field of the main object.
  const outcome = update(world, resource, object, scaled(resource, object, scale), { ...options, subresource: '' });
  return { code: 200, body: scaleOf(resource, outcome.object), warnings: [] };
};

const success = (resource: Resource, object: JsonObject): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { name: nameOf(object), ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural, uid: uidOf(object) },
});

const deleteOptions = (call: Call): DeleteOptions => {
  const body = asRecord(parseBody(call.body, call.contentType));
  const fromQuery = Object.fromEntries(
    ['gracePeriodSeconds', 'propagationPolicy', 'dryRun']
      .filter((key) => call.query.has(key))
      .map((key) => [key, key === 'gracePeriodSeconds' ? Number(call.query.get(key)) : call.query.get(key)] as const),
  );
  const options = { ...body, ...fromQuery } as unknown as DeleteOptions & { readonly orphanDependents?: boolean };
  return { ...options, dryRun: call.query.get('dryRun') === 'All' || body['dryRun'] !== undefined };
};

const doDelete = (world: World, call: Call): Answer => {
  const { resource } = call.target;
  const { object, gone } = remove(world, resource, live(world, call.target), deleteOptions(call));
  return { code: 200, body: gone ? success(resource, object) : present(world, resource, object, call), warnings: [] };
};

const doDeleteCollection = (world: World, call: Call): Answer => {
  const { resource, namespace } = call.target;
  const matches = predicateOf(resource, call.query);
  const found = world.store.list(resource.store, namespace).filter(matches);
  const removed = found.map((object) => remove(world, resource, object, deleteOptions(call)).object);
  return { code: 200, body: presentList(world, resource, removed, { resourceVersion: String(world.store.version) }, call), warnings: [] };
};

/** Answers everything but a watch. */
export const handle = (world: World, call: Call): Answer => {
  const { target, verb } = call;
  const { resource, namespace, subresource } = target;
  const warnings: string[] = [];
  const options = optionsOf(call, warnings);
  const answer = (outcome: Outcome): Answer => ({
    code: outcome.created ? 201 : 200,
    body: present(world, resource, outcome.object, call),
    warnings,
  });
  if (subresource === 'scale') return doScale(world, call, options);
  if (subresource === 'eviction' && resource.store === '/pods' && verb === 'create') {
    return {
      code: 201,
      body: evict(world, resource, namespace, target.name ?? '', asRecord(parseBody(call.body, call.contentType))),
      warnings,
    };
  }
  const known =
    subresource === '' || (subresource === 'status' && resource.status) || (subresource === 'finalize' && resource.store === '/namespaces');
  if (!known) throw noSuchPath();
  switch (verb) {
    case 'get':
      return { code: 200, body: present(world, resource, live(world, target), call), warnings };
    case 'list': {
      const { items, listMeta } = list(world, resource, namespace, call.query);
      return { code: 200, body: presentList(world, resource, items, listMeta, call), warnings };
    }
    case 'create':
      return answer(
        create(world, ruling(world, resource), namespace, asStored(resource, asRecord(parseBody(call.body, call.contentType))), options),
      );
    case 'update':
      return answer(
        replace(
          world,
          ruling(world, resource),
          namespace,
          target.name ?? '',
          asStored(resource, asRecord(parseBody(call.body, call.contentType))),
          options,
        ),
      );
    case 'patch':
      return answer(doPatch(world, call, options));
    case 'apply':
      return answer(doApply(world, call, options));
    case 'delete':
      return doDelete(world, call);
    case 'deletecollection':
      return doDeleteCollection(world, call);
    case 'watch':
      throw new ApiError(500, 'InternalError', 'watches are answered elsewhere');
    default:
      return verb satisfies never;
  }
};
