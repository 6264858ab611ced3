import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';

import { cluster } from '../../test/golden/cluster.ts';
import type { EffectiveCluster } from '../api/effective.ts';
import { ANNOTATIONS } from '../api/meta.ts';
import type { Manifest } from '../api/objects.ts';
import { leafSubject } from './leaves.ts';
import {
  buildCaSecret,
  buildCredentialSecret,
  buildLeafSecret,
  type CaPlan,
  type CredentialPlan,
  type LeafPlan,
  secretPlan,
} from './secrets.ts';

const CA = { certPem: 'CA PEM\n', fingerprint: 'f00d' };

function credential(c: EffectiveCluster, kind: CredentialPlan['kind'], password = 'pw'): Record<string, string> {
  const plan = secretPlan(c).find((candidate): candidate is CredentialPlan => candidate.kind === kind);
  return entries(buildCredentialSecret(c, plan!, password, CA));
}

function entries(secret: Manifest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secret['data'] as Record<string, string>).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

describe('secretPlan', () => {
  test('names the CA, seven leaves and four credentials', () => {
    expect(secretPlan(cluster()).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'ca orders-ca',
      'leaf orders-postgres-server-tls',
      'leaf orders-patroni-rest-tls',
      'leaf orders-replication-tls',
      'leaf orders-rest-client-tls',
      'leaf orders-etcd-server-tls',
      'leaf orders-etcd-peer-tls',
      'leaf orders-etcd-client-tls',
      'superuser orders-superuser',
      'rewind orders-rewind',
      'restapi orders-restapi',
      'application orders-app',
    ]);
  });

  test('has no application Secret when there is no application', () => {
    expect(secretPlan(cluster({ application: { enabled: false } })).map(({ kind }) => kind)).not.toContain('application');
  });

  test('retains what kept data cannot do without, and the CA that clients trust', () => {
    expect(
      secretPlan(cluster())
        .filter(({ retained }) => retained)
        .map(({ kind }) => kind),
    ).toEqual(['ca', 'superuser', 'rewind', 'application']);
  });

  test('changes the hash of a connection Secret with where clients connect, and with nothing else', () => {
    const hash = (spec: Record<string, unknown>) => secretPlan(cluster(spec)).find(({ kind }) => kind === 'application')?.subjectHash;
    expect(hash({ postgres: { replicas: 5 } })).toBe(hash({}));
    expect(hash({ haproxy: { enabled: false } })).not.toBe(hash({}));
    expect(hash({ application: { owner: 'someone' } })).not.toBe(hash({}));
  });
});

describe('a connection Secret', () => {
  test('has everything a client needs, through HAProxy', () => {
    expect(credential(cluster({ application: { database: 'ledger', owner: 'clerk' } }), 'application', 's3cret')).toEqual({
      username: 'clerk',
      password: 's3cret',
      host: 'orders-rw.shop.svc.cluster.local',
      port: '5432',
      dbname: 'ledger',
      uri: 'postgresql://clerk:s3cret@orders-rw.shop.svc.cluster.local:5432/ledger?sslmode=require',
      'jdbc-uri': 'jdbc:postgresql://orders-rw.shop.svc.cluster.local:5432/ledger?user=clerk&password=s3cret&sslmode=require',
      'failover-uri':
        'postgresql://clerk:s3cret@orders-haproxy-0.orders-haproxy.shop.svc.cluster.local:5432,orders-haproxy-1.orders-haproxy.shop.svc.cluster.local:5432/ledger?sslmode=require&connect_timeout=2',
      'failover-jdbc-uri':
        'jdbc:postgresql://orders-haproxy-0.orders-haproxy.shop.svc.cluster.local:5432,orders-haproxy-1.orders-haproxy.shop.svc.cluster.local:5432/ledger?user=clerk&password=s3cret&sslmode=require&connectTimeout=2',
      pgpass: ['orders-rw', 'orders-haproxy-0.orders-haproxy', 'orders-haproxy-1.orders-haproxy'].map((host) => `${host}.shop.svc.cluster.local:5432:*:clerk:s3cret\n`).join(''),
      'ca.crt': 'CA PEM\n',
    });
  });

  test('names all members without HAProxy and lets the client find the leader', () => {
    const direct = credential(cluster({ postgres: { replicas: 2 }, haproxy: { enabled: false } }), 'application');
    const [first, second] = ['orders-postgres-0', 'orders-postgres-1'].map((pod) => `${pod}.orders-postgres.shop.svc.cluster.local`);
    expect(direct['host']).toBe(`${first!},${second!}`);
    expect(direct['uri']).toBe(`postgresql://app:pw@${first!}:5432,${second!}:5432/app?sslmode=require&target_session_attrs=read-write`);
    expect(direct['jdbc-uri']).toContain('&targetServerType=primary');
    expect(direct['failover-uri']).toBe(`${direct['uri']!}&connect_timeout=2`);
    expect(direct['pgpass']?.trim().split('\n')).toHaveLength(2);
  });

  test('escapes what a password file and a URI would misread', () => {
    const odd = credential(cluster(), 'application', String.raw`a:b\c/d`);
    expect(odd['pgpass']).toContain(String.raw`:app:a\:b\\c/d`);
    expect(odd['uri']).toContain(':a%3Ab%5Cc%2Fd@');
  });

  test('names only hosts that are in the certificate of the server', () => {
    for (const spec of [{}, { haproxy: { enabled: false } }]) {
      const c = cluster(spec);
      const { dnsNames } = leafSubject(c, 'postgres-server');
      const { pgpass } = credential(c, 'application');
      const hosts = pgpass!.trim().split('\n').map((line) => line.slice(0, line.indexOf(':')));
      expect(hosts.length).toBeGreaterThan(1);
      for (const host of hosts) {
        expect(dnsNames.some((name) => name === host || (name.startsWith('*.') && host.slice(host.indexOf('.')) === name.slice(1)))).toBe(
          true,
        );
      }
    }
  });
});

describe('the pieces of Patroni’s configuration', () => {
  test.each([
    ['superuser', { postgresql: { authentication: { superuser: { username: 'postgres', password: '0123' } } } }],
    ['rewind', { postgresql: { authentication: { rewind: { username: 'rewind', password: '0123' } } } }],
    ['restapi', { restapi: { authentication: { username: 'patroni', password: '0123' } } }],
  ] as const)('%s is in its own Secret, and a password of digits stays text', (kind, expected) => {
    const text = credential(cluster(), kind, '0123')['patroni.yml'];
    expect(load(text!)).toEqual(expected);
    expect(text).toContain('password: "0123"');
  });

  test('the application has none', () => {
    expect(credential(cluster(), 'application')).not.toHaveProperty(['patroni.yml']);
  });
});

describe('certificate Secrets', () => {
  const plans = secretPlan(cluster());

  test('a leaf is a TLS Secret whose annotations say when to renew it', () => {
    const plan = plans.find((candidate): candidate is LeafPlan => candidate.kind === 'leaf')!;
    const secret = buildLeafSecret(cluster(), plan, { certPem: 'c', keyPem: 'k', notAfterMs: Date.parse('2027-02-20T00:00:00Z'), ca: CA });
    expect(secret['type']).toBe('kubernetes.io/tls');
    expect(entries(secret)).toEqual({ 'tls.crt': 'c', 'tls.key': 'k', 'ca.crt': 'CA PEM\n' });
    expect(secret.metadata.annotations).toEqual({
      [ANNOTATIONS.notAfter]: '2027-02-20T00:00:00.000Z',
      [ANNOTATIONS.caFingerprint]: 'f00d',
      [ANNOTATIONS.subjectHash]: plan.subjectHash,
    });
    expect(secret.metadata.ownerReferences).toHaveLength(1);
  });

  test('the CA has no owner, so that it outlives the resource', () => {
    const plan = plans.find((candidate): candidate is CaPlan => candidate.kind === 'ca')!;
    const secret = buildCaSecret(cluster(), plan, { certPem: 'c', keyPem: 'k', notAfterMs: 0, fingerprint: 'f' });
    expect(secret.metadata.ownerReferences).toBeUndefined();
    expect(entries(secret)).toEqual({ 'ca.crt': 'c', 'ca.key': 'k' });
  });
});
