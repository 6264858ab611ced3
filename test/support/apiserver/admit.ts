/** Before a write: is the body what its address says, what does it decode to, is the result valid. */
import { badRequest, forbiddenField, invalid, type FieldError } from './api-error.ts';
import { defaultBuiltin } from './builtin-defaults.ts';
import { validateBuiltin, validateMeta } from './builtin-validate.ts';
import { validateRules } from './cel.ts';
import { decodeObject } from './decode.ts';
import { asArray, asString, type JsonObject } from './json.ts';
import type { Resource } from './registry.ts';
import { metaOf, nameOf } from './store.ts';
import { validateCustom } from './validate-custom.ts';
import type { WriteOptions } from './world.ts';

export const apiVersionOf = (resource: Resource): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;

/** Checks that a body is of the kind, namespace and name its address says. */
export const checkAddress = (resource: Resource, body: JsonObject, namespace: string, name: string | undefined): void => {
  const apiVersion = apiVersionOf(resource);
  if (body['kind'] !== undefined && body['kind'] !== resource.kind) {
    throw badRequest(
      `${asString(body['kind'])} in version "${asString(body['apiVersion'])}" cannot be handled as a ${resource.kind}: the kind does not match`,
    );
  }
  if (resource.custom && (body['apiVersion'] === undefined || body['kind'] === undefined))
    throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== apiVersion) {
    throw badRequest(
      `the API version in the data (${asString(body['apiVersion'])}) does not match the expected API version (${apiVersion})`,
    );
  }
  const metadata = metaOf(body);
  if (resource.namespaced && metadata['namespace'] !== undefined && metadata['namespace'] !== '' && metadata['namespace'] !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name !== undefined && metadata['name'] !== undefined && metadata['name'] !== name) {
    throw badRequest(`the name of the object (${asString(metadata['name'])}) does not match the name on the URL (${name})`);
  }
};

/** Decodes, and deals with fields that the schema does not have as `fieldValidation` asks. */
export const read = (resource: Resource, body: JsonObject, options: WriteOptions): JsonObject => {
  const { object, unknown } = decodeObject(resource, { ...body, apiVersion: apiVersionOf(resource), kind: resource.kind });
  if (unknown.length > 0) {
    const texts = unknown.map((path) => `unknown field "${path}"`);
    if (options.fieldValidation === 'Strict') {
      throw badRequest(
        `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: strict decoding error: ${texts.join(', ')}`,
      );
    }
    if (options.fieldValidation === 'Warn') options.warnings.push(...texts);
  }
  return resource.custom ? object : defaultBuiltin(resource, object);
};

const BLOCKING = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueNotSupported',
]);

export const validate = (resource: Resource, object: JsonObject, old: JsonObject | undefined): void => {
  const errors: FieldError[] = [...validateMeta(resource, object)];
  if (resource.custom) {
    errors.push(...validateCustom(resource.schema, object, old, resource.scale?.spec));
    if (errors.some((each) => BLOCKING.has(each.type))) {
      if (JSON.stringify(resource.schema).includes('x-kubernetes-validations')) {
        errors.push({
          type: 'FieldValueInvalid',
          field: '<nil>',
          message:
            'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
        });
      }
    } else errors.push(...validateRules(resource.schema, object, old));
  } else errors.push(...validateBuiltin(resource, object, old));
  if (old !== undefined && metaOf(old)['deletionTimestamp'] !== undefined) {
    const had = asArray(metaOf(old)['finalizers']);
    const added = asArray(metaOf(object)['finalizers']).filter((each) => !had.includes(each));
    if (added.length > 0) {
      const list = added.map((each) => JSON.stringify(each)).join(', ');
      errors.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      );
    }
  }
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors);
};
