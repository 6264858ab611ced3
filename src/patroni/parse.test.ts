import { describe, expect, test } from '@jest/globals';
import type { ClusterView, Lag, MemberProbe } from './cluster-view.ts';
import { parseClusterView, parseDynamicConfig, parseLag, parseMemberProbe } from './parse.ts';

describe('parseLag', () => {
  test.each<[string, unknown, Lag]>([
    ['a count of bytes', 4096, { known: true, bytes: 4096 }],
    ['zero', 0, { known: true, bytes: 0 }],
    ['the text unknown', 'unknown', { known: false }],
    ['a number as text', '16', { known: false }],
    ['a negative number', -1, { known: false }],
    ['NaN', Number.NaN, { known: false }],
    ['nothing', undefined, { known: false }],
    ['null', null, { known: false }],
  ])('reads %s', (_, raw, lag) => {
    expect(parseLag(raw)).toEqual(lag);
  });
});

// Recorded from Patroni 4.1.5 (three members on loopback, PostgreSQL 15).
const CLUSTER_4_1 = {
  members: [
    {
      name: 'pg-0',
      role: 'leader',
      state: 'running',
      api_url: 'https://pg-0:8008/patroni',
      host: '10.0.0.1',
      port: 5432,
      timeline: 3,
      tags: { 'config-hash': 'abc' },
    },
    {
      name: 'pg-1',
      role: 'replica',
      state: 'streaming',
      api_url: 'https://pg-1:8008/patroni',
      host: '10.0.0.2',
      port: 5432,
      timeline: 3,
      pending_restart: true,
      pending_restart_reason: { max_connections: { old_value: '100', new_value: '200' } },
      receive_lag: 0,
      receive_lsn: '0/5000060',
      replay_lag: 0,
      replay_lsn: '0/5000060',
      lag: 0,
      lsn: '0/5000060',
    },
    {
      name: 'pg-2',
      role: 'replica',
      state: 'stopped',
      api_url: 'https://pg-2:8008/patroni',
      host: '10.0.0.3',
      port: 5432,
      receive_lsn: 'unknown',
      receive_lag: 'unknown',
      lag: 'unknown',
      lsn: 'unknown',
    },
  ],
  scope: 'orders',
};

// Patroni 3.0.2 (Debian 12): no scope, healthy replicas `running`.
const CLUSTER_3_0 = {
  members: [
    { name: 'a', role: 'leader', state: 'running', api_url: 'http://127.0.0.1:8008/patroni', host: '127.0.0.1', port: 5432, timeline: 1 },
    {
      name: 'b',
      role: 'sync_standby',
      state: 'running',
      api_url: 'http://127.0.0.1:8009/patroni',
      host: '127.0.0.1',
      port: 5433,
      timeline: 1,
      lag: 0,
      pending_restart: true,
    },
  ],
  pause: true,
};

describe('parseClusterView', () => {
  test.each<[string, unknown, ClusterView]>([
    [
      'a sample of Patroni 4.1',
      CLUSTER_4_1,
      {
        scope: 'orders',
        paused: false,
        members: [
          {
            name: 'pg-0',
            role: 'leader',
            state: 'running',
            timeline: 3,
            lag: { known: false },
            apiUrl: 'https://pg-0:8008/patroni',
            host: '10.0.0.1',
            pendingRestart: false,
            tags: { 'config-hash': 'abc' },
          },
          {
            name: 'pg-1',
            role: 'replica',
            state: 'streaming',
            timeline: 3,
            lag: { known: true, bytes: 0 },
            apiUrl: 'https://pg-1:8008/patroni',
            host: '10.0.0.2',
            pendingRestart: true,
            pendingSettings: [{ name: 'max_connections', oldValue: '100', newValue: '200' }],
            tags: {},
          },
          {
            name: 'pg-2',
            role: 'replica',
            state: 'stopped',
            lag: { known: false },
            apiUrl: 'https://pg-2:8008/patroni',
            host: '10.0.0.3',
            pendingRestart: false,
            tags: {},
          },
        ],
      },
    ],
    [
      'a sample of Patroni 3.0',
      CLUSTER_3_0,
      {
        scope: '',
        paused: true,
        members: [
          {
            name: 'a',
            role: 'leader',
            state: 'running',
            timeline: 1,
            lag: { known: false },
            apiUrl: 'http://127.0.0.1:8008/patroni',
            host: '127.0.0.1',
            pendingRestart: false,
            tags: {},
          },
          {
            name: 'b',
            role: 'sync_standby',
            state: 'running',
            timeline: 1,
            lag: { known: true, bytes: 0 },
            apiUrl: 'http://127.0.0.1:8009/patroni',
            host: '127.0.0.1',
            pendingRestart: true,
            tags: {},
          },
        ],
      },
    ],
    [
      'a scheduled switchover',
      { members: [], scope: 's', scheduled_switchover: { at: '2026-12-01T00:00:00+00:00', from: 'a' } },
      { scope: 's', members: [], paused: false, scheduledSwitchover: { at: '2026-12-01T00:00:00+00:00', from: 'a' } },
    ],
    [
      'the word master and members that say little',
      { members: [{ name: 'a', role: 'master' }, { role: 'replica' }, 'b', { name: 'c', timeline: 'unknown', tags: [], lag: null }] },
      {
        scope: '',
        paused: false,
        members: [
          { name: 'a', role: 'leader', state: 'unknown', lag: { known: false }, pendingRestart: false, tags: {} },
          { name: 'c', role: 'unknown', state: 'unknown', lag: { known: false }, pendingRestart: false, tags: {} },
        ],
      },
    ],
  ])('reads %s', (_, json, view) => {
    expect(parseClusterView(json)).toEqual(view);
  });

  test.each([[null], ['<html>'], [{}], [{ members: {} }]])('refuses %j', (json) => {
    expect(() => parseClusterView(json, 'pg-0')).toThrow(
      "GET /cluster on Patroni member pg-0 got an answer that is not Patroni's: no list of members",
    );
  });
});

describe('parseMemberProbe', () => {
  test.each<[string, unknown, MemberProbe]>([
    [
      'a primary of Patroni 4.1',
      {
        state: 'running',
        postmaster_start_time: '2026-11-22 10:00:00+00:00',
        role: 'primary',
        server_version: 170006,
        xlog: { location: 83886176 },
        timeline: 3,
        replication: [{ usename: 'replicator', application_name: 'pg-1', state: 'streaming', sync_state: 'async', sync_priority: 0 }],
        dcs_last_seen: 1700000000,
        database_system_identifier: '7300000000000000001',
        patroni: { version: '4.1.5', scope: 'orders', name: 'pg-0' },
      },
      {
        name: 'pg-0',
        role: 'primary',
        state: 'running',
        timeline: 3,
        systemIdentifier: '7300000000000000001',
        serverVersion: 170006,
        patroniVersion: '4.1.5',
        pendingRestart: false,
        paused: false,
      },
    ],
    [
      'a replica that waits for a restart in a paused cluster',
      {
        state: 'running',
        role: 'replica',
        timeline: 3,
        replication_state: 'streaming',
        server_version: 170006,
        pause: true,
        pending_restart: true,
        patroni: { version: '4.1.5' },
      },
      {
        name: 'pg-0',
        role: 'replica',
        state: 'running',
        timeline: 3,
        replicationState: 'streaming',
        serverVersion: 170006,
        patroniVersion: '4.1.5',
        pendingRestart: true,
        paused: true,
      },
    ],
    [
      'a member whose PostgreSQL does not run',
      { state: 'stopped', role: 'demoted', dcs_last_seen: 1700000000, patroni: { version: '4.1.5', scope: 'orders', name: 'pg-0' } },
      { name: 'pg-0', role: 'demoted', state: 'stopped', patroniVersion: '4.1.5', pendingRestart: false, paused: false },
    ],
    [
      'a primary of Patroni 3.0',
      { state: 'running', role: 'master', server_version: 150018, timeline: 1, patroni: { version: '3.0.2', scope: 's' } },
      {
        name: 'pg-0',
        role: 'primary',
        state: 'running',
        timeline: 1,
        serverVersion: 150018,
        patroniVersion: '3.0.2',
        pendingRestart: false,
        paused: false,
      },
    ],
  ])('reads %s', (_, json, probe) => {
    expect(parseMemberProbe('pg-0', json)).toEqual(probe);
  });

  test('refuses what has no state', () => {
    expect(() => parseMemberProbe('pg-0', { role: 'replica' })).toThrow(
      "GET /patroni on Patroni member pg-0 got an answer that is not Patroni's: no state",
    );
  });
});

describe('parseDynamicConfig', () => {
  test('returns the object as it is and refuses anything else', () => {
    expect(parseDynamicConfig({ ttl: 30, slots: { a: null } })).toEqual({ ttl: 30, slots: { a: null } });
    expect(() => parseDynamicConfig([])).toThrow('not an object');
  });
});
