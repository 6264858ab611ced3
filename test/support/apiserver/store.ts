/**
 * Objects, their history and the single counter of resource versions. Everything is synchronous: one call is one atomic step, as a
 * transaction in etcd is. What goes in and out is never changed afterwards; treat it as frozen.
 */
import { expired } from './api-error.ts';
import { asRecord, asString, type JsonObject } from './json.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly version: number;
  readonly type: ChangeType;
  /** `group/plural`. */
  readonly resource: string;
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

export const metaOf = (object: JsonObject): JsonObject => asRecord(object['metadata']);
export const nameOf = (object: JsonObject): string => asString(metaOf(object)['name']);
export const namespaceOf = (object: JsonObject): string => asString(metaOf(object)['namespace']);
export const uidOf = (object: JsonObject): string => asString(metaOf(object)['uid']);
const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
const byKey = ([a]: readonly [string, JsonObject], [b]: readonly [string, JsonObject]): number => (a < b ? -1 : a > b ? 1 : 0);

export class Store {
  readonly #objects = new Map<string, Map<string, JsonObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #version: number;
  #compacted = 0;
  readonly #historyLimit: number;

  constructor(firstVersion: number, historyLimit: number) {
    this.#version = firstVersion;
    this.#compacted = firstVersion - 1;
    this.#historyLimit = historyLimit;
  }

  /** The version of the latest change. */
  get version(): number {
    return this.#version;
  }

  get(resource: string, namespace: string, name: string): JsonObject | undefined {
    return this.#objects.get(resource)?.get(keyOf(namespace, name));
  }

  /** All objects of a resource in the order of their keys; `namespace` '' means everywhere. */
  list(resource: string, namespace: string): JsonObject[] {
    const all = [...(this.#objects.get(resource)?.entries() ?? [])].sort(byKey).map(([, object]) => object);
    return namespace === '' ? all : all.filter((object) => namespaceOf(object) === namespace);
  }

  resources(): string[] {
    return [...this.#objects.keys()];
  }

  /** Writes an object (new or replacing `previous`) under the next version and returns it as stored. */
  write(resource: string, object: JsonObject, previous: JsonObject | undefined): JsonObject {
    const version = ++this.#version;
    const stored: JsonObject = { ...object, metadata: { ...metaOf(object), resourceVersion: String(version) } };
    let objects = this.#objects.get(resource);
    if (objects === undefined) this.#objects.set(resource, (objects = new Map<string, JsonObject>()));
    objects.set(keyOf(namespaceOf(stored), nameOf(stored)), stored);
    this.#record({ version, type: previous === undefined ? 'ADDED' : 'MODIFIED', resource, object: stored, previous });
    return stored;
  }

  /** Takes an object away. Its last state carries the version of the removal. */
  erase(resource: string, object: JsonObject): JsonObject {
    const version = ++this.#version;
    const previous = this.get(resource, namespaceOf(object), nameOf(object));
    const last: JsonObject = { ...object, metadata: { ...metaOf(object), resourceVersion: String(version) } };
    this.#objects.get(resource)?.delete(keyOf(namespaceOf(object), nameOf(object)));
    this.#record({ version, type: 'DELETED', resource, object: last, previous });
    return last;
  }

  /** Changes after a version, oldest first. Throws 410 when they are no longer known. */
  since(version: number, resource: string): Change[] {
    if (version < this.#compacted) throw expired(`too old resource version: ${version} (${this.#compacted})`);
    return this.#history.filter((change) => change.version > version && change.resource === resource);
  }

  /** The objects of a resource as they were at a version, or undefined when that is no longer known. */
  at(version: number, resource: string, namespace: string): JsonObject[] | undefined {
    if (version < this.#compacted) return undefined;
    const objects = new Map<string, JsonObject>();
    this.#objects.get(resource)?.forEach((object, key) => objects.set(key, object));
    for (const change of [...this.#history].reverse()) {
      if (change.version <= version) break;
      if (change.resource !== resource) continue;
      const key = keyOf(namespaceOf(change.object), nameOf(change.object));
      if (change.previous === undefined) objects.delete(key);
      else objects.set(key, change.previous);
    }
    const all = [...objects.entries()].sort(byKey).map(([, object]) => object);
    return namespace === '' ? all : all.filter((object) => namespaceOf(object) === namespace);
  }

  /** Forgets history: watches and lists from any version so far get 410. */
  compact(): void {
    this.#compacted = ++this.#version;
    this.#history = [];
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > this.#historyLimit) {
      const dropped = this.#history.splice(0, Math.ceil(this.#historyLimit / 2));
      this.#compacted = dropped.at(-1)?.version ?? this.#compacted;
    }
    for (const listener of [...this.#listeners]) listener(change);
  }
}
