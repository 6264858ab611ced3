/** Tables, as `kubectl get` asks for them, and metadata-only views. */
import { asArray, asRecord, asString, at, isRecord, textOf, type Draft, type JsonObject, type JsonValue } from './json.ts';
import type { Column, Resource } from './registry.ts';
import { metaOf, nameOf } from './store.ts';

const age = (from: JsonValue | undefined, nowMs: number): string => {
  const then = Date.parse(asString(from));
  if (Number.isNaN(then)) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - then) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 600) return `${Math.floor(seconds / 60)}m${seconds % 60 === 0 ? '' : `${seconds % 60}s`}`;
  if (seconds < 10_800) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
};

/** The JSONPath of printer columns and scale paths: fields, indexes and filters on equality. */
export const jsonPath = (object: JsonObject, path: string): JsonValue | undefined => {
  let here: (JsonValue | undefined)[] = [object];
  const steps = path.match(/\[\?\(@[^\]]*\)\]|\[[^\]]*\]|[^.[\]]+/g) ?? [];
  for (const step of steps) {
    const filter = /^\[\?\(@\.([\w.]+)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\]$/.exec(step);
    here = here.flatMap((value) => {
      if (filter !== null) return asArray(value).filter((each) => at(each, ...(filter[1] ?? '').split('.')) === (filter[2] ?? filter[3]));
      if (step === '[*]') return [...asArray(value)];
      if (step.startsWith('[')) {
        const key = step.slice(1, -1).replaceAll(/^['"]|['"]$/g, '');
        return /^\d+$/.test(key) ? [asArray(value)[Number(key)]] : [asRecord(value)[key]];
      }
      return [asRecord(value)[step]];
    });
  }
  return here.find((value) => value !== undefined);
};

type Cell = (object: JsonObject) => JsonValue;
interface BuiltinColumn {
  readonly name: string;
  readonly cell: Cell;
  readonly priority?: number;
}

const containers = (object: JsonObject): readonly JsonValue[] => asArray(at(object, 'status', 'containerStatuses'));
const podStatus = (object: JsonObject): string =>
  metaOf(object)['deletionTimestamp'] === undefined
    ? asString(at(object, 'status', 'reason')) || asString(at(object, 'status', 'phase'))
    : 'Terminating';
const ratio = (object: JsonObject): string =>
  `${Number(at(object, 'status', 'readyReplicas') ?? 0)}/${Number(at(object, 'spec', 'replicas') ?? 0)}`;
const ports = (object: JsonObject): string =>
  asArray(at(object, 'spec', 'ports'))
    .map((port) => `${textOf(asRecord(port)['port'])}/${asString(asRecord(port)['protocol'])}`)
    .join(',');

const COLUMNS: Readonly<Record<string, readonly BuiltinColumn[]>> = {
  '/pods': [
    {
      name: 'Ready',
      cell: (o) =>
        `${containers(o).filter((each) => asRecord(each)['ready'] === true).length}/${asArray(at(o, 'spec', 'containers')).length}`,
    },
    { name: 'Status', cell: podStatus },
    { name: 'Restarts', cell: (o) => containers(o).reduce<number>((sum, each) => sum + Number(asRecord(each)['restartCount'] ?? 0), 0) },
  ],
  'apps/statefulsets': [{ name: 'Ready', cell: ratio }],
  'apps/deployments': [
    { name: 'Ready', cell: ratio },
    { name: 'Up-to-date', cell: (o) => at(o, 'status', 'updatedReplicas') ?? 0 },
    { name: 'Available', cell: (o) => at(o, 'status', 'availableReplicas') ?? 0 },
  ],
  '/services': [
    { name: 'Type', cell: (o) => at(o, 'spec', 'type') ?? '' },
    { name: 'Cluster-IP', cell: (o) => at(o, 'spec', 'clusterIP') ?? '<none>' },
    { name: 'External-IP', cell: () => '<none>' },
    { name: 'Port(s)', cell: ports },
  ],
  '/configmaps': [{ name: 'Data', cell: (o) => Object.keys(asRecord(o['data'])).length }],
  '/secrets': [
    { name: 'Type', cell: (o) => o['type'] ?? '' },
    { name: 'Data', cell: (o) => Object.keys(asRecord(o['data'])).length },
  ],
  '/namespaces': [{ name: 'Status', cell: (o) => at(o, 'status', 'phase') ?? '' }],
  '/persistentvolumeclaims': [
    { name: 'Status', cell: (o) => at(o, 'status', 'phase') ?? '' },
    { name: 'Volume', cell: (o) => at(o, 'spec', 'volumeName') ?? '' },
    { name: 'Capacity', cell: (o) => at(o, 'status', 'capacity', 'storage') ?? '' },
  ],
  '/events': [
    { name: 'Type', cell: (o) => o['type'] ?? '' },
    { name: 'Reason', cell: (o) => o['reason'] ?? '' },
    {
      name: 'Object',
      cell: (o) => `${asString(at(o, 'involvedObject', 'kind')).toLowerCase()}/${asString(at(o, 'involvedObject', 'name'))}`,
    },
    { name: 'Message', cell: (o) => o['message'] ?? '' },
  ],
  'coordination.k8s.io/leases': [{ name: 'Holder', cell: (o) => at(o, 'spec', 'holderIdentity') ?? '' }],
};

const NAME = { name: 'Name', type: 'string', format: 'name', description: 'Name must be unique within a namespace.', priority: 0 };

const customCell = (object: JsonObject, column: Column, nowMs: number): JsonValue => {
  const value = jsonPath(object, column.jsonPath);
  if (value === undefined) return column.type === 'date' ? '<unknown>' : null;
  if (column.type === 'date') return age(value, nowMs);
  return typeof value === 'object' ? JSON.stringify(value) : value;
};

/** The Table of some objects. `headers` is false for later events of a watch. */
export const tableOf = (
  resource: Resource,
  objects: readonly JsonObject[],
  listMeta: JsonObject,
  include: string,
  headers: boolean,
  nowMs: number,
): JsonObject => {
  const builtin = COLUMNS[resource.store] ?? [];
  const definitions: JsonObject[] = [NAME];
  const ageColumn = { name: 'Age', type: resource.custom ? 'date' : 'string', format: '', description: 'Age', priority: 0 };
  if (resource.custom && resource.columns.length > 0) {
    definitions.push(
      ...resource.columns.map(({ name, type, priority, description }) => ({ name, type, format: '', priority, description })),
    );
  } else
    definitions.push(
      ...builtin.map(({ name, priority = 0 }) => ({ name, type: 'string', format: '', description: name, priority })),
      ageColumn,
    );
  const rows = objects.map((object) => {
    const cells: JsonValue[] =
      resource.custom && resource.columns.length > 0
        ? resource.columns.map((column) => customCell(object, column, nowMs))
        : [...builtin.map(({ cell }) => cell(object)), age(metaOf(object)['creationTimestamp'], nowMs)];
    const row: Draft = { cells: [nameOf(object), ...cells] };
    if (include !== 'None') row['object'] = include === 'Object' ? object : partial(object);
    return row;
  });
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: listMeta, columnDefinitions: headers ? definitions : [], rows };
};

/** PartialObjectMetadata of an object. */
export const partial = (object: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: isRecord(object['metadata']) ? object['metadata'] : {},
});

export type View = 'object' | 'table' | 'partial';

/** Which view an Accept header asks for. */
export const viewOf = (accept: string): View => {
  for (const each of accept.split(',')) {
    if (/as=Table/.test(each) && /g=meta\.k8s\.io/.test(each)) return 'table';
    if (/as=PartialObjectMetadata(List)?/.test(each)) return 'partial';
    if (/^\s*(application\/json|\*\/\*)\s*$/.test(each)) return 'object';
  }
  return 'object';
};
