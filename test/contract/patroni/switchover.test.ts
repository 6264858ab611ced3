import { describe, expect, test } from '@jest/globals';
import { leaderOf, memberOf } from '../../../src/patroni/members.ts';
import { checkSwitchover } from '../../../src/patroni/switchover-checks.ts';
import { verifySwitchover } from '../../../src/patroni/switchover-outcome.ts';
import { parseSwitchoverReply } from '../../../src/patroni/switchover-reply.ts';
import { clientOf, contract, eventually, rawJson, viewOf, wholeCluster } from './world.ts';

contract('a switchover', (world) => {
  describe('that is refused', () => {
    test('says why, in words that the parser knows', async () => {
      const { leader, replicas } = await wholeCluster(world());
      const client = clientOf(world(), leader);
      const refused = (reason: string, httpStatus: number) => expect.objectContaining({ kind: 'refused', reason, httpStatus });
      expect(await client.postSwitchover({ leader: replicas[0] })).toEqual(refused('LeaderChanged', 412));
      expect(await client.postSwitchover({ leader, candidate: 'nobody' })).toEqual(refused('CandidateUnknown', 412));
      expect(await client.postSwitchover({ leader, candidate: leader })).toEqual(refused('CandidateIsLeader', 400));
      const { httpStatus, body } = await rawJson(world(), leader, 'POST', '/switchover', { candidate: replicas[0] });
      expect(parseSwitchoverReply(httpStatus, body)).toEqual(refused('Other', 400));
      expect(body).toBe('Switchover could be performed only from a specific leader');
    });

    test('changes nothing', async () => {
      const { view, leader } = await wholeCluster(world());
      await clientOf(world(), leader).postSwitchover({ leader, candidate: 'nobody' });
      expect((await viewOf(world()))?.members.map((m) => [m.name, m.role, m.timeline])).toEqual(
        view.members.map((m) => [m.name, m.role, m.timeline]),
      );
    });

    test('for a candidate that is tagged nofailover, as our own check says before', async () => {
      const { leader, replicas } = await wholeCluster(world());
      for (const name of replicas) {
        await world().setTags(name, { nofailover: true });
        await clientOf(world(), name).reload();
      }
      const view = await eventually(world(), (v) => v.members.filter((m) => m.tags['nofailover'] === true).length === 2);
      const question = { view, target: replicas[0], maximumLagBytes: 1e6, otherOperationRunning: false };
      expect(checkSwitchover(question)).toMatchObject({ ok: false, reason: 'TargetNoFailover' });
      for (const candidate of [{ candidate: replicas[0] }, {}]) {
        expect(await clientOf(world(), leader).postSwitchover({ leader, ...candidate })).toMatchObject({
          kind: 'refused',
          reason: 'NoCandidate',
          httpStatus: 412,
        });
      }
      for (const name of replicas) {
        await world().setTags(name, {});
        await clientOf(world(), name).reload();
      }
      await eventually(world(), (v) => v.members.every((m) => m.tags['nofailover'] === undefined));
    });
  });

  describe('that is performed', () => {
    test('makes the candidate leader on a later timeline, and the old leader streams from it', async () => {
      const { view, replicas } = await wholeCluster(world());
      const candidate = replicas[1];
      const verdict = checkSwitchover({ view, target: candidate, maximumLagBytes: 1e6, otherOperationRunning: false });
      expect(verdict).toMatchObject({ ok: true, candidate });
      if (!verdict.ok) return;
      const startedAtMs = Date.now();
      const judge = (seen: typeof view) =>
        verifySwitchover({
          view: seen,
          leaderBefore: verdict.leader,
          timelineBefore: verdict.timeline,
          candidate,
          startedAtMs,
          nowMs: Date.now(),
        });
      expect(judge(view)).toMatchObject({ kind: 'pending', reason: 'AwaitingHandover' });
      // Asked of a replica: any member takes the request.
      const reply = await clientOf(world(), replicas[0]).postSwitchover({ leader: verdict.leader, candidate });
      expect(reply).toEqual({
        kind: 'accepted',
        leader: candidate,
        isCandidate: true,
        text: `Successfully switched over to "${candidate}"`,
      });
      const seen: string[] = [];
      const after = await eventually(world(), (v) => {
        const outcome = judge(v);
        if (seen.at(-1) !== outcome.reason) seen.push(outcome.reason);
        return outcome.kind !== 'pending';
      });
      expect(judge(after)).toMatchObject({ kind: 'succeeded' });
      expect(seen).toContain('AwaitingOldLeader');
      expect(leaderOf(after)?.timeline).toBe(verdict.timeline + 1);
      expect(memberOf(after, verdict.leader)).toMatchObject({ role: 'replica', state: 'streaming', timeline: verdict.timeline + 1 });
      await wholeCluster(world());
    });
  });
});
