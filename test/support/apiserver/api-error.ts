/** Failures as the API server words them: an HTTP status and a `Status` object. */
import type { Draft, JsonObject, JsonValue } from './json.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Names a kind of object in messages: `statefulsets.apps`, `pods`. */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  /** Becomes `metadata` of the Status; an expired list puts a fresh continue token there. */
  readonly listMeta: JsonObject;

  constructor(code: number, reason: string, message: string, details?: JsonObject, listMeta: JsonObject = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.listMeta = listMeta;
  }

  toStatus(): JsonObject {
    const status: Draft = { kind: 'Status', apiVersion: 'v1', metadata: this.listMeta, status: 'Failure', message: this.message };
    if (this.reason !== '') status['reason'] = this.reason;
    if (this.details !== undefined) status['details'] = this.details;
    status['code'] = this.code;
    return status;
  }
}

const qualified = (named: Named): string => (named.group === '' ? named.plural : `${named.plural}.${named.group}`);
const details = (named: Named, name: string): Draft => ({
  ...(name === '' ? {} : { name }),
  ...(named.group === '' ? {} : { group: named.group }),
  kind: named.plural,
});

export const notFound = (named: Named, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${qualified(named)} "${name}" not found`, details(named, name));

/** What an unknown path or resource answers. */
export const noSuchPath = (): ApiError => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (named: Named, name: string): ApiError =>
  new ApiError(409, 'AlreadyExists', `${qualified(named)} "${name}" already exists`, details(named, name));

export const conflict = (named: Named, name: string, why = MODIFIED): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(named)} "${name}": ${why}`, details(named, name));
const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const forbidden = (named: Named, name: string, why: string, causes?: readonly Cause[]): ApiError =>
  new ApiError(403, 'Forbidden', `${qualified(named)} "${name}" is forbidden: ${why}`, {
    ...details(named, name),
    ...(causes === undefined ? {} : { causes: causes as unknown as JsonValue }),
  });
export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
export const unsupportedMedia = (accepted: string): ApiError =>
  new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted}`);
export const expired = (message: string, listMeta: JsonObject = {}): ApiError => new ApiError(410, 'Expired', message, undefined, listMeta);

/** One finding of validation. `type` is the reason of its cause, e.g. FieldValueInvalid. */
export interface FieldError {
  readonly type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueDuplicate';
  readonly field: string;
  /** The text after `field: `, e.g. `Required value`. */
  readonly message: string;
}

export const invalid = (named: Named, name: string, errors: readonly FieldError[]): ApiError => {
  const texts = [...new Set(errors.map((each) => `${each.field}: ${each.message}`))];
  const text = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const kind = named.group === '' ? named.kind : `${named.kind}.${named.group}`;
  const causes = errors.map((each) => ({ reason: each.type, message: each.message, field: each.field }));
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(named.group === '' ? {} : { group: named.group }),
    kind: named.kind,
    causes,
  });
};

const shown = (value: JsonValue | undefined): string =>
  typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value ?? 'null');

export const required = (field: string, why = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  message: `Required value${why === '' ? '' : `: ${why}`}`,
});
export const invalidValue = (field: string, value: JsonValue | undefined, why: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${shown(value)}: ${why}`,
});
export const typeInvalid = (field: string, value: JsonValue | undefined, why: string): FieldError => ({
  type: 'FieldValueTypeInvalid',
  field,
  message: `Invalid value: ${shown(value)}: ${why}`,
});
export const notSupported = (field: string, value: JsonValue | undefined, allowed: readonly JsonValue[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${allowed.map((each) => shown(each)).join(', ')}`,
});
export const forbiddenField = (field: string, why: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});
