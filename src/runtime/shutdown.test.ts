import { expect, test } from '@jest/globals';
import { FakeClock } from '../lib/fake-clock.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createShutdown, type ShutdownStep, type SignalSource } from './shutdown.ts';

function setUp(steps: ShutdownStep[], deadlineMs = 25_000) {
  const clock = new FakeClock();
  const exits: number[] = [];
  const listeners = new Map<string, () => void>();
  const source: SignalSource = { on: (signal, listener) => listeners.set(signal, listener) };
  const shutdown = createShutdown({ steps, deadlineMs, logger: silentLogger, clock, exit: (code) => exits.push(code) });
  shutdown.listen(source);
  return { clock, exits, shutdown, send: (signal: 'SIGTERM' | 'SIGINT') => listeners.get(signal)!() };
}

test('SIGTERM runs the steps in order, then exits with 0', async () => {
  const seen: string[] = [];
  const { clock, exits, shutdown, send } = setUp([
    { name: 'queue', run: () => void seen.push('queue') },
    { name: 'workers', run: () => Promise.resolve(void seen.push('workers')) },
    { name: 'lease', run: () => void seen.push('lease') },
  ]);
  send('SIGTERM');
  expect(shutdown.signal.aborted).toBe(true);
  await clock.settle();
  expect(seen).toEqual(['queue', 'workers', 'lease']);
  expect(exits).toEqual([0]);
  expect(clock.pendingMs()).toEqual([]);
});

test('a step that throws or hangs does not keep the lease from being released', async () => {
  const seen: string[] = [];
  const { clock, exits, send } = setUp([
    {
      name: 'throws',
      run: () => {
        throw new Error('x');
      },
    },
    { name: 'hangs', run: () => new Promise(() => undefined), timeoutMs: 3000 },
    { name: 'lease', run: () => void seen.push('lease') },
  ]);
  send('SIGINT');
  await clock.advance(2999);
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(['lease']);
  expect(exits).toEqual([0]);
});

test('all steps together end by the deadline', async () => {
  const hangs = (name: string): ShutdownStep => ({ name, run: () => new Promise(() => undefined), timeoutMs: 8000 });
  const { clock, exits, shutdown } = setUp([hangs('a'), hangs('b'), hangs('c')], 10_000);
  void shutdown.begin('leadership lost', 1);
  await clock.advance(10_000);
  expect(exits).toEqual([1]);
});

test('a second signal exits at once', async () => {
  const { clock, exits, send } = setUp([{ name: 'hangs', run: () => new Promise(() => undefined) }]);
  send('SIGTERM');
  await clock.settle();
  send('SIGTERM');
  expect(exits).toEqual([1]);
});

test('beginning twice stops things once', async () => {
  let runs = 0;
  const { clock, exits, shutdown } = setUp([
    {
      name: 'a',
      run: () => {
        runs++;
      },
    },
  ]);
  void shutdown.begin('one', 3);
  void shutdown.begin('two', 4);
  await clock.settle();
  expect([runs, exits]).toEqual([1, [3]]);
});
