import { describe, expect, test } from '@jest/globals';
import { OperatorError } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { createLogger, silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createController, type Controller, type Outcome, type PassContext } from './controller.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

type Reconcile = (key: string, context: PassContext) => Promise<Outcome>;

function setUp(reconcile: Reconcile, options: { workers?: number; timeoutMs?: number } = {}) {
  const clock = new FakeClock();
  const metrics = createMetrics({ processMetrics: false });
  const queue: WorkQueue = createWorkQueue({ name: 'c', clock, random: () => 0, backoff: { baseMs: 100, capMs: 1000, jitter: 0 } });
  const controller: Controller = createController({
    name: 'c',
    queue,
    workers: options.workers ?? 1,
    reconcile,
    logger: silentLogger,
    clock,
    metrics,
    timeoutMs: options.timeoutMs ?? 60_000,
  });
  controller.start();
  return { clock, metrics, queue, controller };
}

const settled: Outcome = { kind: 'settled' };
const kubeFacts = { method: 'PATCH', path: '/x' };

describe('controller', () => {
  test('runs one pass per key and is quiet once settled', async () => {
    const passes: string[] = [];
    const { clock, queue, metrics } = setUp((key) => {
      passes.push(key);
      return Promise.resolve(settled);
    });
    queue.add('a');
    queue.add('b');
    await clock.advance(3_600_000);
    expect(passes).toEqual(['a', 'b']);
    expect(await metrics.registry.metrics()).toContain('controller_runtime_reconcile_total{controller="c",result="success"} 2');
  });

  test('begins each pass in a turn of the event loop of its own, however many keys are due', async () => {
    let passes = 0;
    const pass = (): Promise<Outcome> => {
      passes += 1;
      return Promise.resolve(settled);
    };
    const { queue } = setUp(pass, { workers: 4 });
    for (let i = 0; i < 50; i++) queue.add(`key ${i}`);
    let most = 0;
    for (let before = 0; passes < 50; before = passes) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, passes - before);
    }
    expect(most).toBe(1);
  });

  test('comes back after the time a recheck asks for', async () => {
    const at: number[] = [];
    const { clock, queue } = setUp(() => {
      at.push(clock.monotonicMs());
      return Promise.resolve(at.length < 3 ? { kind: 'recheck', afterMs: 5000, reason: 'ReplicasCatchingUp' } : settled);
    });
    const startMs = clock.monotonicMs();
    queue.add('a');
    await clock.advance(60_000);
    expect(at.map((ms) => ms - startMs)).toEqual([0, 5000, 10_000]);
  });

  test('backs off on failure and begins anew after a success', async () => {
    let failing = true;
    const at: number[] = [];
    const { clock, queue } = setUp(() => {
      at.push(clock.monotonicMs());
      return failing ? Promise.reject(new OperatorError('ERR_KUBE_UNAVAILABLE', kubeFacts)) : Promise.resolve(settled);
    });
    const startMs = clock.monotonicMs();
    queue.add('a');
    await clock.advance(750);
    expect(at.map((ms) => ms - startMs)).toEqual([0, 100, 300, 700]);
    failing = false;
    await clock.advance(10_000);
    expect(queue.failures('a')).toBe(0);
  });

  test('waits for a change after a terminal error', async () => {
    let passes = 0;
    const { clock, queue, metrics } = setUp(() => {
      passes++;
      return Promise.reject(new OperatorError('ERR_KUBE_INVALID', kubeFacts));
    });
    queue.add('a');
    await clock.advance(3_600_000);
    expect(passes).toBe(1);
    queue.add('a');
    await clock.advance(0);
    expect(passes).toBe(2);
    expect(await metrics.registry.metrics()).toContain('result="terminal"} 2');
  });

  test('survives a pass that throws anything, synchronously or not, and goes on with other keys', async () => {
    const passes: string[] = [];
    const { clock, queue, metrics } = setUp((key) => {
      passes.push(key);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a defect may throw is the point
      if (key === 'bad') throw 'text';
      return Promise.resolve(settled);
    });
    queue.add('bad');
    queue.add('good');
    await clock.advance(150);
    expect(passes).toEqual(['bad', 'good', 'bad']);
    expect(await metrics.registry.metrics()).toContain('controller_runtime_reconcile_panics_total{controller="c"} 2');
  });

  test('works on different keys at a time but never twice on one', async () => {
    const open = new Map<string, () => void>();
    const { clock, queue } = setUp(
      (key) =>
        new Promise((resolve) => {
          expect(open.has(key)).toBe(false);
          open.set(key, () => {
            open.delete(key);
            resolve(settled);
          });
        }),
      { workers: 2 },
    );
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await clock.settle();
    queue.add('a');
    await clock.settle();
    expect([...open.keys()]).toEqual(['a', 'b']);
    open.get('a')!();
    await clock.settle();
    expect([...open.keys()]).toEqual(['b', 'c']);
    open.get('b')!();
    await clock.settle();
    expect([...open.keys()]).toEqual(['c', 'a']);
  });

  test('aborts a pass that takes too long, and tries again', async () => {
    const errors: unknown[] = [];
    const { clock, queue, metrics } = setUp(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            errors.push('aborted');
            reject(new Error('gave up'));
          });
        }),
      { timeoutMs: 1000 },
    );
    queue.add('a');
    await clock.advance(1000);
    expect(errors).toEqual(['aborted']);
    expect(queue.failures('a')).toBe(1);
    expect(await metrics.registry.metrics()).toContain('controller_runtime_reconcile_panics_total{controller="c"} 0');
    await clock.advance(1100);
    expect(errors).toHaveLength(2);
  });

  test('lets a pass under way finish when stopped, and begins no other', async () => {
    let finish: () => void = () => undefined;
    const passes: string[] = [];
    const { clock, queue, controller } = setUp((key) => {
      passes.push(key);
      return new Promise((resolve) => {
        finish = () => resolve(settled);
      });
    });
    queue.add('a');
    queue.add('b');
    await clock.settle();
    let stopped = false;
    void controller.stop(10_000).then(() => (stopped = true));
    await clock.advance(9000);
    expect(stopped).toBe(false);
    finish();
    await clock.settle();
    expect(stopped).toBe(true);
    expect(passes).toEqual(['a']);
  });

  test('aborts what is still running when the drain is over', async () => {
    const { clock, queue, controller } = setUp(
      (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    queue.add('a');
    await clock.settle();
    let stopped = false;
    void controller.stop(500).then(() => (stopped = true));
    await clock.advance(500);
    expect(stopped).toBe(true);
  });

  test('writes the reconcileId and the code of the error, and nothing at info for a quiet pass', async () => {
    const lines: string[] = [];
    const clock = new FakeClock();
    const queue = createWorkQueue({ name: 'c', clock, random: Math.random });
    const ids: string[] = [];
    const controller = createController({
      name: 'c',
      queue,
      workers: 1,
      clock,
      logger: createLogger({ level: 'info', stream: { write: (line) => void lines.push(line) } }),
      reconcile: (key, { reconcileId, logger }) => {
        ids.push(reconcileId);
        logger.debug('nothing to do');
        return key === 'bad' ? Promise.reject(new OperatorError('ERR_KUBE_FORBIDDEN', kubeFacts)) : Promise.resolve(settled);
      },
    });
    controller.start();
    queue.add('good');
    queue.add('bad');
    await clock.settle();
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'warn',
      controller: 'c',
      key: 'bad',
      reconcileId: ids[1],
      errorCode: 'ERR_KUBE_FORBIDDEN',
    });
  });
});
