/** Lists: selectors, pages with continue tokens, the version they are of. */
import { badRequest, expired, ApiError } from './api-error.ts';
import { asString, type Draft, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';
import { fieldPredicate, labelPredicate, type Predicate } from './selectors.ts';
import { nameOf, namespaceOf } from './store.ts';
import type { World } from './world.ts';

export interface Listed {
  readonly items: readonly JsonObject[];
  readonly listMeta: JsonObject;
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

const encodeToken = (version: number, after: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: after })).toString('base64url');

const decodeToken = (token: string): { version: number; after: string } => {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv: number; start: string };
    return { version: rv, after: start };
  } catch {
    throw badRequest('continue key is not valid: invalid character');
  }
};

/** The selectors of a request as one test. */
export const predicateOf = (resource: Resource, query: URLSearchParams): Predicate => {
  const labels = labelPredicate(query.get('labelSelector') ?? '');
  const fields = fieldPredicate(resource, query.get('fieldSelector') ?? '');
  return (object) => labels(object) && fields(object);
};

const keyOf = (object: JsonObject): string => `${namespaceOf(object)}/${nameOf(object)}`;

/** Too new a version is answered with a timeout, as by a server that waits for it in vain. */
const checkNotFuture = (world: World, version: string): void => {
  if (version !== '' && Number(version) > world.store.version) {
    throw new ApiError(504, 'Timeout', `Too large resource version: ${version}, current: ${world.store.version}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
      retryAfterSeconds: 1,
    });
  }
};

export const list = (world: World, resource: Resource, namespace: string, query: URLSearchParams): Listed => {
  const matches = predicateOf(resource, query);
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue') ?? '';
  const wanted = query.get('resourceVersion') ?? '';
  const exact = query.get('resourceVersionMatch') === 'Exact';
  let version = world.store.version;
  let all = world.store.list(resource.store, namespace);
  if (token !== '') {
    const { version: first, after } = decodeToken(token);
    const then = first < 0 ? all : world.store.at(first, resource.store, namespace);
    if (then === undefined) throw expired(TOO_OLD, { continue: encodeToken(-1, after) });
    if (first >= 0) version = first;
    all = then.filter((object) => keyOf(object) > after);
  } else if (exact) {
    checkNotFuture(world, wanted);
    const then = world.store.at(Number(wanted), resource.store, namespace);
    if (then === undefined) throw expired(`The resourceVersion for the provided list is too old.`);
    all = then;
    version = Number(wanted);
  } else if (wanted !== '' && wanted !== '0') checkNotFuture(world, wanted);
  const matching = all.filter(matches);
  const page = limit > 0 ? matching.slice(0, limit) : matching;
  const listMeta: Draft = { resourceVersion: String(version) };
  const last = page.at(-1);
  if (page.length < matching.length && last !== undefined) {
    listMeta['continue'] = encodeToken(version, keyOf(last));
    // The server cannot count what a selector would leave over.
    if (asString(query.get('labelSelector')) === '' && asString(query.get('fieldSelector')) === '')
      listMeta['remainingItemCount'] = matching.length - page.length;
  }
  return { items: page, listMeta };
};
