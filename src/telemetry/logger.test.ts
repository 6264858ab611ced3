import { describe, expect, test } from '@jest/globals';
import { OperatorError } from '../errors.ts';
import { Secret } from '../lib/secret.ts';
import { createLogger, type Logger, type LogLevel } from './logger.ts';

function capture(level: LogLevel = 'debug'): { logger: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const logger = createLogger({ level, stream: { write: (line: string) => void written.push(line) } });
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>), text: () => written.join('') };
}

describe('createLogger', () => {
  test('writes a constant message and facts as keys, with those of its parents', () => {
    const { logger, lines } = capture();
    logger
      .child({ component: 'runtime', cluster: 'shop/pg' })
      .child({ reconcileId: 'r1' })
      .info('applied', { kind: 'Service', durationMs: 3 });
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        component: 'runtime',
        cluster: 'shop/pg',
        reconcileId: 'r1',
        kind: 'Service',
        durationMs: 3,
        message: 'applied',
      },
    ]);
  });

  test('writes no key twice when a child or a line says it again', () => {
    const { logger, lines, text } = capture();
    logger.child({ component: 'main' }).child({ component: 'runtime' }).info('starting', { component: 'kube' });
    expect(text().match(/"component"/g)).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ component: 'kube' });
  });

  test('keeps quiet below its level', () => {
    const { logger, lines } = capture('warn');
    logger.info('no');
    logger.debug('no');
    logger.warn('yes');
    expect(lines().map((line) => line['message'])).toEqual(['yes']);
  });

  test('names the code of an error and shows the stack of unexpected ones only', () => {
    const { logger, lines } = capture();
    const cause = new Error('socket hang up');
    logger.warn('failed', { error: new OperatorError('ERR_KUBE_GONE', { method: 'GET', path: '/x' }, { cause }) });
    logger.error('failed', { error: new TypeError('boom') });
    expect(lines()[0]).toMatchObject({ errorCode: 'ERR_KUBE_GONE', cause: 'socket hang up' });
    expect(lines()[0]).not.toHaveProperty('stack');
    expect(lines()[1]).toMatchObject({
      errorCode: 'ERR_RUNTIME_UNEXPECTED',
      error: 'unexpected failure: TypeError: boom',
      stack: expect.stringContaining('TypeError: boom'),
    });
  });

  test.each<[string, unknown]>([
    ['password', 'hunter2'],
    ['PGPASSWORD', 'hunter2'],
    ['restapiPassword', 'hunter2'],
    ['token', 'hunter2'],
    ['Authorization', 'hunter2'],
    ['tls.key', 'hunter2'],
    ['ca.key', 'hunter2'],
    ['data', { user: 'hunter2' }],
    ['stringData', { user: 'hunter2' }],
    ['uri', 'hunter2'],
    ['jdbc-uri', 'hunter2'],
    ['pgpass', 'hunter2'],
    ['clientSecret', ['hunter2']],
    ['anything', new Secret('hunter2')],
    ['url', 'postgresql://app:hunter2@host:5432/db'],
    ['header', 'Basic aHVudGVyMjpodW50ZXIy hunter'],
    ['text', '-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----'],
    ['cut', '-----BEGIN PRIVATE KEY-----\nhunter2'],
  ])('redacts %s wherever it stands', (key, value) => {
    const { logger, text } = capture();
    logger.info('top', { [key]: value });
    logger.info('nested', { a: [{ b: { [key]: value } }] });
    logger.child({ [key]: value }).info('bound');
    logger.info(typeof value === 'string' ? `in the message: ${key === 'url' || key === 'text' ? value : ''}` : 'x');
    logger.info('thrown', { error: new Error(key === 'url' || key === 'text' ? (value as string) : 'x') });
    expect(text()).not.toMatch(/hunter2|aHVudGVy/);
    expect(text()).toContain('[redacted]');
  });

  test('keeps what only sounds like a secret', () => {
    const { logger, lines } = capture();
    logger.info('facts', { key: 'shop/pg', secretName: 'pg-ca', hasPassword: true, tokenSeconds: 5, keys: 3 });
    expect(lines()[0]).toMatchObject({ key: 'shop/pg', secretName: 'pg-ca', hasPassword: true, tokenSeconds: 5, keys: 3 });
  });

  test('survives facts that point at themselves', () => {
    const { logger, lines } = capture();
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    logger.info('loop', { loop, big: 5n });
    expect(lines()[0]).toMatchObject({ big: '5' });
  });
});
