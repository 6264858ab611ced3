import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createHealthServer, type Check, type HealthServer } from './health.ts';

let server: HealthServer | undefined;

afterEach(async () => {
  await server?.stop();
});

async function start(checks: {
  live?: Record<string, Check>;
  ready?: Record<string, Check>;
}): Promise<(path: string, method?: string) => Promise<{ status: number; text: string; type: string }>> {
  const { registry } = createMetrics({ processMetrics: false });
  server = createHealthServer({ host: '127.0.0.1', port: 0, live: {}, ready: {}, ...checks, registry, logger: silentLogger });
  const port = await server.start();
  return async (path, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') ?? '' };
  };
}

test('liveness and readiness answer apart, naming what is not well', async () => {
  let synced: boolean | string = 'caches are not filled yet';
  const get = await start({ live: { ping: () => true }, ready: { caches: () => synced, other: () => Promise.resolve(true) } });
  expect(await get('/livez')).toMatchObject({ status: 200, text: '[+] ping\nok\n' });
  expect(await get('/healthz?verbose')).toMatchObject({ status: 200 });
  expect(await get('/readyz')).toMatchObject({ status: 503, text: '[-] caches: caches are not filled yet\n[+] other\nnot ok\n' });
  synced = true;
  expect(await get('/readyz')).toMatchObject({ status: 200 });
});

test('a check that throws fails, without telling why to whoever asks', async () => {
  const get = await start({
    ready: {
      broken: () => {
        throw new Error('password hunter2');
      },
    },
  });
  const { status, text } = await get('/readyz');
  expect([status, text.includes('hunter2')]).toEqual([503, false]);
});

test('metrics are in the Prometheus text format', async () => {
  const get = await start({});
  const { status, text, type } = await get('/metrics');
  expect(status).toBe(200);
  expect(type).toContain('text/plain');
  expect(text).toContain('# TYPE workqueue_depth gauge');
});

test('everything else is refused', async () => {
  const get = await start({});
  expect((await get('/debug')).status).toBe(404);
  expect((await get('/metrics', 'POST')).status).toBe(405);
  expect(await get('/livez', 'HEAD')).toMatchObject({ status: 200, text: '' });
});

test('a port that is taken is an error at start', async () => {
  const options = {
    host: '127.0.0.1',
    port: 0,
    live: {},
    ready: {},
    registry: createMetrics({ processMetrics: false }).registry,
    logger: silentLogger,
  };
  server = createHealthServer(options);
  const port = await server.start();
  await expect(createHealthServer({ ...options, port }).start()).rejects.toThrow('EADDRINUSE');
});
