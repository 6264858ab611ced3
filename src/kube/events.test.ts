import { describe, expect, test } from '@jest/globals';
import { startApiServer } from '../../test/support/apiserver/server.ts';
import { kubeClient } from '../../test/support/kube-client.ts';
import { OperatorError } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createEventRecorder, type EventFacts, type EventRecorder, type EventRecorderOptions } from './events.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject, ObjectRef, ResourceKind } from './types.ts';

type Written = KubeObject & Record<string, unknown>;

function setUp(fault?: () => Error | undefined): {
  clock: FakeClock;
  recorder: EventRecorder;
  created: Written[];
  patched: [string, unknown][];
} {
  const clock = new FakeClock(Date.UTC(2026, 10, 23, 5, 0, 0, 123));
  const created: Written[] = [];
  const patched: [string, unknown][] = [];
  const answer = async (): Promise<void> => {
    await Promise.resolve();
    const error = fault?.();
    if (error !== undefined) throw error;
  };
  const rest = {
    create: async (_: ResourceKind, object: Written) => {
      await answer();
      created.push(object);
      return object;
    },
    patch: async (_: ResourceKind, ref: ObjectRef, { body }: { body: unknown }) => {
      await answer();
      patched.push([ref.name, body]);
      return {};
    },
  } as unknown as EventRecorderOptions['rest'];
  const recorder = createEventRecorder({
    rest,
    controller: 'patroni-operator.dev/operator',
    instance: 'operator-1',
    logger: silentLogger,
    clock,
  });
  return { clock, recorder, created, patched };
}

const facts = (more: Partial<EventFacts> = {}): EventFacts => ({
  regarding: { apiVersion: 'patroni-operator.dev/v1alpha1', kind: 'PatroniCluster', namespace: 'shop', name: 'pg', uid: 'u1' },
  type: 'Normal',
  reason: 'SwitchoverDone',
  action: 'Switchover',
  message: 'pg-postgres-1 leads',
  ...more,
});

describe('event recorder', () => {
  test('writes an event with six digits of fraction, without making the caller wait', async () => {
    const { clock, recorder, created } = setUp();
    recorder.record(facts());
    expect(created).toEqual([]);
    await clock.advance(200);
    expect(created).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: 'shop', name: expect.stringMatching(/^pg\.[0-9a-f]{16}$/) },
        eventTime: '2026-11-23T05:00:00.123000Z',
        reportingController: 'patroni-operator.dev/operator',
        reportingInstance: 'operator-1',
        regarding: facts().regarding,
        type: 'Normal',
        reason: 'SwitchoverDone',
        action: 'Switchover',
        note: 'pg-postgres-1 leads',
      },
    ]);
  });

  test('counts equal events on one object', async () => {
    const { clock, recorder, created, patched } = setUp();
    for (let i = 0; i < 3; i++) recorder.record(facts());
    await clock.advance(200);
    expect(created).toHaveLength(1);
    expect(created[0]?.['series']).toEqual({ count: 3, lastObservedTime: '2026-11-23T05:00:00.123000Z' });
    await clock.advance(1000);
    recorder.record(facts());
    await clock.advance(200);
    expect(created).toHaveLength(1);
    expect(patched).toEqual([
      [created[0]?.metadata.name, { series: { count: 4, lastObservedTime: microTime(Date.UTC(2026, 10, 23, 5, 0, 1, 323)) } }],
    ]);
  });

  test('begins a new object when the last equal event is long ago, and for any difference', async () => {
    const { clock, recorder, created } = setUp();
    recorder.record(facts());
    recorder.record(facts({ message: 'pg-postgres-2 leads' }));
    recorder.record(facts({ type: 'Warning' }));
    await clock.advance(200);
    expect(new Set(created.map((each) => each.metadata.name)).size).toBe(3);
    await clock.advance(400_000);
    recorder.record(facts());
    await clock.advance(200);
    expect(created).toHaveLength(4);
    expect(created[3]?.metadata.name).not.toBe(created[0]?.metadata.name);
  });

  test('cuts short a reason that is told of one object too often, not other reasons and objects', async () => {
    const { clock, recorder, created } = setUp();
    for (let i = 0; i < 100; i++) recorder.record(facts({ message: `number ${i}` }));
    recorder.record(facts({ regarding: { ...facts().regarding, name: 'other' } }));
    recorder.record(facts({ reason: 'SwitchoverFailed' }));
    await clock.advance(200);
    expect(created).toHaveLength(27);
    await clock.advance(300_000);
    recorder.record(facts({ message: 'one more' }));
    recorder.record(facts({ message: 'two more' }));
    await clock.advance(200);
    expect(created).toHaveLength(28);
  });

  test('never throws, forgets what the API server refuses, and starts anew when the object has expired', async () => {
    let error: Error | undefined = new OperatorError('ERR_KUBE_UNAVAILABLE', { method: 'POST', path: '/events' });
    const { clock, recorder, created, patched } = setUp(() => error);
    recorder.record(facts());
    await clock.advance(200);
    error = undefined;
    recorder.record(facts());
    await clock.advance(200);
    expect(created).toHaveLength(1);
    error = new OperatorError('ERR_KUBE_NOT_FOUND', { method: 'PATCH', path: '/events' });
    recorder.record(facts());
    await clock.advance(200);
    error = undefined;
    recorder.record(facts());
    await clock.advance(200);
    expect(created).toHaveLength(2);
    expect(patched).toEqual([]);
  });

  test('keeps 1,024 bytes of a message, without cutting a character', async () => {
    const { clock, recorder, created } = setUp();
    recorder.record(facts({ message: '€'.repeat(1000) }));
    await clock.advance(200);
    const note = String(created[0]?.['note']);
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note).toMatch(/^€+…$/);
  });

  test('writes what is pending when stopped, and nothing afterwards', async () => {
    const { clock, recorder, created } = setUp();
    recorder.record(facts());
    await recorder.stop();
    expect(created).toHaveLength(1);
    recorder.record(facts());
    await clock.advance(1000);
    expect(created).toHaveLength(1);
    expect(clock.pendingMs()).toEqual([]);
  });

  test('is accepted by an API server', async () => {
    const api = await startApiServer({ namespaces: ['shop'] });
    const { rest, transport } = kubeClient(api.url);
    const clock = new FakeClock();
    const recorder = createEventRecorder({
      rest,
      controller: 'patroni-operator.dev/operator',
      instance: 'operator-1',
      logger: silentLogger,
      clock,
    });
    recorder.record(facts());
    await recorder.flush();
    recorder.record(facts());
    recorder.record(facts());
    await recorder.stop();
    expect(api.requests.writes().map(({ method, status }) => [method, status])).toEqual([
      ['POST', 201],
      ['PATCH', 200],
    ]);
    await transport.close();
    await api.stop();
  });
});
