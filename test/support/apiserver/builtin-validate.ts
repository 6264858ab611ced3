/** Rules of built-in kinds that an operator can run into: names, required fields, what may not change. Not the whole of Kubernetes' validation. */
import { forbiddenField, invalidValue, required, type FieldError } from './api-error.ts';
import { asArray, asRecord, asString, at, equal, isRecord, textOf, without, type JsonObject, type JsonValue } from './json.ts';
import type { Resource } from './registry.ts';
import { resolve, shapeOf } from './schema.ts';
import { selectorPredicate } from './selectors.ts';
import { nameOf } from './store.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const SUBDOMAIN_WHY =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_WHY =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS1035_WHY =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_WHY =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Rules of ObjectMeta, for every kind. */
export const validateMeta = (resource: Resource, object: JsonObject): FieldError[] => {
  const name = nameOf(object);
  const errors: FieldError[] = [];
  const check = (ok: boolean, why: string): void => {
    if (!ok) errors.push(invalidValue('metadata.name', name, why));
  };
  if (resource.group === 'rbac.authorization.k8s.io') check(!/[/%]/.test(name), "may not contain '/'");
  else if (resource.store === '/services')
    check(DNS1035.test(name) && name.length <= 63, name.length > 63 ? 'must be no more than 63 characters' : DNS1035_WHY);
  else if (resource.store === '/namespaces')
    check(LABEL.test(name) && name.length <= 63, name.length > 63 ? 'must be no more than 63 bytes' : LABEL_WHY);
  else check(SUBDOMAIN.test(name) && name.length <= 253, name.length > 253 ? 'must be no more than 253 bytes' : SUBDOMAIN_WHY);
  for (const value of Object.values(asRecord(at(object, 'metadata', 'labels')))) {
    if (!LABEL_VALUE.test(asString(value))) errors.push(invalidValue('metadata.labels', value, LABEL_VALUE_WHY));
    else if (asString(value).length > 63) errors.push(invalidValue('metadata.labels', value, 'must be no more than 63 bytes'));
  }
  asArray(at(object, 'metadata', 'ownerReferences')).forEach((owner) => {
    for (const key of ['apiVersion', 'kind', 'name', 'uid']) {
      if (asString(asRecord(owner)[key]) === '')
        errors.push(invalidValue(`metadata.ownerReferences.${key}`, '', `${key} must not be empty`));
    }
  });
  return errors;
};

const requiredFields = (schema: JsonObject, value: JsonValue, path: string): FieldError[] => {
  const shape = shapeOf(schema);
  if (shape.kind === 'map' && isRecord(value)) {
    const missing = asArray(resolve(schema)['required'])
      .map(asString)
      .filter((key) => value[key] === undefined)
      .map((key) => required(`${path}.${key}`));
    const deeper = Object.entries(value).flatMap(([key, child]) => {
      const below = shape.fields[key] ?? shape.values;
      return below === undefined ? [] : requiredFields(below, child, `${path}.${key}`);
    });
    return [...missing, ...deeper];
  }
  if (shape.kind === 'list' && Array.isArray(value))
    return (value as readonly JsonValue[]).flatMap((item, i) => requiredFields(shape.items, item, `${path}[${i}]`));
  return [];
};

const STS_MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const except = (object: JsonObject, keys: readonly string[]): JsonObject => keys.reduce((rest, key) => without(rest, key), object);

const immutableField = (path: string, now: JsonValue | undefined, before: JsonValue | undefined): FieldError[] =>
  equal(now, before) ? [] : [invalidValue(path, now, 'field is immutable')];

const workloadRules = (spec: JsonObject, old: JsonObject | undefined): FieldError[] => {
  const labels = at(spec, 'template', 'metadata', 'labels') ?? {};
  const errors: FieldError[] = [];
  if (!selectorPredicate(spec['selector'])({ metadata: { labels } })) {
    errors.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return old === undefined ? errors : [...errors];
};

const podRules = (spec: JsonObject, old: JsonObject): FieldError[] => {
  const frozen = (each: JsonObject): JsonObject => ({
    ...except(each, ['activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds', 'nodeName']),
    containers: asArray(each['containers']).map((one) => without(asRecord(one), 'image')),
    initContainers: asArray(each['initContainers']).map((one) => without(asRecord(one), 'image')),
  });
  const placed = asString(old['nodeName']) !== '' && spec['nodeName'] !== old['nodeName'];
  return equal(frozen(spec), frozen(old)) && !placed
    ? []
    : [
        forbiddenField(
          'spec',
          'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
        ),
      ];
};

const bytes = (quantity: JsonValue | undefined): number => {
  const [, digits = '0', unit = ''] = /^([\d.]+)(.*)$/.exec(textOf(quantity ?? '0')) ?? [];
  const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'].indexOf(unit);
  const decimal = ['', 'k', 'M', 'G', 'T', 'P'].indexOf(unit);
  return Number(digits) * (binary >= 0 ? 1024 ** binary : decimal >= 0 ? 1000 ** decimal : 1);
};

const claimRules = (object: JsonObject, old: JsonObject): FieldError[] => {
  const [spec, before] = [asRecord(object['spec']), asRecord(old['spec'])];
  const frozen = (each: JsonObject): JsonObject => except(each, ['resources', 'volumeName', 'volumeAttributesClassName']);
  if (!equal(frozen(spec), frozen(before))) {
    return [
      forbiddenField('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
    ];
  }
  const size = bytes(at(spec, 'resources', 'requests', 'storage'));
  const had = bytes(at(before, 'resources', 'requests', 'storage'));
  if (size === had) return [];
  if (at(old, 'status', 'phase') !== 'Bound') {
    return [
      forbiddenField('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
    ];
  }
  return size < bytes(at(old, 'status', 'capacity', 'storage'))
    ? [forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity')]
    : [];
};

const serviceRules = (spec: JsonObject, old: JsonObject | undefined): FieldError[] => {
  const errors: FieldError[] = [];
  if (asArray(spec['ports']).length === 0 && spec['clusterIP'] !== 'None' && spec['type'] !== 'ExternalName')
    errors.push(required('spec.ports'));
  if (old !== undefined && old['type'] === spec['type'] && asString(old['clusterIP']) !== '' && spec['clusterIP'] !== old['clusterIP']) {
    errors.push(invalidValue('spec.clusterIPs[0]', spec['clusterIPs'] ?? spec['clusterIP'], 'may not change once set'));
  }
  return errors;
};

/** `old` is undefined for a create. */
export const validateBuiltin = (resource: Resource, object: JsonObject, old: JsonObject | undefined): FieldError[] => {
  const spec = asRecord(object['spec']);
  const before = old === undefined ? undefined : asRecord(old['spec']);
  const errors =
    object['spec'] === undefined ? [] : requiredFields(asRecord(asRecord(resolve(resource.schema)['properties'])['spec']), spec, 'spec');
  switch (resource.store) {
    case 'apps/statefulsets':
      errors.push(...workloadRules(spec, before));
      if (before !== undefined && !equal(except(spec, STS_MUTABLE), except(before, STS_MUTABLE))) {
        const names = STS_MUTABLE.map((each) => `'${each}'`);
        errors.push(
          forbiddenField(
            'spec',
            `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''} are forbidden`,
          ),
        );
      }
      break;
    case 'apps/deployments':
    case 'apps/replicasets':
    case 'apps/daemonsets':
      errors.push(...workloadRules(spec, before));
      if (before !== undefined) errors.push(...immutableField('spec.selector', spec['selector'], before['selector']));
      break;
    case '/pods':
      if (before !== undefined) errors.push(...podRules(spec, before));
      break;
    case '/persistentvolumeclaims':
      if (old !== undefined) errors.push(...claimRules(object, old));
      break;
    case '/services':
      errors.push(...serviceRules(spec, before));
      break;
    case 'policy/poddisruptionbudgets':
      if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined) {
        errors.push(invalidValue('spec', {}, 'minAvailable and maxUnavailable cannot be both set'));
      }
      break;
    case '/secrets':
      if (old !== undefined) errors.push(...immutableField('type', object['type'], old['type']));
      if (old?.['immutable'] === true && !equal(object['data'], old['data']))
        errors.push(forbiddenField('data', 'field is immutable when `immutable` is set'));
      break;
    case '/configmaps':
      if (old?.['immutable'] === true && !equal(object['data'], old['data']))
        errors.push(forbiddenField('data', 'field is immutable when `immutable` is set'));
      break;
    default:
  }
  return errors;
};
