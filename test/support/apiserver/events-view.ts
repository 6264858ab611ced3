/** events.k8s.io/v1 shows the stored core/v1 events under other field names. */
import { asRecord, type Draft, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';

const NAMES: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];

const rename = (object: JsonObject, pairs: readonly (readonly [string, string])[], apiVersion: string): JsonObject => {
  const names = new Map(pairs);
  const out: Draft = {};
  for (const [key, value] of Object.entries(object)) out[names.get(key) ?? key] = value;
  return { ...out, apiVersion };
};

const isNewEvents = (resource: Resource): boolean => resource.group === 'events.k8s.io';

/** A stored object as a resource shows it. */
export const shownAs = (resource: Resource, object: JsonObject): JsonObject => {
  if (isNewEvents(resource)) return rename(object, NAMES, 'events.k8s.io/v1');
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return object['apiVersion'] === apiVersion && object['kind'] === resource.kind ? object : { ...object, apiVersion, kind: resource.kind };
};

/** The body of a request as it is stored, and the resource whose rules apply. */
export const asStored = (resource: Resource, body: JsonObject): JsonObject =>
  isNewEvents(resource)
    ? rename(
        { source: {}, ...body },
        NAMES.map(([core, shown]) => [shown, core] as const),
        'v1',
      )
    : asRecord(body);
