import { expect, test } from '@jest/globals';
import { leaderOf, memberOf } from '../../../src/patroni/members.ts';
import { clientOf, contract, eventually, wholeCluster } from './world.ts';

contract('losing members', (world) => {
  test('a replica that is stopped shows as stopped until its key expires, and streams again when it is back', async () => {
    const { leader, replicas } = await wholeCluster(world());
    const [name] = replicas;
    await world().stopMember(name);
    await expect(clientOf(world(), name).getMember()).rejects.toMatchObject({ code: 'ERR_PATRONI_UNREACHABLE' });
    const stopped = await eventually(world(), (v) => memberOf(v, name)?.state === 'stopped');
    expect(memberOf(stopped, name)).toMatchObject({ role: 'replica', lag: { known: false } });
    expect(memberOf(stopped, name)).not.toHaveProperty('timeline');
    await eventually(world(), (v) => memberOf(v, name) === undefined);
    world().startMember(name);
    const { leader: still } = await wholeCluster(world());
    expect(still).toBe(leader);
  });

  test('a leader that is stopped gives way at once, and follows when it is back', async () => {
    const { leader, view } = await wholeCluster(world());
    const timeline = leaderOf(view)!.timeline!;
    await world().stopMember(leader);
    const after = await eventually(
      world(),
      (v) => leaderOf(v) !== undefined && leaderOf(v)?.name !== leader && leaderOf(v)?.timeline === timeline + 1,
    );
    expect(memberOf(after, leader)).toMatchObject({ state: 'stopped', role: 'replica' });
    world().startMember(leader);
    const whole = await wholeCluster(world());
    expect(memberOf(whole.view, leader)).toMatchObject({ state: 'streaming', timeline: timeline + 1 });
  });

  test('a leader that is lost keeps its key until the ttl; then another leads', async () => {
    const { leader, replicas, view } = await wholeCluster(world());
    const timeline = leaderOf(view)!.timeline!;
    await world().killMember(leader);
    // What the keys say is stale for a while.
    expect(leaderOf(await clientOf(world(), replicas[0]).getCluster())?.name).toBe(leader);
    const after = await eventually(world(), (v) => leaderOf(v)?.timeline === timeline + 1 && leaderOf(v)?.name !== leader);
    expect(replicas).toContain(leaderOf(after)!.name);
    world().startMember(leader);
    await wholeCluster(world());
  });

  test('a leader that crashes and is back within the ttl leads on, on a new timeline', async () => {
    const { leader, view } = await wholeCluster(world());
    const timeline = leaderOf(view)!.timeline!;
    await world().killMember(leader);
    world().startMember(leader);
    const after = await eventually(world(), (v) => leaderOf(v)?.state === 'running' && leaderOf(v)?.timeline === timeline + 1);
    expect(leaderOf(after)?.name).toBe(leader);
    await wholeCluster(world());
  });

  test('without its DCS a member still speaks for itself and remembers the configuration, but shows no cluster and takes no change', async () => {
    await wholeCluster(world());
    world().freezeDcs();
    try {
      const client = clientOf(world(), 'pg-1');
      await expect(client.getMember()).resolves.toMatchObject({ state: 'running' });
      await expect(client.getConfig()).resolves.toMatchObject({ ttl: 20 });
      await expect(client.patchConfig({ contract: 1 })).rejects.toMatchObject({ code: 'ERR_PATRONI_CONFIG_CONFLICT' });
      await expect(client.getCluster()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PATRONI_(UNREACHABLE|TIMEOUT)$/) });
    } finally {
      world().thawDcs();
    }
    await wholeCluster(world());
  });
});
