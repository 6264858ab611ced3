import { expect, test } from '@jest/globals';
import { parseSwitchoverReply, type SwitchoverReply } from './switchover-reply.ts';

test.each<[number, string, SwitchoverReply]>([
  [
    200,
    'Successfully switched over to "pg-1"',
    { kind: 'accepted', leader: 'pg-1', isCandidate: true, text: 'Successfully switched over to "pg-1"' },
  ],
  [
    200,
    'Switched over to "pg-2" instead of "pg-1"',
    { kind: 'accepted', leader: 'pg-2', isCandidate: false, text: 'Switched over to "pg-2" instead of "pg-1"' },
  ],
  [202, 'Switchover scheduled', { kind: 'scheduled', text: 'Switchover scheduled' }],
  [412, 'leader name does not match', { kind: 'refused', reason: 'LeaderChanged', httpStatus: 412, text: 'leader name does not match' }],
  [412, 'candidate does not exists', { kind: 'refused', reason: 'CandidateUnknown', httpStatus: 412, text: 'candidate does not exists' }],
  [
    412,
    'candidate name does not match with sync_standby',
    { kind: 'refused', reason: 'CandidateNotSynchronous', httpStatus: 412, text: 'candidate name does not match with sync_standby' },
  ],
  [
    412,
    'switchover is not possible: no good candidates have been found',
    { kind: 'refused', reason: 'NoCandidate', httpStatus: 412, text: 'switchover is not possible: no good candidates have been found' },
  ],
  [
    400,
    'Switchover target and source are the same',
    { kind: 'refused', reason: 'CandidateIsLeader', httpStatus: 400, text: 'Switchover target and source are the same' },
  ],
  [
    400,
    'Switchover is possible only to a specific candidate in a paused state',
    {
      kind: 'refused',
      reason: 'ClusterPaused',
      httpStatus: 400,
      text: 'Switchover is possible only to a specific candidate in a paused state',
    },
  ],
  [400, '<!DOCTYPE HTML><html>...', { kind: 'refused', reason: 'Other', httpStatus: 400, text: 'HTTP 400' }],
  [503, 'Switchover failed', { kind: 'failed', text: 'Switchover failed' }],
  [503, 'Switchover status unknown', { kind: 'unknown', httpStatus: 503, text: 'Switchover status unknown' }],
  [503, 'failed to write failover key into DCS', { kind: 'unknown', httpStatus: 503, text: 'failed to write failover key into DCS' }],
  [200, '', { kind: 'unknown', httpStatus: 200, text: '' }],
  [500, 'oops', { kind: 'unknown', httpStatus: 500, text: 'oops' }],
])('HTTP %i %j', (httpStatus, body, reply) => {
  expect(parseSwitchoverReply(httpStatus, body)).toEqual(reply);
});
