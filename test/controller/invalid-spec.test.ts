import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { KINDS } from '../../src/kube/types.ts';

import { SMALL } from './support/kill.ts';
import { NAMESPACE, startWorld, type World } from './support/world.ts';

jest.setTimeout(60_000);

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

const CHILDREN = ['sts', 'pods', 'services', 'configmaps', 'secrets', 'pvc', 'poddisruptionbudgets', 'networkpolicies', 'patronioperations'];

let world: World;

beforeAll(async () => {
  world = await startWorld();
  world.start();
});

afterAll(async () => {
  expect(world.invariants.violations).toEqual([]);
  await world.stop();
});

const events = (): readonly { readonly reason: string; readonly type: string; readonly message: string }[] => world.api.objects.list('events', { namespace: NAMESPACE });
const children = (): readonly string[] => CHILDREN.flatMap((kind) => world.api.objects.list<Stored>(kind, { namespace: NAMESPACE }).map(({ metadata }) => `${kind}/${metadata.name}@${metadata.resourceVersion}`));

describe('a cluster that was never valid', () => {
  test('is not created, and says which field is wrong', async () => {
    await world.create({ ...SMALL, versions: { postgres: '14' } });
    await world.until('judged', () => world.condition('SpecValid')?.status === 'False');
    await world.pass(15_000);
    expect(children()).toEqual([]);
    expect(world.condition('SpecValid')).toMatchObject({ reason: 'Invalid', message: expect.stringContaining('spec.images.postgres') });
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(world.condition('Stalled')).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
    expect(events()).toMatchObject([{ reason: 'InvalidSpec', type: 'Warning', message: expect.stringContaining('spec.images.postgres') }]);
  });

  test('is created once it is corrected', async () => {
    await world.patch({ spec: { images: { postgres: 'example.org/postgres:14' } } });
    await world.until('settled', () => world.isSettled());
    expect(world.condition('Stalled')).toMatchObject({ status: 'False' });
    await world.until('told', () => ['SpecCorrected', 'LeaderElected', 'Ready'].every((wanted) => events().some(({ reason }) => reason === wanted)));
  });
});

describe('a bad edit of a good cluster', () => {
  test('leaves everything untouched, and the conditions tell', async () => {
    await world.pass(20_000);
    const before = children();
    await world.patch({ spec: { images: { pullSecrets: ['nowhere'] }, postgres: { resources: { limits: { memory: '700Mi' } } } } });
    await world.until('judged', () => world.condition('SpecValid')?.status === 'False');
    expect(world.condition('SpecValid')).toMatchObject({ reason: 'ReferenceMissing', message: expect.stringContaining('nowhere') });
    expect(world.condition('Stalled')).toMatchObject({ status: 'True' });
    expect(world.condition('Ready')).toMatchObject({ status: 'True' });
    await world.until('told', () => events().some(({ reason, message }) => reason === 'InvalidSpec' && message.includes('nowhere')));
    world.api.requests.clear();
    await world.pass(60_000);
    expect(children()).toEqual(before);
    expect(world.api.requests.writes({ userAgent: /v1/ })).toEqual([]);
  });

  test('is carried out when what was missing is there', async () => {
    await world.kube.create(KINDS.Secret, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'nowhere', namespace: NAMESPACE } });
    await world.until('settled', () => world.condition('SpecValid')?.status === 'True' && world.isSettled());
    expect(world.operations()).toMatchObject([{ spec: { requestedBy: 'Rollout' }, status: { phase: 'Succeeded' } }]);
  });

  test('does not keep the operator from seeing a failover', async () => {
    await world.patch({ spec: { images: { pullSecrets: ['nowhere', 'neither'] } } });
    await world.until('judged', () => world.condition('SpecValid')?.status === 'False');
    const leader = world.model().leader ?? '';
    await world.kube.delete(KINDS.Pod, { namespace: NAMESPACE, name: leader });
    await world.until('seen', () => world.cluster().status?.leader !== leader && world.condition('Ready')?.status === 'True');
    expect(world.model().leader).not.toBe(leader);
    await world.until('told', () => events().some(({ reason, message }) => reason === 'LeaderElected' && message.startsWith(`${world.model().leader ?? ''} leads`)));
  });
});

test('another cluster in the same operator goes on', async () => {
  await world.create({ ...SMALL, versions: { postgres: '14' } }, 'bad');
  await world.create(SMALL, 'good');
  await world.until('settled', () => world.isSettled('good'));
  expect(world.condition('SpecValid', 'bad')).toMatchObject({ status: 'False' });
  expect(world.cluster('good').status).toMatchObject({ leader: 'good-postgres-0', ready: '2/2' });
});
