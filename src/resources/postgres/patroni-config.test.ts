import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';

import { cluster } from '../../../test/golden/cluster.ts';
import { wantedDynamicConfig } from '../../config/dynamic-config.ts';
import { bootstrapConfig, memberFiles, patroniConfig, patroniConfigHash } from './patroni-config.ts';
import { pgServiceFile } from './pg-service.ts';

interface Config {
  readonly tags: Record<string, unknown>;
  readonly watchdog: { readonly mode: unknown };
  readonly restapi: Record<string, unknown>;
  readonly etcd3: { readonly hosts: readonly string[]; readonly protocol: string };
  readonly postgresql: {
    readonly authentication: Record<string, Record<string, string>>;
    readonly pg_hba: readonly string[];
    readonly pg_ident: readonly string[];
    readonly parameters: Record<string, string>;
    readonly basebackup: readonly unknown[];
  };
}

function config(spec: Record<string, unknown> = {}): Config {
  return load(patroniConfig(cluster(spec))) as Config;
}

describe('the local configuration', () => {
  test('carries its own hash as a tag', () => {
    expect(config().tags['config-hash']).toBe(patroniConfigHash(cluster(), 0));
  });

  test('does not change with the number of members or their size, so that neither reloads anything', () => {
    const bigger = { postgres: { replicas: 5, storage: { size: '1Ti' }, resources: { limits: { memory: '64Gi' } } } };
    expect(patroniConfig(cluster(bigger))).toBe(patroniConfig(cluster()));
  });

  test('gives the replication user a certificate and no password, so that the shared password file is never about it', () => {
    const { replication } = config().postgresql.authentication;
    expect(replication).toMatchObject({ sslmode: 'verify-full', sslcert: expect.any(String), sslkey: expect.any(String) });
    expect(replication).not.toHaveProperty('password');
    expect(config().postgresql.basebackup).toContain('no-password');
  });

  test('holds no password of anybody', () => {
    expect(patroniConfig(cluster())).not.toMatch(/^\s*password:/m);
  });

  test('verifies the server in every connection between members', () => {
    for (const user of Object.values(config().postgresql.authentication)) expect(user['sslmode']).toBe('verify-full');
  });

  test('lets nobody in over the network without TLS, and the replication user only to replicate', () => {
    const lines = config({ patroni: { users: { replication: 'walker' } } }).postgresql.pg_hba;
    expect(lines.filter((line) => !/^(local|hostssl) /.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('hostssl') && line.includes('walker'))).toEqual([
      'hostssl replication walker all cert',
      'hostssl all walker all reject',
    ]);
    expect(lines.filter((line) => line.includes('trust'))).toEqual([]);
  });

  test('keeps words that YAML 1.1 takes for something else as words', () => {
    expect(patroniConfig(cluster())).toContain('mode: "off"');
    expect(config().postgresql.parameters['ssl']).toBe('on');
  });

  test('asks every etcd member over TLS', () => {
    const { hosts, protocol } = config({ etcd: { replicas: 5 } }).etcd3;
    expect(hosts).toHaveLength(5);
    expect(hosts[4]).toBe('orders-etcd-4.orders-etcd.shop.svc.cluster.local:2379');
    expect(protocol).toBe('https');
  });

  test('follows the port of the REST API, which changes the hash', () => {
    const c = cluster({ patroni: { listenPort: 18008 } });
    expect((load(patroniConfig(c)) as Config).restapi['listen']).toBe('0.0.0.0:18008');
    expect(patroniConfigHash(c, 0)).not.toBe(patroniConfigHash(cluster(), 0));
  });
});

describe('the file of a member', () => {
  const members = [{ ordinal: 1, nofailover: true, syncPriority: 0 }, { ordinal: 2 }];
  const c = cluster({ patroni: { members } });

  test('holds its tags under the names of Patroni, and a hash of its own', () => {
    expect(memberFiles(c).map(({ ordinal, text }) => ({ ordinal, config: load(text) }))).toEqual([
      { ordinal: 1, config: { tags: { nofailover: true, sync_priority: 0, 'config-hash': patroniConfigHash(c, 1) } } },
    ]);
  });

  test('changes what that member has to show, and nothing for the others', () => {
    expect(patroniConfigHash(c, 1)).not.toBe(patroniConfigHash(c, 0));
    expect(patroniConfigHash(c, 2)).toBe(patroniConfigHash(c, 0));
    expect(patroniConfigHash(c, 0)).toBe(patroniConfigHash(cluster(), 0));
  });
});

describe('the bootstrap configuration', () => {
  test('keeps Patroni’s rule loop_wait + 2 * retry_timeout <= ttl', () => {
    const { ttl, loop_wait, retry_timeout } = wantedDynamicConfig(cluster()) as Record<string, number>;
    expect(loop_wait! + 2 * retry_timeout!).toBeLessThanOrEqual(ttl!);
  });

  test.each([
    ['18', false, 'no-data-checksums'],
    ['17', true, 'data-checksums'],
  ])('PostgreSQL %s with checksums %p says %s to initdb', (major, dataChecksums, option) => {
    const spec = { versions: { postgres: major }, bootstrap: { initdb: { dataChecksums } } };
    const { bootstrap } = load(bootstrapConfig(cluster(spec))) as { bootstrap: { initdb: unknown[] } };
    expect(bootstrap.initdb).toContain(option);
  });

  test('says nothing about checksums where off is the default', () => {
    const spec = { versions: { postgres: '17' }, bootstrap: { initdb: { dataChecksums: false } } };
    expect(bootstrapConfig(cluster(spec))).not.toContain('checksums');
  });
});

test('the service file bounds how long a connection may hang', () => {
  expect(pgServiceFile()).toContain('tcp_user_timeout=3000');
});
