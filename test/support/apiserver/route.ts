/** From a URL to what it names. */
import type { Registry, Resource } from './registry.ts';

export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  /** Undefined for a collection. */
  readonly name: string | undefined;
  /** '' for the object itself. */
  readonly subresource: string;
}

/** Undefined when no served resource is named. */
export const targetOf = (registry: Registry, path: string): Target | undefined => {
  const [root, ...rest] = path
    .split('/')
    .filter((each) => each !== '')
    .map(decodeURIComponent);
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group, version] = root === 'api' ? ['', rest.shift() ?? ''] : [rest.shift() ?? '', rest.shift() ?? ''];
  let namespace = '';
  const isNamespaceItself = group === '' && (rest.length <= 2 || (rest.length === 3 && ['status', 'finalize'].includes(rest[2] ?? '')));
  if (rest[0] === 'namespaces' && !isNamespaceItself) {
    namespace = rest[1] ?? '';
    rest.splice(0, 2);
  }
  const [plural = '', name, ...sub] = rest;
  const resource = registry.find(group, version, plural);
  // A namespaced kind without its namespace can only be listed.
  if (resource === undefined || (namespace !== '') !== resource.namespaced) {
    if (resource === undefined || !resource.namespaced || name !== undefined) return undefined;
  }
  return { resource, namespace, name, subresource: sub.join('/') };
};

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection';

export const verbOf = (method: string, target: Target, query: URLSearchParams, contentType: string): Verb | undefined => {
  const collection = target.name === undefined;
  switch (method) {
    case 'GET':
      if (!collection) return 'get';
      return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
    case 'POST':
      return collection || target.subresource !== '' ? 'create' : undefined;
    case 'PUT':
      return collection ? undefined : 'update';
    case 'PATCH':
      if (collection) return undefined;
      return contentType.startsWith('application/apply-patch') ? 'apply' : 'patch';
    case 'DELETE':
      return collection ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
};
