import { describe, expect, test } from '@jest/globals';
import { classifyNetworkError, networkErrorDetail, type NetworkFailure } from './network-error.ts';

const coded = (code: string, message = 'text') => Object.assign(new Error(message), { code });

describe('classifyNetworkError', () => {
  test.each<[string, unknown, NetworkFailure]>([
    ['a refused connection', coded('ECONNREFUSED'), 'unreachable'],
    ['a reset connection', coded('UND_ERR_SOCKET'), 'unreachable'],
    ['a name without address', coded('ENOTFOUND'), 'unreachable'],
    ['several addresses that refuse', new AggregateError([coded('ECONNREFUSED')], ''), 'unreachable'],
    ['a connection that nobody answers', coded('UND_ERR_CONNECT_TIMEOUT'), 'timeout'],
    ['the time limit of a signal', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), 'timeout'],
    ['an abort by the caller', new DOMException('This operation was aborted', 'AbortError'), 'aborted'],
    ['a certificate for another name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    ['an expired certificate', coded('CERT_HAS_EXPIRED'), 'tls'],
    ['an unknown authority', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls'],
    ['a refused client certificate', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'tls'],
    ['plain HTTP where TLS was expected', coded('EPROTO'), 'tls'],
    ['an error inside an error', new Error('outer', { cause: coded('CERT_HAS_EXPIRED') }), 'tls'],
    ['a text', 'boom', 'unreachable'],
  ])('%s', (_, error, kind) => {
    expect(classifyNetworkError(error)).toBe(kind);
  });
});

describe('networkErrorDetail', () => {
  test('names code and text once, on one line', () => {
    expect(networkErrorDetail(coded('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:8008'))).toBe('connect ECONNREFUSED 10.0.0.1:8008');
    expect(networkErrorDetail(coded('UND_ERR_SOCKET', 'other side\nclosed'))).toBe('UND_ERR_SOCKET: other side closed');
    expect(networkErrorDetail(new AggregateError([coded('ECONNREFUSED')], ''))).toBe('ECONNREFUSED');
    expect(networkErrorDetail(undefined)).toBe('no reason given');
  });
});
