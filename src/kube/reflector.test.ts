import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ScriptedRest } from '../../test/support/scripted-rest.ts';
import { OperatorError, type ErrorCode } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import { KINDS, type KubeObject } from './types.ts';

let clock: FakeClock;
let server: ScriptedRest;
let informer: Informer<KubeObject>;
let changes: string[];
let logged: Record<string, unknown>[];

const metrics = createMetrics({ processMetrics: false });

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedRest();
  changes = [];
  logged = [];
  metrics.registry.resetMetrics();
});

afterEach(async () => {
  await informer.stop();
  server.expectDone();
  expect(clock.pendingMs()).toEqual([]);
});

function pod(name: string, resourceVersion: string, more: Record<string, unknown> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion, ...more } };
}

const fail = (code: ErrorCode, status?: number): OperatorError =>
  new OperatorError(code as 'ERR_KUBE_SERVER', { method: 'GET', path: '/api/v1/pods', ...(status === undefined ? {} : { status }) });

async function start(options: Partial<InformerOptions<KubeObject>> = {}): Promise<void> {
  const stream = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  informer = createInformer({
    kind: KINDS.Pod,
    namespaces: 'all',
    rest: server.rest,
    logger: createLogger({ level: 'warn', stream }),
    clock,
    random: () => 0.5,
    metrics,
    ...options,
  });
  informer.onEvent(({ type, object }) => changes.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion ?? ''}`));
  informer.start();
  await clock.settle();
}

/** Names and versions in the cache. */
const contents = (): string[] => informer.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ''}`);

/** Scripts a streaming list of `pods` that ends at version `at`. */
function streams(pods: readonly KubeObject[], at: string): void {
  server.onWatch((feed) => {
    for (const each of pods) feed.send('ADDED', each);
    feed.bookmark(at, true);
  });
}

/** Scripts a server without streaming lists. */
function refusesStreaming(code: 'ERR_KUBE_INVALID' | 'ERR_KUBE_BAD_REQUEST' = 'ERR_KUBE_INVALID'): void {
  server.onWatchFail(fail(code));
}

describe('streaming list', () => {
  test('fills the cache at its end and goes on with the same watch', async () => {
    streams([pod('a', '1'), pod('b', '2')], '10');
    await start({ labelSelector: 'x=y' });
    expect(informer.hasSynced()).toBe(true);
    expect(contents()).toEqual(['a@1', 'b@2']);
    server.watch().send('MODIFIED', pod('a', '11'));
    server.watch().send('DELETED', pod('b', '12'));
    server.watch().send('ADDED', pod('c', '13'));
    await clock.settle();
    expect(contents()).toEqual(['a@11', 'c@13']);
    expect(changes).toEqual(['added a@1', 'added b@2', 'updated a@11', 'deleted b@2', 'added c@13']);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.options).toMatchObject({ sendInitialEvents: true, labelSelector: 'x=y', timeoutSeconds: 450 });
    expect(server.requests[0]?.options.resourceVersion).toBeUndefined();
  });

  test('has synced only at its end, and what changes meanwhile is taken into account', async () => {
    server.onWatch();
    await start();
    server.watch().send('ADDED', pod('a', '1'));
    server.watch().send('ADDED', pod('b', '2'));
    server.watch().send('MODIFIED', pod('a', '3'));
    server.watch().send('DELETED', pod('b', '4'));
    await clock.settle();
    expect(informer.hasSynced()).toBe(false);
    server.watch().bookmark('4', true);
    await clock.settle();
    expect(informer.hasSynced()).toBe(true);
    expect(contents()).toEqual(['a@3']);
  });

  test('that breaks off in the middle removes nothing', async () => {
    streams([pod('a', '1'), pod('b', '2')], '10');
    await start();
    server.watch().fail(fail('ERR_KUBE_GONE', 410));
    server.onWatch((feed) => {
      feed.send('ADDED', pod('b', '11'));
      feed.fail(fail('ERR_KUBE_UNAVAILABLE'));
    });
    server.onWatch();
    await clock.advance(1500);
    expect(contents()).toEqual(['a@1', 'b@11']);
    server.watch().send('ADDED', pod('b', '11'));
    server.watch().bookmark('20', true);
    await clock.settle();
    expect(contents()).toEqual(['b@11']);
  });

  test('may start slowly, as long as something comes', async () => {
    server.onWatch();
    await start();
    for (let i = 0; i < 10; i++) {
      await clock.advance(50_000);
      server.watch().send('ADDED', pod(`p${i}`, String(i)));
      await clock.settle();
      // The server's own end of the watch comes after 450 s.
      if (i === 7) break;
    }
    server.watch().bookmark('9', true);
    await clock.settle();
    expect(informer.size()).toBe(8);
    expect(server.requests).toHaveLength(1);
  });

  test.each(['ERR_KUBE_INVALID', 'ERR_KUBE_BAD_REQUEST'] as const)(
    'gives way to pages at once when the server refuses it (%s), for good',
    async (code) => {
      refusesStreaming(code);
      server.onList(() => ({ items: [pod('a', '1')], resourceVersion: '5' }));
      server.onWatch();
      await start();
      expect(contents()).toEqual(['a@1']);
      expect(server.requests[2]?.options).toMatchObject({ resourceVersion: '5' });
      server.onList(() => ({ items: [pod('a', '1')], resourceVersion: '7' })).onWatch();
      server.watch().fail(fail('ERR_KUBE_GONE', 410));
      await clock.advance(1000);
      expect(server.requests.map((each) => each.verb)).toEqual(['watch', 'list', 'watch', 'list', 'watch']);
      expect(logged).toEqual([]);
    },
  );

  test('gives way to pages when it twice does not come to its end', async () => {
    server.onWatch((feed) => {
      feed.send('ADDED', pod('a', '1'));
      feed.end();
    });
    server.onWatch();
    server.onList(() => ({ items: [pod('b', '2')], resourceVersion: '5' })).onWatch();
    await start();
    await clock.advance(500);
    // An old server that takes the watch but knows no initial events: it stays silent.
    await clock.advance(61_000);
    expect(contents()).toEqual(['b@2']);
    expect(changes).toEqual(['added a@1', 'added b@2', 'deleted a@1']);
  });
});

describe('paged list', () => {
  test('follows the continue token and keeps the version of the last page', async () => {
    refusesStreaming();
    server.onList(() => ({ items: [pod('a', '1')], resourceVersion: '5', continue: 'next' }));
    server.onList(() => ({ items: [pod('b', '2')], resourceVersion: '5' })).onWatch();
    await start();
    expect(contents()).toEqual(['a@1', 'b@2']);
    expect(server.requests.slice(1, 3).map((each) => [each.options.limit, each.options.continue])).toEqual([
      [500, undefined],
      [500, 'next'],
    ]);
  });

  test('starts over when a token has expired, and at last asks for all at once', async () => {
    refusesStreaming();
    for (let i = 0; i < 2; i++) {
      server.onList(() => ({ items: [pod('gone', '1')], resourceVersion: '5', continue: 'next' }));
      server.onList(() => Promise.reject(fail('ERR_KUBE_GONE', 410)));
    }
    server.onList(() => ({ items: [pod('a', '7')], resourceVersion: '8' })).onWatch();
    await start();
    expect(contents()).toEqual(['a@7']);
    expect(server.requests.filter((each) => each.verb === 'list').map((each) => each.options.limit)).toEqual([
      500,
      500,
      500,
      500,
      undefined,
    ]);
  });

  test('is tried again when the first one is throttled', async () => {
    refusesStreaming();
    server.onList(() => Promise.reject(fail('ERR_KUBE_THROTTLED', 429)));
    server.onList(() => ({ items: [pod('a', '1')], resourceVersion: '5' })).onWatch();
    await start();
    expect(informer.hasSynced()).toBe(false);
    await clock.advance(1000);
    expect(contents()).toEqual(['a@1']);
  });
});

describe('watch', () => {
  test('resumes where it was after a clean end, without a pause and without a list', async () => {
    streams([pod('a', '1')], '10');
    await start();
    server.watch().send('MODIFIED', pod('a', '11'));
    server.watch().bookmark('20');
    await clock.advance(2000);
    server.onWatch();
    server.watch().end();
    await clock.settle();
    expect(server.requests[1]?.options).toMatchObject({ resourceVersion: '20' });
    expect(server.requests[1]?.options.sendInitialEvents).toBeUndefined();
    expect(contents()).toEqual(['a@11']);
  });

  test.each<[string, ErrorCode, number | undefined]>([
    ['a connection reset in mid-stream', 'ERR_KUBE_UNAVAILABLE', undefined],
    ['a stream cut inside an event', 'ERR_KUBE_PROTOCOL', undefined],
    ['HTTP 500', 'ERR_KUBE_SERVER', 500],
    ['HTTP 429', 'ERR_KUBE_THROTTLED', 429],
    ['HTTP 403', 'ERR_KUBE_FORBIDDEN', 403],
    ['HTTP 401', 'ERR_KUBE_UNAUTHORIZED', 401],
    ['HTTP 504', 'ERR_KUBE_TIMEOUT', 504],
  ])('survives %s and resumes from the same version', async (_, code, status) => {
    streams([pod('a', '1')], '10');
    await start();
    server.watch().send('ADDED', pod('b', '11'));
    server.watch().fail(fail(code, status));
    await clock.settle();
    expect(server.requests).toHaveLength(1);
    server.onWatchFail(fail(code, status)).onWatch((feed) => feed.send('DELETED', pod('a', '12')));
    await clock.advance(2000);
    expect(server.requests.slice(1).map((each) => each.options.resourceVersion)).toEqual(['11', '11']);
    expect(contents()).toEqual(['b@11']);
    expect(informer.hasSynced()).toBe(true);
  });

  test('lists again after 410 and tells only differences', async () => {
    streams([pod('a', '1'), pod('b', '2'), pod('c', '3')], '10');
    await start();
    changes.length = 0;
    server.watch().fail(fail('ERR_KUBE_GONE', 410));
    await clock.settle();
    streams([pod('a', '1'), pod('b', '22'), pod('d', '23')], '30');
    await clock.advance(1000);
    expect(server.requests[1]?.options).toMatchObject({ sendInitialEvents: true });
    expect(changes).toEqual(['updated b@22', 'added d@23', 'deleted c@3']);
  });

  test('keeps the old contents readable while it lists again', async () => {
    streams([pod('a', '1')], '10');
    await start();
    server.watch().fail(fail('ERR_KUBE_GONE', 410));
    server.onWatch();
    await clock.advance(1000);
    expect(contents()).toEqual(['a@1']);
    expect(informer.hasSynced()).toBe(true);
  });

  test('backs off with jitter while the API server is down, and warns once it lasts', async () => {
    streams([], '10');
    await start();
    const at: number[] = [];
    for (let i = 0; i < 8; i++) {
      server.onWatch((feed) => {
        at.push(clock.monotonicMs());
        feed.fail(fail('ERR_KUBE_UNAVAILABLE'));
      });
    }
    server.onWatch();
    const startMs = clock.monotonicMs();
    server.watch().fail(fail('ERR_KUBE_UNAVAILABLE'));
    await clock.advance(100_000);
    const gaps = at.map((ms, i) => ms - (at[i - 1] ?? startMs));
    // A quarter off each of 500, 1000, ... 30000 ms: random gives 0.5, half of the delay is random.
    expect(gaps).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
    expect(server.requests.slice(1).map((each) => each.options.resourceVersion)).toEqual(Array(9).fill('10'));
    expect(logged[0]).toMatchObject({ level: 'warn', errorCode: 'ERR_KUBE_UNAVAILABLE', kind: 'Pod', failures: 3 });
  });

  test('gives a version up that the server refuses again and again, as after a restore of etcd', async () => {
    streams([pod('a', '1000')], '1000');
    await start();
    for (let i = 0; i < 4; i++) server.onWatchFail(fail('ERR_KUBE_TIMEOUT', 504));
    server.watch().fail(fail('ERR_KUBE_TIMEOUT', 504));
    streams([pod('a', '7')], '8');
    await clock.advance(60_000);
    expect(contents()).toEqual(['a@7']);
  });

  test('does not spin when the server ends every watch at once', async () => {
    streams([], '10');
    await start();
    server
      .onWatch((feed) => feed.end())
      .onWatch((feed) => feed.end())
      .onWatch();
    server.watch().fail(fail('ERR_KUBE_UNAVAILABLE'));
    await clock.advance(2000);
    expect(server.requests).toHaveLength(3);
    await clock.advance(1000);
    expect(server.requests).toHaveLength(4);
  });

  test('stays open on bookmarks alone', async () => {
    streams([], '10');
    await start();
    for (let i = 0; i < 7; i++) {
      await clock.advance(60_000);
      server.watch().bookmark(String(20 + i));
      await clock.settle();
    }
    expect(server.requests).toHaveLength(1);
    server.onWatch();
    server.watch().end();
    await clock.settle();
    expect(server.requests[1]?.options.resourceVersion).toBe('26');
  });

  test('is opened again when bookmarks stop coming', async () => {
    streams([], '10');
    await start();
    server.watch().bookmark('11');
    server.onWatch();
    await clock.advance(149_000);
    expect(server.requests).toHaveLength(1);
    const { signal } = server.watch().options;
    await clock.advance(2000);
    expect(server.requests).toHaveLength(2);
    expect(signal?.aborted).toBe(true);
    expect(server.requests[1]?.options.resourceVersion).toBe('11');
    expect(await metrics.registry.metrics()).toContain('reflector_errors_total{kind="Pod",code="ERR_KUBE_WATCH_SILENT"} 1');
  });

  test('may be silent where no bookmarks are sent, until it should have ended by itself', async () => {
    streams([], '10');
    await start();
    server.onWatch();
    await clock.advance(479_000);
    expect(server.requests).toHaveLength(1);
    await clock.advance(2000);
    expect(server.requests).toHaveLength(2);
  });
});

describe('informer', () => {
  test('a handler that throws or rejects disturbs neither the others nor the watch', async () => {
    streams([pod('a', '1')], '10');
    await start();
    informer.onEvent(() => {
      throw new Error('boom');
    });
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the mistake is the point
    informer.onEvent(() => Promise.reject(new Error('later')));
    const seen: string[] = [];
    informer.onEvent(({ object }) => seen.push(object.metadata.name));
    server.watch().send('ADDED', pod('b', '11'));
    await clock.settle();
    expect(seen).toEqual(['a', 'b']);
    expect(contents()).toEqual(['a@1', 'b@11']);
    expect(logged.map((line) => line['message'])).toEqual(Array(4).fill('event handler failed'));
  });

  test('an object made anew under the same name is seen as deleted and added', async () => {
    streams([pod('a', '1')], '10');
    await start();
    server.watch().send('MODIFIED', pod('a', '11', { uid: 'another' }));
    await clock.settle();
    expect(changes).toEqual(['added a@1', 'deleted a@1', 'added a@11']);
  });

  test('several namespaces share a cache, each with its own watch', async () => {
    streams([pod('a', '1')], '10');
    streams([{ ...pod('z', '2'), metadata: { ...pod('z', '2').metadata, namespace: 'other' } }], '11');
    await start({ namespaces: ['shop', 'other'] });
    expect(server.requests.map((each) => each.options.namespace)).toEqual(['shop', 'other']);
    expect(informer.list('other').map((each) => each.metadata.name)).toEqual(['z']);
    // `other` lists again and finds nothing: objects of `shop` stay.
    server.onWatch((feed) => feed.bookmark('20', true));
    server.watch().fail(fail('ERR_KUBE_GONE', 410));
    await clock.advance(1000);
    expect(contents()).toEqual(['a@1']);
    expect(informer.hasSynced()).toBe(true);
  });

  test('waits for the first list, or until told to stop', async () => {
    server.onWatch();
    await start();
    const abort = new AbortController();
    const results: boolean[] = [];
    void informer.waitForSync(abort.signal).then((synced) => results.push(synced));
    await clock.advance(1000);
    expect(results).toEqual([]);
    server.watch().bookmark('1', true);
    await clock.advance(100);
    abort.abort();
    expect(results).toEqual([true]);
  });

  test('drops managedFields before anything is kept', async () => {
    streams(
      [
        pod('a', '1', {
          managedFields: [{ manager: 'x' }],
          annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', keep: 'me' },
        }),
      ],
      '10',
    );
    await start();
    expect(informer.get('shop', 'a')?.metadata).toEqual({
      namespace: 'shop',
      name: 'a',
      uid: 'uid-a',
      resourceVersion: '1',
      annotations: { keep: 'me' },
    });
  });

  test('counts lists, watches, events and objects per kind', async () => {
    streams([pod('a', '1')], '10');
    await start();
    const text = await metrics.registry.metrics();
    expect(text).toContain('reflector_lists_total{kind="Pod",how="stream"} 1');
    expect(text).toContain('reflector_watches_total{kind="Pod"} 1');
    expect(text).toContain('reflector_events_total{kind="Pod",type="ADDED"} 1');
    expect(text).toContain('cache_objects{kind="Pod"} 1');
  });
});
