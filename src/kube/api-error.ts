import { OperatorError, type ErrorCode, type KubeFieldCause, type KubeRequestFacts } from '../errors.ts';

/** What a failed request says about itself. */
type KubeErrorCode = Extract<
  ErrorCode,
  | 'ERR_KUBE_BAD_REQUEST'
  | 'ERR_KUBE_UNAUTHORIZED'
  | 'ERR_KUBE_FORBIDDEN'
  | 'ERR_KUBE_NOT_FOUND'
  | 'ERR_KUBE_METHOD_NOT_ALLOWED'
  | 'ERR_KUBE_CONFLICT'
  | 'ERR_KUBE_ALREADY_EXISTS'
  | 'ERR_KUBE_GONE'
  | 'ERR_KUBE_INVALID'
  | 'ERR_KUBE_TOO_LARGE'
  | 'ERR_KUBE_THROTTLED'
  | 'ERR_KUBE_EVICTION_BLOCKED'
  | 'ERR_KUBE_SERVER'
  | 'ERR_KUBE_UNAVAILABLE'
  | 'ERR_KUBE_TIMEOUT'
  | 'ERR_KUBE_ABORTED'
  | 'ERR_KUBE_PROTOCOL'
>;

/** A failed request to the API server; `facts` has HTTP status, reason and field causes as far as they are known. */
export type KubeApiError = OperatorError<KubeErrorCode>;

const BY_STATUS: Readonly<Record<number, KubeErrorCode>> = {
  400: 'ERR_KUBE_BAD_REQUEST',
  401: 'ERR_KUBE_UNAUTHORIZED',
  403: 'ERR_KUBE_FORBIDDEN',
  404: 'ERR_KUBE_NOT_FOUND',
  405: 'ERR_KUBE_METHOD_NOT_ALLOWED',
  406: 'ERR_KUBE_METHOD_NOT_ALLOWED',
  408: 'ERR_KUBE_TIMEOUT',
  409: 'ERR_KUBE_CONFLICT',
  410: 'ERR_KUBE_GONE',
  413: 'ERR_KUBE_TOO_LARGE',
  422: 'ERR_KUBE_INVALID',
  429: 'ERR_KUBE_THROTTLED',
  502: 'ERR_KUBE_UNAVAILABLE',
  503: 'ERR_KUBE_UNAVAILABLE',
  504: 'ERR_KUBE_TIMEOUT',
};

/**
 * The error for an HTTP status and the body that came with it: a Status object, or text of a proxy. Also for the Status inside an ERROR event
 * of a watch.
 */
export function kubeApiError(request: { readonly method: string; readonly path: string }, status: number, body: unknown): KubeApiError {
  const facts = { ...request, status, ...describeStatus(body) };
  return new OperatorError(codeOf(status, facts, body), facts);
}

function codeOf(status: number, facts: KubeRequestFacts, body: unknown): KubeErrorCode {
  if (facts.reason === 'AlreadyExists') return 'ERR_KUBE_ALREADY_EXISTS';
  // The eviction subresource answers 429 for a disruption budget; retrying it as throttling would hide why.
  if (status === 429 && hasCause(body, 'DisruptionBudget')) return 'ERR_KUBE_EVICTION_BLOCKED';
  // Server-side apply of a field that the schema does not know is answered with 500 (seen with 1.34.4), but repeating it cannot help.
  if (status === 500 && facts.detail?.includes('failed to create typed patch object') === true) return 'ERR_KUBE_BAD_REQUEST';
  // The watch cache says 504 "Too large resource version" when asked for a version it has not seen yet: transient as well.
  return BY_STATUS[status] ?? (status >= 500 ? 'ERR_KUBE_SERVER' : 'ERR_KUBE_BAD_REQUEST');
}

function describeStatus(body: unknown): Partial<KubeRequestFacts> {
  if (typeof body === 'string') return body === '' ? {} : { detail: body.slice(0, 300) };
  if (typeof body !== 'object' || body === null) return {};
  const { message, reason, details } = body as { readonly message?: unknown; readonly reason?: unknown; readonly details?: unknown };
  const { causes, retryAfterSeconds } = (details ?? {}) as { readonly causes?: unknown; readonly retryAfterSeconds?: unknown };
  const fields = Array.isArray(causes) ? causes.flatMap(fieldCause) : [];
  return {
    ...(typeof message === 'string' ? { detail: message } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(fields.length > 0 ? { causes: fields } : {}),
    ...(typeof retryAfterSeconds === 'number' ? { retryAfterSeconds } : {}),
  };
}

function fieldCause(cause: unknown): KubeFieldCause[] {
  const { field, message, reason } = (cause ?? {}) as { readonly field?: unknown; readonly message?: unknown; readonly reason?: unknown };
  if (typeof field !== 'string') return [];
  return [{ field, message: typeof message === 'string' ? message : '', ...(typeof reason === 'string' ? { reason } : {}) }];
}

function hasCause(body: unknown, reason: string): boolean {
  const causes = (body as { readonly details?: { readonly causes?: unknown } } | null)?.details?.causes;
  return Array.isArray(causes) && causes.some((cause) => (cause as { readonly reason?: unknown } | null)?.reason === reason);
}
