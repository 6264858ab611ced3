/** Label and field selectors of lists and watches. */
import { badRequest } from './api-error.ts';
import { asRecord, at, isRecord, textOf, type JsonObject, type JsonValue } from './json.ts';
import type { Resource } from './registry.ts';
import { metaOf } from './store.ts';

export type Predicate = (object: JsonObject) => boolean;

const REQUIREMENT =
  /^\s*(?:(?<absent>!)\s*(?<none>[\w./-]+)|(?<key>[\w./-]+)\s*(?:(?<op>==|=|!=|>|<)\s*(?<value>[\w./-]*)|\s(?<set>in|notin)\s*\((?<values>[^)]*)\))?)\s*$/;

/** Splits at commas outside parentheses. */
const split = (text: string): string[] => text.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];

export const labelPredicate = (selector: string): Predicate => {
  if (selector.trim() === '') return () => true;
  const checks = split(selector).map((part) => {
    const groups = REQUIREMENT.exec(part)?.groups;
    if (groups === undefined) throw badRequest(`unable to parse requirement: ${part}`);
    const { none, key = '', op, value = '', set, values = '' } = groups;
    if (none !== undefined) return (labels: JsonObject) => !(none in labels);
    if (set !== undefined) {
      const options = values.split(',').map((each) => each.trim());
      return set === 'in'
        ? (labels: JsonObject) => options.includes(textOf(labels[key]))
        : (labels: JsonObject) => !(key in labels && options.includes(textOf(labels[key])));
    }
    if (op === undefined) return (labels: JsonObject) => key in labels;
    if (op === '!=') return (labels: JsonObject) => labels[key] !== value;
    if (op === '>') return (labels: JsonObject) => Number(labels[key]) > Number(value);
    if (op === '<') return (labels: JsonObject) => Number(labels[key]) < Number(value);
    return (labels: JsonObject) => labels[key] === value;
  });
  return (object) => {
    const labels = asRecord(metaOf(object)['labels']);
    return checks.every((check) => check(labels));
  };
};

/** A LabelSelector object as in a PodDisruptionBudget: an empty one matches everything, an absent one nothing. */
export const selectorPredicate = (selector: JsonValue | undefined): Predicate => {
  if (!isRecord(selector)) return () => false;
  const wanted = Object.entries(asRecord(selector['matchLabels']));
  const expressions = (Array.isArray(selector['matchExpressions']) ? (selector['matchExpressions'] as readonly JsonValue[]) : []).map(
    asRecord,
  );
  return (object) => {
    const labels = asRecord(metaOf(object)['labels']);
    if (!wanted.every(([key, value]) => labels[key] === value)) return false;
    return expressions.every(({ key, operator, values }) => {
      const has = textOf(key) in labels;
      const listed = Array.isArray(values) && (values as readonly JsonValue[]).includes(labels[textOf(key)] ?? null);
      if (operator === 'In') return has && listed;
      if (operator === 'NotIn') return !listed;
      return operator === 'Exists' ? has : !has;
    });
  };
};

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'regarding.kind',
    'regarding.namespace',
    'regarding.name',
    'regarding.uid',
    'reason',
    'reportingComponent',
    'reportingController',
    'source',
    'type',
  ],
  '/secrets': ['type'],
  '/namespaces': ['status.phase'],
  '/nodes': ['spec.unschedulable'],
};

/** `regarding.*` of events.k8s.io is stored as `involvedObject.*`. */
const stored = (field: string): string =>
  field.replace(/^regarding\./, 'involvedObject.').replace(/^reportingController$/, 'reportingComponent');

export const fieldPredicate = (resource: Resource, selector: string): Predicate => {
  if (selector.trim() === '') return () => true;
  const known = ['metadata.name', ...(resource.namespaced ? ['metadata.namespace'] : []), ...(FIELDS[resource.store] ?? [])];
  const checks = selector.split(',').map((part) => {
    const groups = /^(?<field>[\w.]+)(?<op>!=|==|=)(?<value>.*)$/.exec(part)?.groups;
    if (groups === undefined) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
    const { field = '', op, value = '' } = groups;
    if (!known.includes(field)) {
      throw badRequest(
        FIELDS[resource.store] === undefined && !resource.custom
          ? `"${field}" is not a known field selector: only ${known.map((each) => `"${each}"`).join(', ')}`
          : `field label not supported: ${field}`,
      );
    }
    const path = stored(field).split('.');
    return (object: JsonObject) => {
      const found = at(object, ...path);
      return (textOf(found) === value) === (op !== '!=');
    };
  });
  return (object) => checks.every((check) => check(object));
};
