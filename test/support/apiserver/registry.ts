/** Which resources are served: the built-in ones, and those of the CustomResourceDefinitions in the store. */
import { BUILTIN_RESOURCES, type ResourceInfo } from './builtin-resources.ts';
import { asArray, asRecord, asString, isRecord, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { builtinSchema, withObjectMeta } from './schema.ts';
import { nameOf } from './store.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority: number;
  readonly description: string;
}

export interface Resource extends ResourceInfo {
  readonly custom: boolean;
  readonly schema: JsonObject;
  /** The schema as it was given, for /openapi. Custom resources only. */
  readonly published: JsonObject | undefined;
  /** `group/plural` under which objects are stored. */
  readonly store: string;
  readonly columns: readonly Column[];
  /** In discovery, versions of one group are listed in this order. */
  readonly listKind: string;
}

const builtin = (info: ResourceInfo): Resource => ({
  ...info,
  custom: false,
  schema: builtinSchema(info.group, info.version, info.kind) ?? {},
  published: undefined,
  store: info.storedAs ?? `${info.group}/${info.plural}`,
  columns: [],
  listKind: `${info.kind}List`,
});

/** Objects without properties and without leave to keep anything hold nothing, which the shape must say. */
const closed = (schema: JsonObject): JsonObject => {
  const out: Draft = { ...schema };
  const properties = schema['properties'];
  const additional = schema['additionalProperties'];
  if (isRecord(properties)) out['properties'] = mapValues(properties, (each) => closed(asRecord(each)));
  if (isRecord(additional)) out['additionalProperties'] = closed(additional);
  if (isRecord(schema['items'])) out['items'] = closed(schema['items']);
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-embedded-resource'] === true;
  if (schema['type'] === 'object' && !isRecord(properties) && additional === undefined && !open) out['properties'] = {};
  return out;
};

const mapValues = (object: JsonObject, change: (value: JsonValue) => JsonValue): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

/** The resources that one CustomResourceDefinition adds, one for each served version. */
const resourcesOf = (crd: JsonObject): Resource[] => {
  const spec = asRecord(crd['spec']);
  const names = asRecord(spec['names']);
  const group = asString(spec['group']);
  return asArray(spec['versions'])
    .map(asRecord)
    .filter((version) => version['served'] === true)
    .map((version) => {
      const schema = asRecord(asRecord(version['schema'])['openAPIV3Schema']);
      const subresources = asRecord(version['subresources']);
      const scale = asRecord(subresources['scale']);
      const kind = asString(names['kind']);
      return {
        group,
        version: asString(version['name']),
        kind,
        plural: asString(names['plural']),
        singular: asString(names['singular']) || kind.toLowerCase(),
        listKind: asString(names['listKind']) || `${kind}List`,
        namespaced: spec['scope'] === 'Namespaced',
        shortNames: asArray(names['shortNames']).map(asString),
        categories: asArray(names['categories']).map(asString),
        status: isRecord(subresources['status']),
        generation: true,
        custom: true,
        schema: withObjectMeta(closed(schema)),
        published: schema,
        store: `${group}/${asString(names['plural'])}`,
        columns: asArray(version['additionalPrinterColumns']).map((each) => columnOf(asRecord(each))),
        ...(isRecord(subresources['scale'])
          ? {
              scale: {
                spec: asString(scale['specReplicasPath']),
                status: asString(scale['statusReplicasPath']),
                ...(scale['labelSelectorPath'] === undefined ? {} : { selector: asString(scale['labelSelectorPath']) }),
              },
            }
          : {}),
      };
    });
};

const columnOf = (column: JsonObject): Column => ({
  name: asString(column['name']),
  type: asString(column['type']),
  jsonPath: asString(column['jsonPath']),
  priority: Number(column['priority'] ?? 0),
  description: asString(column['description']),
});

/** What a CRD's status says once it is served. */
export const establishedStatus = (crd: JsonObject, now: string): JsonObject => {
  const spec = asRecord(crd['spec']);
  const stored = asArray(spec['versions'])
    .map(asRecord)
    .find((version) => version['storage'] === true);
  const names: Draft = { ...asRecord(spec['names']) };
  names['listKind'] ??= `${asString(names['kind'])}List`;
  names['singular'] ??= asString(names['kind']).toLowerCase();
  return {
    acceptedNames: names,
    conditions: [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found', lastTransitionTime: now },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
        lastTransitionTime: now,
      },
    ],
    storedVersions: stored === undefined ? [] : [asString(stored['name'])],
  };
};

export class Registry {
  readonly #builtin = BUILTIN_RESOURCES.map(builtin);
  readonly #custom = new Map<string, Resource[]>();

  define(crd: JsonObject): void {
    this.#custom.set(nameOf(crd), resourcesOf(crd));
  }

  undefine(crd: JsonObject): void {
    this.#custom.delete(nameOf(crd));
  }

  all(): Resource[] {
    return [...this.#builtin, ...[...this.#custom.values()].flat()];
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.all().find((each) => each.group === group && each.version === version && each.plural === plural);
  }

  findKind(apiVersion: string, kind: string): Resource | undefined {
    const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
    return this.all().find((each) => each.group === group && each.version === version && each.kind === kind);
  }

  /** By what people type: `pods`, `po`, `Pod`, `statefulsets.apps`. */
  findNamed(name: string): Resource | undefined {
    const wanted = name.toLowerCase();
    return this.all().find(
      (each) =>
        each.plural === wanted ||
        each.kind.toLowerCase() === wanted ||
        each.singular === wanted ||
        each.shortNames.includes(wanted) ||
        `${each.plural}.${each.group}` === wanted ||
        `${each.kind.toLowerCase()}.${each.group}` === wanted,
    );
  }
}
