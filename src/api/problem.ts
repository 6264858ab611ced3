import { ERRORS, type ErrorCode } from '../errors.ts';

/** Codes of what can be wrong with a manifest. */
export type SpecErrorCode = Extract<ErrorCode, `ERR_SPEC_${string}`>;

/** One finding of the validator: the code (see `errors.ts`), the path of the field, such as `spec.etcd.replicas`, and what is wrong and what to do about it. */
export interface Problem {
  readonly code: SpecErrorCode;
  readonly path: string;
  readonly message: string;
}

export function problem(code: SpecErrorCode, path: string, message: string): Problem {
  return { code, path, message };
}

/** `spec.etcd.replicas: must be odd …`, for events, conditions and terminals. */
export function problemText(found: Pick<Problem, 'code' | 'path' | 'message'>): string {
  return found.path === '' ? found.message : ERRORS[found.code].message({ path: found.path, detail: found.message });
}
