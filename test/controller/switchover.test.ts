import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { ANNOTATIONS, API_VERSION } from '../../src/api/meta.ts';
import type { PatroniOperationObject } from '../../src/api/objects.ts';
import { KINDS } from '../../src/kube/types.ts';
import type { MemberModel } from '../support/patroni/member.ts';

import { NAMESPACE, startSettledWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

let world: World;

beforeAll(async () => {
  world = await startSettledWorld();
});

afterEach(async () => {
  const model = world.model();
  model.switchoverScript = 'performs';
  await world.until('settled again', () => world.isSettled() && unfinished().length === 0);
  expect(world.invariants.violations).toEqual([]);
});

afterAll(async () => {
  await world.stop();
});

const unfinished = (): readonly PatroniOperationObject[] => world.operations().filter(({ status }) => !['Succeeded', 'Failed', 'Rejected'].includes(status?.phase ?? ''));
const replicas = (): readonly string[] => world.model().members().map(({ name }) => name).filter((name) => name !== world.model().leader);
const replica = (n = 0): string => replicas()[n] ?? '';
const posts = (): number => world.patroni.requests.filter(({ method, path }) => method === 'POST' && path === '/switchover').length;
const eventReasons = (): readonly string[] => world.api.objects.list<{ reason: string }>('events', { namespace: NAMESPACE }).map(({ reason }) => reason);

/** Asks by annotation and returns the operation that comes of it, once it has ended and the annotation is gone. */
async function ask(value: string): Promise<PatroniOperationObject> {
  const before = new Set(world.operations().map(({ metadata }) => metadata.name));
  const made = (): readonly PatroniOperationObject[] => world.operations().filter(({ metadata }) => !before.has(metadata.name));
  await world.annotate(value);
  await world.until('answered', () => made().length > 0 && unfinished().length === 0 && world.cluster().metadata.annotations?.[ANNOTATIONS.switchover] === undefined);
  expect(made()).toHaveLength(1);
  const operation = made()[0]!;
  await world.until('told in a condition', () => world.cluster().status?.lastSwitchover?.operation === operation.metadata.name && world.cluster().status?.lastSwitchover?.phase === operation.status?.phase);
  return world.operations().find(({ metadata }) => metadata.name === operation.metadata.name)!;
}

test('hands over to the named member, once, and records it', async () => {
  const [leader, target, timeline] = [world.model().leader, replica(), world.model().timeline];
  const before = posts();
  const { status, spec } = await ask(target);
  expect(spec).toMatchObject({ requestedBy: 'Annotation', switchover: { target } });
  expect(status).toMatchObject({ phase: 'Succeeded', reason: 'SwitchedOver', candidate: target, leaderBefore: leader, leaderAfter: target, timelineBefore: timeline, timelineAfter: timeline + 1 });
  expect(Date.parse(status?.finishedAt ?? '')).toBeGreaterThan(Date.parse(status?.startedAt ?? ''));
  expect(world.model().timeline).toBe(timeline + 1);
  expect(posts() - before).toBe(1);
  expect(world.condition('Switchover')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  await world.until('told in events', () => ['SwitchoverStarted', 'SwitchoverSucceeded'].every((reason) => eventReasons().includes(reason)));
  expect(world.model().member(leader ?? '')).toMatchObject({ replicationState: 'streaming' });
});

test('hands over to the best replica when any will do', async () => {
  world.model().member(replica(0))!.lagBytes = 4_096;
  const best = replica(1);
  const { status, spec } = await ask('any');
  expect(spec.switchover).toBeUndefined();
  expect(status).toMatchObject({ phase: 'Succeeded', candidate: best, leaderAfter: best });
});

describe('is rejected, and Patroni is not asked', () => {
  const change = (name: string, to: Partial<MemberModel>): unknown => Object.assign(world.model().member(name)!, to);
  const cases: readonly { readonly what: string; readonly reason: string; readonly target?: () => string; readonly prepare?: () => unknown }[] = [
    { what: 'for a name that is no member', reason: 'TargetUnknown', target: () => 'pg-postgres-9' },
    { what: 'for the leader itself', reason: 'TargetIsLeader', target: () => world.model().leader ?? '' },
    { what: 'for what cannot be a name', reason: 'InvalidTarget', target: () => 'Not A Name' },
    { what: 'for a member tagged nofailover', reason: 'TargetNoFailover', prepare: () => change(replica(), { tags: { nofailover: true } }) },
    { what: 'for a member that does not stream', reason: 'TargetNotStreaming', prepare: () => change(replica(), { replicationState: undefined }) },
    { what: 'for a member on another timeline', reason: 'TargetOnOtherTimeline', prepare: () => change(replica(), { timeline: 1 }) },
    { what: 'for a member that lags', reason: 'TargetLagging', prepare: () => change(replica(), { lagBytes: 2 ** 30 }) },
    { what: 'for a member whose lag is unknown', reason: 'TargetLagUnknown', prepare: () => change(replica(), { lagBytes: undefined }) },
    { what: 'while Patroni is paused', reason: 'ClusterPaused', prepare: () => world.model().patchConfig({ pause: true }) },
    { what: 'for any, when nobody can take over', reason: 'NoCandidate', target: () => 'any', prepare: () => replicas().forEach((name) => change(name, { tags: { nofailover: true } })) },
  ];

  test.each(cases)('$what', async ({ reason, target = replica, prepare }) => {
    // Operations are told apart by their age in whole seconds.
    await world.pass(1_000);
    const saved = world.model().members().map((member) => [member, { ...member }] as const);
    const [timeline, before, leader] = [world.model().timeline, posts(), world.model().leader];
    prepare?.();
    const { status } = await ask(target());
    expect(status).toMatchObject({ phase: 'Rejected', reason });
    expect(status?.message).not.toBe('');
    await world.until('condition', () => world.condition('Switchover')?.reason === reason);
    expect(world.condition('Switchover')).toMatchObject({ status: 'False', reason });
    await world.until('told in an event', () => eventReasons().includes('SwitchoverRejected'));
    expect([world.model().timeline, posts(), world.model().leader]).toEqual([timeline, before, leader]);
    for (const [member, was] of saved) Object.assign(member, was);
    world.model().patchConfig({ pause: null });
  });

  test('while nobody answers, after a minute', async () => {
    const before = posts();
    for (const member of world.model().members()) member.isUp = false;
    await world.annotate(replica());
    await world.pass(30_000);
    expect(unfinished()).toHaveLength(1);
    await world.until('rejected', () => unfinished().length === 0, 60_000);
    for (const member of world.model().members()) member.isUp = true;
    expect(world.operations().at(-1)?.spec).toBeDefined();
    await world.until('condition', () => world.condition('Switchover')?.reason === 'ObservationIncomplete');
    expect(posts()).toBe(before);
  });

  test('while another is under way, which goes on', async () => {
    const [first, second] = [replica(0), replica(1)];
    await world.annotate(first);
    await world.until('running', () => world.operations().some(({ status }) => status?.phase === 'Running'));
    await world.annotate(second);
    await world.until('both ended', () => unfinished().length === 0 && world.cluster().metadata.annotations?.[ANNOTATIONS.switchover] === undefined);
    const latest = [...world.operations()].sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '')).slice(-2);
    expect(latest.map(({ spec, status }) => [spec.switchover?.target, status?.phase, status?.reason])).toEqual(
      expect.arrayContaining([
        [first, 'Succeeded', 'SwitchedOver'],
        [second, 'Rejected', 'OperationInProgress'],
      ]),
    );
    expect(world.model().leader).toBe(first);
  });
});

describe('that Patroni carries out in another way', () => {
  test('reports another winner as such', async () => {
    const [target, other, timeline] = [replica(0), replica(1), world.model().timeline];
    world.model().switchoverScript = { wonBy: other };
    const { status } = await ask(target);
    expect(status).toMatchObject({ phase: 'Failed', reason: 'LeaderIsAnotherMember', leaderAfter: other });
    expect(status?.message).toContain(other);
    expect(world.model().timeline).toBe(timeline + 1);
    expect(world.condition('Switchover')).toMatchObject({ status: 'False', reason: 'LeaderIsAnotherMember' });
  });

  test('waits for a handover that Patroni could not report in time', async () => {
    const [target, timeline] = [replica(0), world.model().timeline];
    world.model().switchoverScript = 'stalls';
    const { status } = await ask(target);
    expect(status).toMatchObject({ phase: 'Succeeded', leaderAfter: target, timelineAfter: timeline + 1 });
    expect(world.model().timeline).toBe(timeline + 1);
  });

  test('reports that the leader refused, and that it leads still', async () => {
    const [leader, timeline] = [world.model().leader, world.model().timeline];
    const before = posts();
    world.model().switchoverScript = 'refused';
    const { status } = await ask(replica());
    expect(status).toMatchObject({ phase: 'Failed', reason: 'RefusedByPatroni', leaderAfter: leader });
    expect(posts() - before).toBe(1);
    expect([world.model().leader, world.model().timeline]).toEqual([leader, timeline]);
    await world.until('told in an event', () => eventReasons().includes('SwitchoverFailed'));
  });

  test('reports a leader that took its key back', async () => {
    const leader = world.model().leader;
    world.model().switchoverScript = 'fallsBack';
    const { status } = await ask(replica());
    expect(status).toMatchObject({ phase: 'Failed', leaderAfter: leader });
    expect(world.model().leader).toBe(leader);
  });
});

test('that a person asks for with an object of their own is carried out, too', async () => {
  const target = replica();
  const operation = { apiVersion: API_VERSION, kind: 'PatroniOperation', metadata: { name: 'by-hand', namespace: NAMESPACE }, spec: { cluster: 'pg', type: 'Switchover', switchover: { target } } };
  await world.kube.create(KINDS.PatroniOperation, operation);
  await world.until('done', () => unfinished().length === 0);
  expect(world.operations().find(({ metadata }) => metadata.name === 'by-hand')?.status).toMatchObject({ phase: 'Succeeded', leaderAfter: target });
});

test('keeps the records of the last ten', async () => {
  await world.until('tidied', () => world.operations().length <= 10);
  expect(world.operations().length).toBe(10);
});
