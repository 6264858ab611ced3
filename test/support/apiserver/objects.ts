/** Direct access to the store for tests: no HTTP, no faults, not in the request log. */
import { defaultBuiltin, initialStatus } from './builtin-defaults.ts';
import { randomUUID } from 'node:crypto';
import { asRecord, asString, equal, isRecord, type Draft, type JsonObject } from './json.ts';
import { establishedStatus, type Resource } from './registry.ts';
import { erase } from './remove.ts';
import { labelPredicate } from './selectors.ts';
import { metaOf, nameOf, namespaceOf } from './store.ts';
import { timestamp, type World } from './world.ts';

/**
 * `kind` is what one would give to kubectl: `Pod`, `pods`, `sts`, `patroniclusters.patroni-operator.dev`.
 * `namespace` defaults to `default` (ignored for cluster-wide kinds).
 */
export class Objects {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the type the caller knows it to be
  get<T = JsonObject>(kind: string, name: string, namespace = 'default'): T | undefined {
    const resource = this.#resource(kind);
    return this.#world.store.get(resource.store, resource.namespaced ? namespace : '', name) as T | undefined;
  }

  /** Like `get`, and throws when there is none. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as above
  mustGet<T = JsonObject>(kind: string, name: string, namespace = 'default'): T {
    const found = this.get<T>(kind, name, namespace);
    if (found === undefined) throw new Error(`${kind} ${namespace}/${name} is not there`);
    return found;
  }

  /** In the order of namespace and name; of all namespaces unless one is given. */

  list<T = JsonObject>(kind: string, options: { readonly namespace?: string; readonly labelSelector?: string } = {}): T[] {
    const matches = labelPredicate(options.labelSelector ?? '');
    return this.#world.store.list(this.#resource(kind).store, options.namespace ?? '').filter(matches) as T[];
  }

  /**
   * Creates or replaces an object, status included, without validation. Gives it uid, times, resourceVersion and (when the spec changed)
   * generation; what is not in `object` is gone. Loads a CustomResourceDefinition too.
   */
  put(object: object): JsonObject {
    const given = object as JsonObject;
    const resource = this.#world.registry.findKind(asString(given['apiVersion']), asString(given['kind']));
    if (resource === undefined) throw new Error(`no such kind: ${asString(given['apiVersion'])}/${asString(given['kind'])}`);
    const { store, now } = this.#world;
    const namespace = resource.namespaced ? namespaceOf(given) || 'default' : '';
    const before = store.get(resource.store, namespace, nameOf(given));
    const old = before === undefined ? {} : metaOf(before);
    const metadata: Draft = {
      ...metaOf(given),
      uid: old['uid'] ?? metaOf(given)['uid'] ?? randomUUID(),
      creationTimestamp: old['creationTimestamp'] ?? timestamp(now()),
    };
    if (resource.namespaced) metadata['namespace'] = namespace;
    let next: JsonObject = { ...given, metadata };
    if (!resource.custom) next = defaultBuiltin(resource, next);
    const status = before?.['status'] ?? initialStatus(resource, next);
    if (next['status'] === undefined && status !== undefined) next = { ...next, status };
    if (resource.generation) {
      const changed = before !== undefined && !equal(before['spec'], next['spec']);
      next = {
        ...next,
        metadata: { ...metaOf(next), generation: Number(old['generation'] ?? (before === undefined ? 1 : 0)) + (changed ? 1 : 0) },
      };
    }
    const stored = store.write(resource.store, next, before);
    return resource.plural === 'customresourcedefinitions' ? this.#define(stored) : stored;
  }

  /** Replaces the status (or the part of it that is given when `merge` is set) of an object that is there. */
  putStatus(
    kind: string,
    name: string,
    status: object,
    options: { readonly namespace?: string; readonly merge?: boolean } = {},
  ): JsonObject {
    const live = this.mustGet(kind, name, options.namespace);
    const base = options.merge === true ? asRecord(live['status']) : {};
    return this.#world.store.write(this.#resource(kind).store, { ...live, status: { ...base, ...(status as JsonObject) } }, live);
  }

  /** Takes an object away at once, whatever its finalizers; what it owns is garbage-collected. False when it was not there. */
  remove(kind: string, name: string, namespace = 'default'): boolean {
    const live = this.get(kind, name, namespace);
    if (live !== undefined) erase(this.#world, this.#resource(kind), live);
    return live !== undefined;
  }

  /** Runs for every change from now on, in order; the result ends it. */
  onChange(
    run: (change: { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly resource: string; readonly object: JsonObject }) => void,
  ): () => void {
    return this.#world.store.onChange(run);
  }

  #resource(kind: string): Resource {
    const resource = this.#world.registry.findNamed(kind);
    if (resource === undefined) throw new Error(`no such kind: ${kind}`);
    return resource;
  }

  #define(crd: JsonObject): JsonObject {
    this.#world.registry.define(crd);
    const status = establishedStatus(crd, timestamp(this.#world.now()));
    return isRecord(crd['status']) && isRecord(crd['status']['acceptedNames'])
      ? crd
      : this.#world.store.write('apiextensions.k8s.io/customresourcedefinitions', { ...crd, status }, crd);
  }
}
