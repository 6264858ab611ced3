/** Watches: a stream of changes with bookmarks, initial events, an end by timeout, and 410 for forgotten versions. */
import type { ServerResponse } from 'node:http';
// Not the globals: jest's fake timers must not stop the server.
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { ApiError, invalid, forbiddenField } from './api-error.ts';
import { asRecord, type JsonObject } from './json.ts';
import { predicateOf } from './list.ts';
import type { Resource } from './registry.ts';
import type { Predicate } from './selectors.ts';
import { metaOf, namespaceOf, type Change, type ChangeType } from './store.ts';
import type { World } from './world.ts';

export interface WatchRequest {
  readonly resource: Resource;
  readonly namespace: string;
  readonly query: URLSearchParams;
  /** Turns a stored object into what the client asked for (version, Table, PartialObjectMetadata). */
  readonly show: (object: JsonObject, first: boolean) => JsonObject;
  readonly response: ServerResponse;
}

/** Every open watch, so that tests can look at them, end them, and have bookmarks sent. */
export class Watches {
  readonly #open = new Set<Watch>();

  get count(): number {
    return this.#open.size;
  }

  /** `group/plural` of each open watch. */
  resources(): string[] {
    return [...this.#open].map((each) => each.resource);
  }

  add(watch: Watch): void {
    this.#open.add(watch);
    watch.onEnd(() => this.#open.delete(watch));
  }

  /** Ends all watches: `end` closes the stream in order, `reset` breaks the connection. */
  drop(how: 'end' | 'reset', resource?: string): void {
    for (const watch of [...this.#open]) if (resource === undefined || watch.resource === resource) watch.finish(how);
  }

  /** Sends 410 on all watches, as a server does that has lost the history they need. */
  expire(resource?: string): void {
    for (const watch of [...this.#open]) if (resource === undefined || watch.resource === resource) watch.expire();
  }

  sendBookmarks(): void {
    for (const watch of this.#open) watch.bookmark();
  }
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export class Watch {
  readonly resource: string;
  readonly #world: World;
  readonly #request: WatchRequest;
  readonly #matches: Predicate;
  readonly #stop: (() => void)[] = [];
  #first = true;
  #ended = false;

  constructor(world: World, request: WatchRequest) {
    this.#world = world;
    this.#request = request;
    this.resource = request.resource.store;
    const matches = predicateOf(request.resource, request.query);
    this.#matches = (object) => (request.namespace === '' || namespaceOf(object) === request.namespace) && matches(object);
  }

  onEnd(run: () => void): void {
    this.#stop.push(run);
  }

  /** Sends what the request asks for first, then every change as it happens. */
  start(bookmarkEveryMs: number): void {
    const { query, response } = this.#request;
    const wanted = query.get('resourceVersion') ?? '';
    const initial = query.get('sendInitialEvents') === 'true';
    if (query.has('sendInitialEvents')) checkStreamingList(query);
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    response.once('close', () => this.finish('end'));
    try {
      if (initial || wanted === '' || wanted === '0') this.#sendCurrent();
      else for (const change of this.#world.store.since(Number(wanted), this.resource)) this.#send(change);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#write('ERROR', error.toStatus());
      this.finish('end');
      return;
    }
    if (initial) this.bookmark({ [INITIAL_EVENTS_END]: 'true' });
    this.#stop.push(this.#world.store.onChange((change) => change.resource === this.resource && this.#send(change)));
    const timeout = Number(query.get('timeoutSeconds') ?? 0);
    if (timeout > 0) {
      const timer = setTimeout(() => {
        this.bookmark();
        this.finish('end');
      }, timeout * 1_000);
      this.#stop.push(() => clearTimeout(timer));
    }
    if (bookmarkEveryMs > 0) {
      const timer = setInterval(() => this.bookmark(), bookmarkEveryMs);
      this.#stop.push(() => clearInterval(timer));
    }
  }

  /** A bookmark says up to which version the client has seen everything. */
  bookmark(annotations?: JsonObject): void {
    if (this.#request.query.get('allowWatchBookmarks') !== 'true') return;
    const { resource } = this.#request;
    const metadata = { resourceVersion: String(this.#world.store.version), ...(annotations === undefined ? {} : { annotations }) };
    const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    this.#write('BOOKMARK', this.#request.show({ kind: resource.kind, apiVersion, metadata }, this.#first));
  }

  expire(): void {
    this.#write('ERROR', new ApiError(410, 'Expired', 'The resourceVersion for the provided watch is too old.').toStatus());
    this.finish('end');
  }

  finish(how: 'end' | 'reset'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop.forEach((stop) => stop());
    if (how === 'reset') this.#request.response.destroy();
    else this.#request.response.end();
  }

  #sendCurrent(): void {
    for (const object of this.#world.store.list(this.resource, this.#request.namespace)) {
      if (this.#matches(object)) this.#write('ADDED', this.#request.show(object, this.#first));
    }
  }

  /** With a selector, an object that begins or ceases to match appears or disappears for the client. */
  #send(change: Change): void {
    const before = change.previous !== undefined && this.#matches(change.previous);
    const now = change.type !== 'DELETED' && this.#matches(change.object);
    if (!before && !now) return;
    const type: ChangeType = now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED';
    // What disappears is shown as it last matched, under the version of its disappearance.
    const object =
      type === 'DELETED' && change.previous !== undefined && change.type !== 'DELETED'
        ? { ...change.previous, metadata: { ...metaOf(change.previous), resourceVersion: metaOf(change.object)['resourceVersion'] ?? '' } }
        : change.object;
    this.#write(type, this.#request.show(object, this.#first));
  }

  #write(type: ChangeType | 'BOOKMARK' | 'ERROR', object: JsonObject): void {
    if (this.#ended) return;
    this.#first = false;
    this.#request.response.write(`${JSON.stringify({ type, object: asRecord(object) })}\n`);
  }
}

const checkStreamingList = (query: URLSearchParams): void => {
  const options = { group: 'meta.k8s.io', plural: '', kind: 'ListOptions' };
  if (query.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw invalid(options, '', [
      forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    ]);
  }
  if (query.get('sendInitialEvents') === 'true' && query.get('allowWatchBookmarks') !== 'true') {
    throw invalid(options, '', [forbiddenField('allowWatchBookmarks', 'sendInitialEvents requires allowWatchBookmarks')]);
  }
};
