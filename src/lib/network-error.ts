/** What went wrong on the way to a peer. `tls` means that the peer was reached and its certificate, or ours, did not verify. */
export type NetworkFailure = 'aborted' | 'timeout' | 'tls' | 'unreachable';

const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
]);
/** Codes of OpenSSL's verification (Node's `tls` documentation, "X509 certificate error codes") and of the TLS library itself. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_)/;

/** The `code` of an error of Node, undici or pg, also when it sits in `cause` or in the first of an AggregateError; empty when there is none. */
export function networkErrorCode(e: unknown): string {
  if (typeof e !== 'object' || e === null) return '';
  const { code, cause, errors } = e as { code?: unknown; cause?: unknown; errors?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  const inner = networkErrorCode(cause);
  return inner !== '' || !Array.isArray(errors) ? inner : networkErrorCode(errors[0]);
}

/** Which kind of failure `e` is, whoever threw it: undici (`UND_ERR_…`), node:net and node:tls, or an abort signal. */
export function classifyNetworkError(e: unknown): NetworkFailure {
  const code = networkErrorCode(e);
  const name = typeof e === 'object' && e !== null ? (e as { name?: unknown }).name : undefined;
  if (name === 'TimeoutError' || TIMEOUT_CODES.has(code)) return 'timeout';
  if (name === 'AbortError' || code === 'UND_ERR_ABORTED' || code === 'ABORT_ERR') return 'aborted';
  return TLS_CODE.test(code) ? 'tls' : 'unreachable';
}

/** Code and text of `e` for a message, at most 300 characters on one line. Never holds a credential: sockets and TLS do not know any. */
export function networkErrorDetail(e: unknown): string {
  const code = networkErrorCode(e);
  const text = e instanceof Error ? e.message : typeof e === 'string' ? e : '';
  const joined = [text.includes(code) ? '' : code, text].filter((part) => part !== '').join(': ');
  return (joined === '' ? code || 'no reason given' : joined).replace(/\s+/g, ' ').slice(0, 300);
}
