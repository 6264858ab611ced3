/** Who owns which fields: the bookkeeping of server-side apply. After apimachinery's `util/managedfields` and structured-merge-diff's `merge/update.go`. */
import { ApiError } from './api-error.ts';
import { FieldSet, pathText } from './field-set.ts';
import { asArray, asRecord, asString, isRecord, without, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { compare, fieldSetOf, merge, removeFields, TypedError, withNamedFields, type Comparison } from './typed.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' or `status`, `scale`. */
  readonly subresource: string;
}

interface Owned extends Manager {
  readonly time: string;
  readonly set: FieldSet;
}

type Owners = ReadonlyMap<string, Owned>;

const keyOf = (manager: Manager): string =>
  JSON.stringify([manager.name, manager.operation, manager.operation === 'Apply' ? '' : manager.apiVersion, manager.subresource]);

const decode = (object: JsonObject): Owners => {
  const out = new Map<string, Owned>();
  for (const entry of asArray(asRecord(object['metadata'])['managedFields'])) {
    const each = asRecord(entry);
    const owned: Owned = {
      name: asString(each['manager']),
      operation: each['operation'] === 'Apply' ? 'Apply' : 'Update',
      apiVersion: asString(each['apiVersion']),
      subresource: asString(each['subresource']),
      time: asString(each['time']),
      set: FieldSet.fromFieldsV1(asRecord(each['fieldsV1'])),
    };
    out.set(keyOf(owned), owned);
  }
  return out;
};

const encode = (owners: Owners): readonly JsonObject[] =>
  [...owners.values()]
    .filter((each) => !each.set.isEmpty())
    .sort((a, b) => [a.operation, a.time, a.name].join('\0').localeCompare([b.operation, b.time, b.name].join('\0')))
    .map(({ name, operation, apiVersion, subresource, time, set }) => ({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: set.toFieldsV1(),
      ...(subresource === '' ? {} : { subresource }),
    }));

/** The server's own fields belong to nobody. */
const STRIPPED = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'generation',
    'managedFields',
    'resourceVersion',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ].map((field) => ['f:metadata', `f:${field}`]),
);
const STATUS = FieldSet.of(['f:status']);
/** Values that the server puts in at creation and that are structs in Go: they are there before the first manager comes. */
const STRUCTS = FieldSet.of(['f:spec'], ['f:status'], ['f:spec', 'f:template'], ['f:spec', 'f:template', 'f:spec']);

/** Keeps what a request to this (sub)resource can write at all. */
const reset = (set: FieldSet, subresource: string, hasStatus: boolean): FieldSet => {
  const kept = set.difference(STRIPPED);
  if (subresource === 'status')
    return new FieldSet(set.members.has('f:status') ? ['f:status'] : [], [['f:status', kept.below('f:status')]]);
  return hasStatus ? kept.recursiveDifference(STATUS) : kept;
};

const bare = (object: JsonObject): JsonObject => ({ ...object, metadata: without(asRecord(object['metadata']), 'managedFields') });

const withManaged = (object: JsonObject, owners: Owners): JsonObject => {
  const managedFields = encode(owners);
  const metadata = without(asRecord(object['metadata']), 'managedFields');
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } };
};

const restrict = (set: Comparison, subresource: string, hasStatus: boolean): Comparison => ({
  added: reset(set.added, subresource, hasStatus),
  modified: reset(set.modified, subresource, hasStatus),
  removed: reset(set.removed, subresource, hasStatus),
});

const settle = (owners: Owners, changes: Comparison, own: string, conflicts?: Map<string, FieldSet>): Map<string, Owned> => {
  const touched = changes.modified.union(changes.added);
  const out = new Map<string, Owned>();
  for (const [key, owned] of owners) {
    if (key === own) {
      out.set(key, owned);
      continue;
    }
    const clash = owned.set.intersection(touched);
    if (!clash.isEmpty()) conflicts?.set(key, clash);
    out.set(key, { ...owned, set: owned.set.difference(clash).difference(changes.removed) });
  }
  return out;
};

export interface Write {
  readonly schema: JsonObject;
  readonly manager: Manager;
  /** Whether `status` belongs to a subresource of its own. */
  readonly hasStatus: boolean;
  /** RFC 3339, seconds. */
  readonly now: string;
  /** A kind served from a CRD: its `spec` is a map like any other. */
  readonly custom: boolean;
}

/** The new object with the ownership that a create, update or patch gives. */
export const recordUpdate = (write: Write, live: JsonObject | undefined, next: JsonObject): JsonObject => {
  const asked = asRecord(next['metadata'])['managedFields'];
  // An explicit [{}] or [] asks for the records to be thrown away.
  const wiped = Array.isArray(asked) && asked.every((each) => Object.keys(asRecord(each)).length === 0) && live !== undefined;
  const owners = wiped ? new Map<string, Owned>() : decode(live ?? {});
  const before = live === undefined ? { apiVersion: next['apiVersion'] ?? '', kind: next['kind'] ?? '', metadata: {} } : bare(live);
  const key = keyOf(write.manager);
  let changes: Comparison;
  try {
    changes = restrict(compare(write.schema, before, bare(next)), write.manager.subresource, write.hasStatus);
  } catch (error) {
    // A list without its keys: validation will say so, the records stay as they are.
    if (error instanceof TypedError) return withManaged(next, owners);
    throw error;
  }
  const out = settle(owners, changes, key);
  const previous = out.get(key)?.set ?? new FieldSet();
  let set = previous.difference(changes.removed).union(changes.modified).union(changes.added);
  if (!write.custom) set = set.difference(STRUCTS);
  if (!set.isEmpty() && !wiped) {
    const time = previous.equals(set) && changes.modified.isEmpty() ? (out.get(key)?.time ?? write.now) : write.now;
    out.set(key, { ...write.manager, time, set });
  }
  return withManaged(next, out);
};

/** The outcome of laying an applied configuration over the live object. Throws 409 for conflicts unless forced. */
export const applyConfiguration = (write: Write, live: JsonObject | undefined, config: JsonObject, force: boolean): JsonObject => {
  const { schema, manager, hasStatus } = write;
  const before = bare(live ?? { apiVersion: config['apiVersion'] ?? '', kind: config['kind'] ?? '', metadata: {} });
  const owners = new Map(decode(live ?? {}));
  if (live !== undefined && owners.size === 0) {
    const set = reset(fieldSetOf(schema, before), '', false);
    const first: Owned = {
      name: 'before-first-apply',
      operation: 'Update',
      apiVersion: manager.apiVersion,
      subresource: '',
      time: write.now,
      set,
    };
    owners.set(keyOf(first), first);
  }
  const key = keyOf(manager);
  const last = owners.get(key);
  const set = reset(fieldSetOf(schema, bare(config)), manager.subresource, hasStatus);
  const applied = filterConfig(config, manager.subresource, hasStatus);
  let next = asRecord(merge(schema, before, bare(applied)));
  owners.set(key, { ...manager, time: last?.time ?? write.now, set });
  if (last !== undefined && !last.set.isEmpty()) next = prune(schema, next, last.set, owners);
  const changes = restrict(compare(schema, before, next), manager.subresource, hasStatus);
  const conflicts = new Map<string, FieldSet>();
  const out = settle(owners, changes, key, conflicts);
  if (!force && conflicts.size > 0) throw conflictError([...conflicts].map(([owner, fields]) => [owners.get(owner)!, fields] as const));
  const unchanged = last?.set.equals(set) === true && changes.added.isEmpty() && changes.modified.isEmpty() && changes.removed.isEmpty();
  out.set(key, { ...manager, time: unchanged ? last.time : write.now, set });
  return withManaged(next, out);
};

const filterConfig = (config: JsonObject, subresource: string, hasStatus: boolean): JsonObject => {
  if (subresource !== 'status') return hasStatus ? without(config, 'status') : config;
  const { apiVersion = '', kind = '', metadata = {}, status } = config;
  return { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) };
};

/** Takes away what the manager applied last time, not now, and nobody else owns. */
const prune = (schema: JsonObject, merged: JsonObject, last: FieldSet, owners: Owners): JsonObject => {
  const named = (set: FieldSet): FieldSet => withNamedFields(schema, set);
  const all = named(fieldSetOf(schema, merged));
  const lastNamed = named(last);
  let owned = new FieldSet();
  for (const each of owners.values()) owned = owned.union(each.set);
  const remove = (set: FieldSet): JsonObject => asRecord(removeFields(schema, merged, set));
  let pruned = remove(lastNamed);
  pruned = remove(all.difference(named(fieldSetOf(schema, pruned)).union(named(owned))));
  return remove(all.difference(named(fieldSetOf(schema, pruned))).intersection(lastNamed));
};

const conflictError = (conflicts: readonly (readonly [Manager, FieldSet])[]): ApiError => {
  const found = conflicts.flatMap(([owner, set]) => {
    const how = owner.operation === 'Apply' ? '' : ` using ${owner.apiVersion}`;
    const where = owner.subresource === '' ? '' : ` with subresource "${owner.subresource}"`;
    return set.paths().map((path) => ({ who: `"${owner.name}"${where}${how}`, path: pathText(path) }));
  });
  const first = found[0];
  const owners = [...new Set(found.map((each) => each.who))];
  const text =
    found.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: conflict with ${first.who}: ${first.path}`
      : `Apply failed with ${found.length} conflicts: ${owners
          .map(
            (who) =>
              `conflicts with ${who}:\n${found
                .filter((each) => each.who === who)
                .map((each) => `- ${each.path}`)
                .join('\n')}`,
          )
          .join('\n')}`;
  const causes: readonly JsonValue[] = found.map(({ who, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field: path,
  }));
  return new ApiError(409, 'Conflict', text, { causes });
};

/** Equality for the question "must anything be written": the times in managedFields do not count. */
export const withoutTimes = (object: JsonObject): JsonObject => {
  const metadata = asRecord(object['metadata']);
  const managed = metadata['managedFields'];
  if (!Array.isArray(managed)) return object;
  const timeless: readonly JsonValue[] = managed.map((each) => (isRecord(each) ? without(each, 'time') : {}) satisfies Draft);
  return { ...object, metadata: { ...metadata, managedFields: timeless } };
};
