/** /api, /apis, /version and /openapi: what clients look up before they speak. */
import { asRecord, type Draft, type JsonObject } from './json.ts';
import type { Registry, Resource } from './registry.ts';
import { BUILTIN_SCHEMAS_JSON, SCHEMAS_FROM } from './builtin-schemas.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const RW = ['get', 'patch', 'update'];

interface Sub {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

const subresources = (resource: Resource): Sub[] => {
  const { group, version, kind } = resource;
  return [
    ...(resource.status ? [{ name: 'status', group, version, kind, verbs: RW }] : []),
    ...(resource.scale === undefined ? [] : [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: RW }]),
    ...(resource.store === '/pods' ? [{ name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }] : []),
  ];
};

/** APIResourceList of one group and version. */
export const resourceList = (registry: Registry, group: string, version: string): JsonObject | undefined => {
  const resources = registry.all().filter((each) => each.group === group && each.version === version);
  if (resources.length === 0) return undefined;
  const entries = resources.flatMap((resource): JsonObject[] => {
    const { plural, singular, namespaced, kind, shortNames, categories } = resource;
    const entry: Draft = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS };
    if (shortNames.length > 0) entry['shortNames'] = shortNames;
    if (categories.length > 0) entry['categories'] = categories;
    const subs = subresources(resource).map((sub) => ({
      name: `${plural}/${sub.name}`,
      singularName: '',
      namespaced,
      group: sub.group,
      version: sub.version,
      kind: sub.kind,
      verbs: sub.verbs,
    }));
    return [entry, ...subs];
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group === '' ? version : `${group}/${version}`, resources: entries };
};

const groupsOf = (registry: Registry): Map<string, string[]> => {
  const groups = new Map<string, string[]>();
  for (const { group, version } of registry.all()) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    groups.set(group, versions);
  }
  return groups;
};

/** APIGroupList, the older form of /apis. */
export const groupList = (registry: Registry): JsonObject => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [...groupsOf(registry)].filter(([group]) => group !== '').map(([group, versions]) => groupOf(group, versions)),
});

const groupOf = (name: string, versions: readonly string[]): JsonObject => {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] ?? {} };
};

export const group = (registry: Registry, name: string): JsonObject | undefined => {
  const versions = groupsOf(registry).get(name);
  return versions === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, versions) };
};

/** APIGroupDiscoveryList: everything in one answer. `core` chooses between /api and /apis. */
export const aggregated = (registry: Registry, core: boolean, apiVersion: string): JsonObject => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
  metadata: {},
  items: [...groupsOf(registry)]
    .filter(([name]) => (name === '') === core)
    .map(([name, versions]) => ({
      metadata: name === '' ? { creationTimestamp: null } : { name, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: 'Current',
        resources: registry
          .all()
          .filter((each) => each.group === name && each.version === version)
          .map((resource) => ({
            resource: resource.plural,
            responseKind: { group: '', version: '', kind: resource.kind },
            scope: resource.namespaced ? 'Namespaced' : 'Cluster',
            singularResource: resource.singular,
            verbs: VERBS,
            ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
            ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
            subresources: subresources(resource).map((sub) => ({
              subresource: sub.name,
              responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
              verbs: sub.verbs,
            })),
          })),
      })),
    })),
});

export const VERSION: JsonObject = {
  major: '1',
  minor: SCHEMAS_FROM.split('.')[1] ?? '',
  gitVersion: SCHEMAS_FROM,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** /openapi/v3: one document for each group and version. */
export const openApiIndex = (registry: Registry): JsonObject => {
  const paths = registry.all().map(({ group: name, version }) => (name === '' ? `api/${version}` : `apis/${name}/${version}`));
  return { paths: Object.fromEntries([...new Set(paths)].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])) };
};

/** References as a real document has them. */
const withRefs = (text: string): string => text.replaceAll('"$ref":"', '"$ref":"#/components/schemas/');

export const openApi = (registry: Registry, groupName: string, version: string): JsonObject | undefined => {
  const resources = registry.all().filter((each) => each.group === groupName && each.version === version);
  if (resources.length === 0) return undefined;
  const { definitions, kinds } = JSON.parse(withRefs(BUILTIN_SCHEMAS_JSON)) as {
    definitions: Record<string, Draft>;
    kinds: Record<string, string>;
  };
  const schemas: Record<string, Draft> = { ...definitions };
  const paths: Draft = {};
  for (const resource of resources) {
    const id = { group: resource.group, version: resource.version, kind: resource.kind };
    const name = resource.custom
      ? `custom.${resource.version}.${resource.kind}`
      : (kinds[`${resource.group}/${resource.version}/${resource.kind}`] ?? '');
    const schema = resource.custom ? asRecord(resource.published) : (schemas[name] ?? {});
    schemas[name] = {
      ...schema,
      type: 'object',
      properties: {
        ...asRecord(schema['properties']),
        ...(resource.custom
          ? { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { $ref: '#/components/schemas/meta.v1.ObjectMeta' } }
          : {}),
      },
      'x-kubernetes-group-version-kind': [id],
    };
    const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
    const path = resource.namespaced ? `${root}/namespaces/{namespace}/${resource.plural}/{name}` : `${root}/${resource.plural}/{name}`;
    const query = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((each) => ({
      in: 'query',
      name: each,
      schema: { type: 'string' },
    }));
    paths[path] = { patch: { 'x-kubernetes-action': 'patch', 'x-kubernetes-group-version-kind': id, parameters: query } };
    paths[path.replace('/{name}', '')] = {
      post: { 'x-kubernetes-action': 'post', 'x-kubernetes-group-version-kind': id, parameters: query },
    };
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: SCHEMAS_FROM },
    paths,
    components: { schemas: schemas as unknown as JsonObject },
  };
};
