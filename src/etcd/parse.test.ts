import { describe, expect, test } from '@jest/globals';
import { parseDeleted, parseFailure, parseMemberList, parseRange, parseStatus, prefixEndBase64, toBase64 } from './parse.ts';

const b64 = toBase64;

describe('parseMemberList', () => {
  test('reads members, one of which has not started yet', () => {
    const json = {
      header: { cluster_id: '14841639068965178418', member_id: '10276657743932975437', raft_term: '2' },
      members: [
        { ID: '10276657743932975437', name: 'e-0', peerURLs: ['https://e-0:2380'], clientURLs: ['https://e-0:2379'] },
        { ID: '2', peerURLs: ['https://e-1:2380'], isLearner: true },
      ],
    };
    expect(parseMemberList(json, 'e-0')).toEqual([
      { id: '10276657743932975437', name: 'e-0', peerUrls: ['https://e-0:2380'], clientUrls: ['https://e-0:2379'], isLearner: false },
      { id: '2', name: '', peerUrls: ['https://e-1:2380'], clientUrls: [], isLearner: true },
    ]);
  });

  test('refuses what is no object', () => {
    expect(() => parseMemberList('OK', 'e-0')).toThrow(
      "POST /v3/cluster/member/list on etcd member e-0 got an answer that is not etcd's: not an object",
    );
  });
});

describe('parseStatus', () => {
  const header = { member_id: '7' };
  test('reads a member with a leader', () => {
    const json = {
      header,
      version: '3.6.11',
      dbSize: '81920',
      leader: '7',
      raftIndex: '42',
      raftTerm: '2',
      raftAppliedIndex: '42',
      dbSizeInUse: '49152',
    };
    expect(parseStatus(json, 'e-0')).toEqual({
      memberId: '7',
      leaderId: '7',
      version: '3.6.11',
      isLearner: false,
      dbSizeBytes: 81920,
      dbSizeInUseBytes: 49152,
      raftIndex: 42,
      raftTerm: 2,
      errors: [],
    });
  });

  test.each([{ leader: '0' }, {}])('knows no leader from %j', (rest) => {
    const status = parseStatus({ header, version: '3.6.11', errors: ['etcdserver: no leader'], ...rest }, 'e-0');
    expect(status.leaderId).toBeUndefined();
    expect(status.errors).toEqual(['etcdserver: no leader']);
  });
});

describe('parseRange', () => {
  test('decodes keys and values and notices leases', () => {
    const json = {
      kvs: [
        { key: b64('/s/o/leader'), value: b64('pg-0'), create_revision: '4', mod_revision: '9', version: '2', lease: '7587' },
        { key: b64('/s/o/config'), value: b64('{"ttl":"ä"}'), mod_revision: '3' },
      ],
      count: '2',
    };
    expect(parseRange(json, 'e-0')).toEqual({
      hasMore: false,
      pairs: [
        { key: '/s/o/leader', value: 'pg-0', modRevision: 9, leaseId: '7587' },
        { key: '/s/o/config', value: '{"ttl":"ä"}', modRevision: 3 },
      ],
    });
  });

  test('knows that an absent list is an empty one', () => {
    expect(parseRange({ header: {} }, 'e-0')).toEqual({ hasMore: false, pairs: [] });
    expect(parseDeleted({ header: {} }, 'e-0')).toBe(0);
    expect(parseDeleted({ deleted: '1' }, 'e-0')).toBe(1);
  });
});

test.each([
  ['/tpa/orders/', '/tpa/orders0'],
  ['a\u00ff', 'a\u00c3\u00c0'],
  ['', '\0'],
])('the keys with prefix %j end before the right one', (prefix, end) => {
  const expected = end === 'a\u00c3\u00c0' ? Buffer.from([0x61, 0xc3, 0xc0]) : Buffer.from(end);
  expect(Buffer.from(prefixEndBase64(prefix), 'base64')).toEqual(expected);
});

test.each([
  ['{"error":"etcdserver: no leader","code":14,"message":"etcdserver: no leader"}', { grpcCode: 14, detail: 'etcdserver: no leader' }],
  ['{"error":"x"}', { detail: 'x' }],
  ['Client.Timeout exceeded', { detail: 'Client.Timeout exceeded' }],
])('a failure %j', (body, expected) => {
  expect(parseFailure(body)).toEqual(expected);
});
