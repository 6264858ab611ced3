import { describe, expect, test } from '@jest/globals';
import { ERRORS, errorCode, isOperatorError, OperatorError, toOperatorError } from './errors.ts';

describe('the table of errors', () => {
  test.each(Object.entries(ERRORS))('%s has a name of its room, a cause and a remedy that are sentences', (code, row) => {
    expect(code).toMatch(/^ERR_[A-Z0-9]+_[A-Z0-9_]+$/);
    expect(['transient', 'terminal']).toContain(row.retry);
    expect(row.cause).toMatch(/^[A-Z0-9].{15,}[.?)]$/s);
    expect(row.remedy).toMatch(/^.{5,}[.?)]$/s);
  });
});

describe('OperatorError', () => {
  test('takes message and retry class from its row and keeps facts and cause', () => {
    const cause = new Error('socket hang up');
    const e = new OperatorError(
      'ERR_KUBE_INVALID',
      { method: 'PATCH', path: '/x', causes: [{ field: 'spec.a', message: 'Required value' }] },
      { cause },
    );
    expect(e.message).toBe('PATCH /x was rejected as invalid: spec.a: Required value');
    expect(e.retry).toBe('terminal');
    expect(e.cause).toBe(cause);
    expect(e.facts.path).toBe('/x');
  });

  test('is recognised by its code', () => {
    const e: unknown = new OperatorError('ERR_KUBE_GONE', { method: 'GET', path: '/x' });
    expect(isOperatorError(e)).toBe(true);
    expect(isOperatorError(e, 'ERR_KUBE_GONE')).toBe(true);
    expect(isOperatorError(e, 'ERR_KUBE_CONFLICT')).toBe(false);
    expect(isOperatorError(new Error('x'))).toBe(false);
  });

  test('wraps whatever else is thrown, once', () => {
    const wrapped = toOperatorError(new TypeError('x is not a function'));
    expect(wrapped.code).toBe('ERR_RUNTIME_UNEXPECTED');
    expect(wrapped.message).toBe('unexpected failure: TypeError: x is not a function');
    expect(toOperatorError(wrapped)).toBe(wrapped);
    expect(errorCode('text')).toBe('ERR_RUNTIME_UNEXPECTED');
    expect(toOperatorError('text').message).toBe('unexpected failure: text');
  });
});
