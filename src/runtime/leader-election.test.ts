import { describe, expect, test } from '@jest/globals';
import { OperatorError, type ErrorCode } from '../errors.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { ResourceKind } from '../kube/types.ts';
import { createLeaderElector, type Lease, type LeaderElector, type LeaderElectorOptions } from './leader-election.ts';

/** One lease with optimistic concurrency. `fault` makes every call fail; `hang` leaves it unanswered. */
class LeaseStore {
  lease: Lease | undefined;
  fault: ErrorCode | undefined;
  hang = false;
  readonly writers: string[] = [];
  private version = 0;

  readonly rest = {
    find: async () => {
      await this.gate();
      return this.lease;
    },
    create: async (_kind: ResourceKind, lease: Lease) => {
      await this.gate();
      if (this.lease !== undefined) throw new OperatorError('ERR_KUBE_ALREADY_EXISTS', facts);
      return this.store(lease);
    },
    update: async (_kind: ResourceKind, lease: Lease) => {
      await this.gate();
      if (this.lease?.metadata.resourceVersion !== lease.metadata.resourceVersion) throw new OperatorError('ERR_KUBE_CONFLICT', facts);
      return this.store(lease);
    },
  } as unknown as LeaderElectorOptions['rest'];

  holder(): string | undefined {
    return this.lease?.spec?.holderIdentity;
  }

  /** As another client would. */
  store(lease: Lease): Lease {
    this.version++;
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.version) } };
    this.writers.push(lease.spec?.holderIdentity ?? '');
    return this.lease;
  }

  private async gate(): Promise<void> {
    await Promise.resolve();
    if (this.hang) await new Promise(() => undefined);
    if (this.fault !== undefined) throw new OperatorError(this.fault as 'ERR_KUBE_UNAVAILABLE', facts);
  }
}

const facts = { method: 'PUT', path: '/lease' };

interface Candidate {
  readonly elector: LeaderElector;
  readonly clock: FakeClock;
  readonly events: string[];
}

function candidate(store: LeaseStore, identity: string, clock = new FakeClock()): Candidate {
  const events: string[] = [];
  const elector = createLeaderElector({
    rest: store.rest,
    lease: { namespace: 'ops', name: 'patroni-operator' },
    identity,
    clock,
    random: () => 0,
    logger: silentLogger,
    onStartedLeading: () => events.push('started'),
    onStoppedLeading: (error) => events.push(`stopped: ${error.code}`),
  });
  elector.start();
  return { elector, clock, events };
}

/** Moves several clocks on together, in steps of a second. */
async function advance(candidates: readonly Candidate[], seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) for (const each of candidates) await each.clock.advance(1000);
}

describe('leader election', () => {
  test('the first one creates the lease, leads and renews every two seconds', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a', new FakeClock(Date.UTC(2026, 10, 23)));
    await advance([a], 20);
    expect(a.events).toEqual(['started']);
    expect(a.elector.isLeader()).toBe(true);
    expect(store.lease?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-11-23T00:00:00.000000Z',
      renewTime: '2026-11-23T00:00:20.000000Z',
      leaseTransitions: 0,
    });
    expect(store.writers).toHaveLength(11);
  });

  test('a second one waits while the first renews, however wrong its clock is', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a', new FakeClock(Date.UTC(2026, 0, 1)));
    await a.clock.settle();
    const ahead = candidate(store, 'ahead', new FakeClock(Date.UTC(2027, 0, 1)));
    const behind = candidate(store, 'behind', new FakeClock(Date.UTC(2020, 0, 1)));
    await advance([a, ahead, behind], 60);
    expect([a, ahead, behind].map((each) => each.elector.isLeader())).toEqual([true, false, false]);
    expect(new Set(store.writers)).toEqual(new Set(['a']));
  });

  test('the second one takes over 15 s after it saw the last renewal, not earlier', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await a.clock.settle();
    const b = candidate(store, 'b');
    await advance([a, b], 10);
    // a dies: its clock stands still.
    await advance([b], 14);
    expect(b.elector.isLeader()).toBe(false);
    await advance([b], 4);
    expect(b.elector.isLeader()).toBe(true);
    expect(store.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('the old leader has given up before the new one begins', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await a.clock.settle();
    const b = candidate(store, 'b');
    await advance([a, b], 10);
    // a loses the API server, b does not.
    const cut = new LeaseStore();
    cut.fault = 'ERR_KUBE_UNAVAILABLE';
    Object.assign(a.elector, { options: { ...(a.elector as unknown as { options: LeaderElectorOptions }).options, rest: cut.rest } });
    let both = 0;
    for (let i = 0; i < 30; i++) {
      await advance([a, b], 1);
      if (a.elector.isLeader() && b.elector.isLeader()) both++;
    }
    expect(both).toBe(0);
    expect(a.events).toEqual(['started', 'stopped: ERR_RUNTIME_LEADERSHIP_LOST']);
    expect(b.elector.isLeader()).toBe(true);
  });

  test('short outages of the API server cost no leadership', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await advance([a], 4);
    store.fault = 'ERR_KUBE_UNAVAILABLE';
    await advance([a], 7);
    store.fault = undefined;
    await advance([a], 30);
    expect(a.events).toEqual(['started']);
    expect(a.elector.isLeader()).toBe(true);
  });

  test('leadership ends ten seconds after the last renewal even while a request hangs', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await advance([a], 4);
    store.hang = true;
    await advance([a], 9);
    expect(a.elector.isLeader()).toBe(true);
    await advance([a], 2);
    expect(a.events).toEqual(['started', 'stopped: ERR_RUNTIME_LEADERSHIP_LOST']);
    expect(a.elector.isLeader()).toBe(false);
  });

  test('leadership ends at once when another name stands in the lease', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await advance([a], 4);
    store.store({ ...store.lease!, spec: { ...store.lease!.spec, holderIdentity: 'usurper' } });
    await advance([a], 3);
    expect(a.events).toEqual(['started', 'stopped: ERR_RUNTIME_LEADERSHIP_LOST']);
    expect(store.holder()).toBe('usurper');
  });

  test('someone who only annotates the lease does not end leadership', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await advance([a], 4);
    store.store({ ...store.lease!, metadata: { ...store.lease!.metadata, annotations: { note: 'x' } } });
    await advance([a], 10);
    expect(a.events).toEqual(['started']);
    expect(store.lease?.metadata.annotations).toEqual({ note: 'x' });
  });

  test('a stop gives the lease back, so that a standby leads within one retry period', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await a.clock.settle();
    const b = candidate(store, 'b');
    await advance([a, b], 5);
    await a.elector.stop();
    expect(store.holder()).toBe('');
    expect(a.elector.isLeader()).toBe(false);
    expect(a.events).toEqual(['started']);
    await advance([b], 2);
    expect(b.elector.isLeader()).toBe(true);
  });

  test('a stop of a standby leaves the lease alone', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await a.clock.settle();
    const b = candidate(store, 'b');
    await advance([a, b], 5);
    await b.elector.stop();
    expect(store.holder()).toBe('a');
  });

  test('a lease of a longer duration is respected', async () => {
    const store = new LeaseStore();
    store.store({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'ops', name: 'patroni-operator' },
      spec: { holderIdentity: 'old', leaseDurationSeconds: 60 },
    });
    const a = candidate(store, 'a');
    await advance([a], 58);
    expect(a.elector.isLeader()).toBe(false);
    await advance([a], 6);
    expect(a.elector.isLeader()).toBe(true);
  });

  test('of two that start at once only one leads', async () => {
    const store = new LeaseStore();
    const both = [candidate(store, 'a'), candidate(store, 'b')];
    await advance(both, 10);
    expect(both.filter((each) => each.elector.isLeader())).toHaveLength(1);
  });

  test('a step of the wall clock changes nothing', async () => {
    const store = new LeaseStore();
    const a = candidate(store, 'a');
    await advance([a], 4);
    a.clock.jumpTo(Date.UTC(2030, 0, 1));
    expect(a.elector.isLeader()).toBe(true);
    await advance([a], 20);
    expect(a.events).toEqual(['started']);
  });

  test('reports who leads as a metric', async () => {
    const metrics = createMetrics({ processMetrics: false });
    const clock = new FakeClock();
    const elector = createLeaderElector({
      rest: new LeaseStore().rest,
      lease: { namespace: 'ops', name: 'patroni-operator' },
      identity: 'a',
      clock,
      random: Math.random,
      logger: silentLogger,
      metrics,
      onStartedLeading: () => undefined,
      onStoppedLeading: () => undefined,
    });
    elector.start();
    await clock.settle();
    expect(await metrics.registry.metrics()).toContain('leader_election_master_status{name="patroni-operator"} 1');
    await elector.stop();
    expect(await metrics.registry.metrics()).toContain('leader_election_master_status{name="patroni-operator"} 0');
  });
});
