import { keyOf, type KubeObject, type ObjectRef } from './types.ts';

/** What happened to an object in the cache. */
export interface CacheEvent<T> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** The object now; of a deleted one, its last known state. */
  readonly object: T;
  /** The state before, of an updated object. Read it only if needed: a packed cache has to parse it. */
  readonly previous: T | undefined;
}

/** Values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Reading side of a cache. Objects are shared, not copied: treat them as immutable. */
export interface CacheReader<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): T[];
  /** Objects for which the index function of `index` gives `value`. @throws RangeError for an unknown index */
  byIndex(index: string, value: string): T[];
  /** `name@resourceVersion` of the same objects, in no particular order; parses nothing, so it is the cheap way to see whether anything has changed. */
  versionsByIndex(index: string, value: string): string[];
  size(): number;
}

/** Writing side, for reflectors. */
export interface CacheWriter<T> {
  upsert(object: T): void;
  remove(ref: ObjectRef): void;
  /** Removes from `namespace` (undefined: from everywhere) what is not among `keys` (see `keyOf`): the end of a list. */
  retain(namespace: string | undefined, keys: ReadonlySet<string>): void;
}

export interface CacheOptions<T> {
  readonly onEvent?: (event: CacheEvent<T>) => void;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * Keep objects as JSON text and parse them when read. For kinds of which there are many and which are read seldom: text of one byte per character
   * instead of 3–5 times that as objects. Every read gives a fresh copy.
   */
  readonly packed?: boolean;
}

/** One object. Mutable and shared by the maps below, so that an update touches no index that stays the same. */
interface Entry<T> {
  readonly namespace: string;
  readonly name: string;
  uid: string | undefined;
  resourceVersion: string | undefined;
  stored: T | string;
  /** Values per index, in the order of the indexes; undefined when there are no indexes. */
  indexed: readonly (readonly string[])[] | undefined;
}

/** A cache of objects by namespace and name, with indexes. Not for concurrent writers of one object. */
export class Cache<T extends KubeObject> implements CacheReader<T>, CacheWriter<T> {
  private readonly namespaces = new Map<string, Map<string, Entry<T>>>();
  private readonly indexes: readonly {
    readonly name: string;
    readonly of: IndexFunction<T>;
    readonly entries: Map<string, Set<Entry<T>>>;
  }[];
  private readonly onEvent: (event: CacheEvent<T>) => void;
  private readonly packed: boolean;
  private count = 0;

  constructor(options: CacheOptions<T> = {}) {
    this.onEvent = options.onEvent ?? (() => undefined);
    this.packed = options.packed === true;
    this.indexes = Object.entries(options.indexes ?? {}).map(([name, of]) => ({ name, of, entries: new Map() }));
  }

  get(namespace: string | undefined, name: string): T | undefined {
    const entry = this.namespaces.get(namespace ?? '')?.get(name);
    return entry === undefined ? undefined : this.unpack(entry.stored);
  }

  list(namespace?: string): T[] {
    const found: T[] = [];
    for (const [name, entries] of this.namespaces) {
      if (namespace !== undefined && name !== namespace) continue;
      for (const entry of entries.values()) found.push(this.unpack(entry.stored));
    }
    return found;
  }

  byIndex(index: string, value: string): T[] {
    return this.entriesByIndex(index, value).map((entry) => this.unpack(entry.stored));
  }

  versionsByIndex(index: string, value: string): string[] {
    return this.entriesByIndex(index, value).map(({ name, resourceVersion }) => `${name}@${resourceVersion ?? ''}`);
  }

  private entriesByIndex(index: string, value: string): Entry<T>[] {
    const found = this.indexes.find((each) => each.name === index);
    if (found === undefined) throw new RangeError(`no index "${index}"`);
    return [...(found.entries.get(value) ?? [])];
  }

  size(): number {
    return this.count;
  }

  upsert(object: T): void {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    const entry = this.namespaces.get(namespace)?.get(name);
    // Deleted and made anew while we did not look: handlers must see that the old one is gone.
    if (entry !== undefined && entry.uid !== uid) this.remove(object.metadata);
    if (entry === undefined || entry.uid !== uid) {
      this.insert({ namespace, name, uid, resourceVersion, stored: this.pack(object), indexed: undefined }, object);
      this.onEvent({ type: 'added', object, previous: undefined });
      return;
    }
    // The same version again, after a relist or a resumed watch, is no news.
    if (resourceVersion !== undefined && entry.resourceVersion === resourceVersion) return;
    const before = entry.stored;
    entry.resourceVersion = resourceVersion;
    entry.stored = this.pack(object);
    this.index(entry, object);
    this.onEvent(new Update(object, () => this.unpack(before)));
  }

  remove(ref: ObjectRef): void {
    const entries = this.namespaces.get(ref.namespace ?? '');
    const entry = entries?.get(ref.name);
    if (entries === undefined || entry === undefined) return;
    entries.delete(ref.name);
    if (entries.size === 0) this.namespaces.delete(entry.namespace);
    this.count--;
    this.unindex(entry);
    this.onEvent({ type: 'deleted', object: this.unpack(entry.stored), previous: undefined });
  }

  retain(namespace: string | undefined, keys: ReadonlySet<string>): void {
    const scope = namespace === undefined ? [...this.namespaces.keys()] : [namespace];
    for (const each of scope) {
      for (const name of [...(this.namespaces.get(each)?.keys() ?? [])]) {
        const ref = { namespace: each, name };
        if (!keys.has(keyOf(ref))) this.remove(ref);
      }
    }
  }

  private insert(entry: Entry<T>, object: T): void {
    const entries = this.namespaces.get(entry.namespace);
    if (entries === undefined) this.namespaces.set(entry.namespace, new Map([[entry.name, entry]]));
    else entries.set(entry.name, entry);
    this.count++;
    this.index(entry, object);
  }

  private index(entry: Entry<T>, object: T): void {
    if (this.indexes.length === 0) return;
    const values = this.indexes.map((index) => index.of(object));
    if (entry.indexed !== undefined && sameValues(entry.indexed, values)) return;
    this.unindex(entry);
    entry.indexed = values;
    for (const [i, index] of this.indexes.entries()) {
      for (const value of values[i] ?? []) {
        const entries = index.entries.get(value);
        if (entries === undefined) index.entries.set(value, new Set([entry]));
        else entries.add(entry);
      }
    }
  }

  private unindex(entry: Entry<T>): void {
    for (const [i, index] of this.indexes.entries()) {
      for (const value of entry.indexed?.[i] ?? []) {
        const entries = index.entries.get(value);
        entries?.delete(entry);
        // Values come and go with clusters: an empty set left behind would be a leak.
        if (entries?.size === 0) index.entries.delete(value);
      }
    }
  }

  private pack(object: T): T | string {
    return this.packed ? JSON.stringify(object) : object;
  }

  private unpack(stored: T | string): T {
    return typeof stored === 'string' ? (JSON.parse(stored) as T) : stored;
  }
}

class Update<T> implements CacheEvent<T> {
  readonly type = 'updated';
  readonly object: T;
  private readonly read: () => T;

  constructor(object: T, read: () => T) {
    this.object = object;
    this.read = read;
  }

  get previous(): T {
    return this.read();
  }
}

function sameValues(a: readonly (readonly string[])[], b: readonly (readonly string[])[]): boolean {
  return a.every((values, i) => values.length === b[i]?.length && values.every((value, j) => value === b[i]?.[j]));
}
