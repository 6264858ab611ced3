import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { member, NOW_MS, operation, pod } from '../../test/support/model/cluster.ts';
import { NEWEST, observed, statefulSet } from '../../test/support/model/observed.ts';
import { disruptions, SmallWorld, type SmallWorldOptions } from '../../test/support/model/small-world.ts';
import { ANNOTATIONS, type Component } from '../api/meta.ts';

import { decide } from './decide.ts';
import type { Observed, PodView } from './observed.ts';

/** Far more than any scenario of the model needs. */
const MOST_PASSES = 400;
const ALL_PODS = [...[0, 1, 2, 3].map((n) => `pg-postgres-${n}`), ...[0, 1, 2].map((n) => `pg-etcd-${n}`), 'pg-haproxy-0', 'pg-haproxy-1'];

const worlds: fc.Arbitrary<SmallWorldOptions> = fc
  .record({
    replicas: fc.integer({ min: 1, max: 4 }),
    wanted: fc.integer({ min: 1, max: 4 }),
    leader: fc.nat(),
    outdated: fc.subarray(ALL_PODS),
    restartPasses: fc.integer({ min: 1, max: 3 }),
    switchovers: fc.array(fc.constantFrom('performed', 'refused', 'ignored', 'another'), { maxLength: 2 }),
    annotation: fc.option(fc.constantFrom('any', 'pg-postgres-0', 'pg-postgres-1', 'pg-postgres-9', 'Not A Name'), { nil: undefined, freq: 2 }),
  })
  .map(({ leader, annotation, ...rest }) => ({ ...rest, leader: leader % rest.replicas, ...(annotation === undefined ? {} : { annotation }) }));

describe('plans played against a small model', () => {
  test('settle, and on the way take no two pods out, no leader without a handover, and act once on each request', () => {
    fc.assert(
      fc.property(worlds, (options) => {
        const world = new SmallWorld(options);
        let passes = 0;
        for (; passes < MOST_PASSES; passes++) {
          const decision = decide(world.observe());
          expect(disruptions(decision).length).toBeLessThanOrEqual(1);
          for (const action of disruptions(decision)) {
            if (action.kind === 'deletePod') expect((['postgres', 'etcd', 'haproxy'] as const).flatMap((each) => world.out(each)).filter((name) => name !== action.pod)).toEqual([]);
          }
          const isSettled = decision.actions.length === 0 && decision.status.conditions?.find(({ type }) => type === 'Reconciling')?.status === 'False';
          world.play(decision);
          if (isSettled) break;
        }
        expect(passes).toBeLessThan(MOST_PASSES);
        expect([world.replicas, world.isOutdated(), world.annotation]).toEqual([options.wanted, false, undefined]);
        expect(world.unplanned).toEqual([]);
        expect(world.operations.filter(({ spec }) => spec.requestedBy === 'Annotation').length).toBeLessThanOrEqual(1);
        const again = decide({ ...world.observe(), nowMs: world.nowMs + 3_600_000 });
        expect(again.status).toEqual(world.status);
        expect(again.actions).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('do not depend on the order in which the world was listed', () => {
    fc.assert(
      fc.property(worlds, fc.integer(), (options, seed) => {
        const world = new SmallWorld(options);
        for (let pass = 0; pass < 12; pass++) {
          const seen = world.observe();
          const decision = decide(seen);
          expect(decide(shuffled(seen, seed + pass))).toEqual(decision);
          world.play(decision);
        }
      }),
      { numRuns: 12 },
    );
  });
});

const pods: fc.Arbitrary<readonly PodView[]> = fc.tuple(
  ...(['postgres', 'postgres', 'postgres', 'etcd', 'etcd', 'etcd', 'haproxy', 'haproxy'] as const).map((component: Component, n) =>
    fc
      .record({
        exists: fc.boolean(),
        ready: fc.boolean(),
        running: fc.boolean(),
        terminating: fc.boolean(),
        revision: fc.constantFrom('r1', NEWEST, ''),
        waiting: fc.option(fc.constant({ reason: 'ImagePullBackOff', message: 'no such image' }), { nil: undefined }),
      })
      .map(({ exists, waiting, ...rest }) => (exists ? [pod(component, component === 'postgres' ? n : component === 'etcd' ? n - 3 : n - 6, { ...rest, ...(waiting === undefined ? {} : { waiting }) })] : [])),
  ),
).map((each) => each.flat());

const views: fc.Arbitrary<Observed['view']> = fc.option(
  fc.record({
    scope: fc.constant('pg'),
    paused: fc.boolean(),
    members: fc.uniqueArray(
      fc
        .record({
          ordinal: fc.integer({ min: 0, max: 3 }),
          role: fc.constantFrom('leader', 'replica', 'replica', 'sync_standby'),
          state: fc.constantFrom('running', 'streaming', 'starting', 'stopped', 'creating replica'),
          timeline: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
          lag: fc.constantFrom({ known: false as const }, { known: true as const, bytes: 0 }, { known: true as const, bytes: 2 ** 30 }),
          nofailover: fc.boolean(),
        })
        .map(({ ordinal, timeline, nofailover, ...rest }) => {
          const { timeline: _known, ...base } = member(ordinal, { ...rest, tags: nofailover ? { nofailover: true } : {} });
          return timeline === undefined ? base : { ...base, timeline };
        }),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
  }),
  { nil: undefined },
);

const operations: fc.Arbitrary<Observed['operations']> = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom('op-a', 'op-b', 'op-c'),
      target: fc.constantFrom('pg-postgres-0', 'pg-postgres-1', 'pg-postgres-9'),
      requestedBy: fc.constantFrom('Annotation', 'Rollout', 'ScaleDown', 'User'),
      phase: fc.constantFrom(undefined, 'Pending', 'Running', 'Succeeded', 'Failed', 'Rejected'),
      ageMs: fc.constantFrom(1_000, 30_000, 90_000, 200_000, 700_000),
    })
    .map(({ name, target, requestedBy, phase, ageMs }) => {
      const startedAt = new Date(NOW_MS - ageMs).toISOString();
      const status = phase === undefined ? {} : { status: { phase, candidate: target, leaderBefore: 'pg-postgres-0', timelineBefore: 1, startedAt, finishedAt: startedAt } };
      return operation(name, { target, requestedBy, createdAt: startedAt, ...status });
    }),
  { maxLength: 3, selector: (each) => each.metadata.name },
);

const anything: fc.Arbitrary<Observed> = fc
  .record({ pods, view: views, operations, annotation: fc.option(fc.constantFrom('any', 'pg-postgres-1'), { nil: undefined }), wanted: fc.integer({ min: 1, max: 4 }), isDeleted: fc.boolean(), isStale: fc.boolean() })
  .map(({ view, annotation, wanted, isDeleted, isStale, ...rest }) => {
    const metadata = { ...(annotation === undefined ? {} : { annotations: { [ANNOTATIONS.switchover]: annotation } }), ...(isDeleted ? { deletionTimestamp: '2026-11-23T12:00:00Z' } : {}) };
    const { view: _healthy, ...base } = observed({ spec: { postgres: { replicas: wanted } }, metadata, ...rest });
    const objects = new Map(base.objects).set('StatefulSet/pg-postgres', statefulSet('postgres', 3, { generation: isStale ? 2 : 1 }));
    return { ...base, objects, ...(view === undefined ? {} : { view }) };
  });

describe('for any state of the world', () => {
  test('a plan disrupts at most once, and never what nobody can see or what is paused, but for a pod that does not run anyway', () => {
    fc.assert(
      fc.property(anything, (seen) => {
        const actions = disruptions(decide(seen));
        expect(actions.length).toBeLessThanOrEqual(1);
        const isBlind = seen.view === undefined || seen.view.paused;
        for (const action of actions) {
          const victim = action.kind === 'deletePod' ? seen.pods.find(({ name }) => name === action.pod) : undefined;
          if (isBlind) expect(victim).toMatchObject({ running: false });
          expect(victim?.terminating ?? false).toBe(false);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('the same world gives the same plan, in whatever order it was listed', () => {
    fc.assert(
      fc.property(anything, fc.integer(), (seen, seed) => {
        expect(JSON.stringify(decide(shuffled(seen, seed)))).toBe(JSON.stringify(decide(seen)));
      }),
      { numRuns: 100 },
    );
  });

  test('status that was written is not written again', () => {
    fc.assert(
      fc.property(anything, (seen) => {
        const { status } = decide(seen);
        const later = { ...seen, cluster: { ...seen.cluster, status } };
        const again = decide(later);
        expect(decide({ ...later, cluster: { ...seen.cluster, status: again.status }, nowMs: seen.nowMs + 1 }).status).toEqual(again.status);
      }),
      { numRuns: 100 },
    );
  });
});

/** The same observation, listed in another order. */
function shuffled(seen: Observed, seed: number): Observed {
  let state = seed | 0;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  const mix = <T>(list: readonly T[]): T[] => list.map((each) => [random(), each] as const).sort(([a], [b]) => a - b).map(([, each]) => each);
  return {
    ...seen,
    pods: mix(seen.pods),
    claims: mix(seen.claims),
    operations: mix(seen.operations),
    objects: new Map(mix([...seen.objects])),
    ...(seen.view === undefined ? {} : { view: { ...seen.view, members: mix(seen.view.members) } }),
  };
}
