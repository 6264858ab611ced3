import { describe, expect, test } from '@jest/globals';

import { cluster } from '../../../test/golden/cluster.ts';
import { haproxyConfig, haproxyConfigHash } from './config.ts';

/** Lines of a section such as `backend rw`. */
function section(text: string, head: string): readonly string[] {
  const lines = text.split('\n');
  const start = lines.indexOf(head);
  const end = lines.indexOf('', start);
  return start < 0 ? [] : lines.slice(start + 1, end).map((line) => line.trim());
}

function servers(text: string, backend: string): readonly string[] {
  return section(text, `backend ${backend}`).filter((line) => line.startsWith('server '));
}

describe('haproxy.cfg', () => {
  const text = haproxyConfig(cluster(), 3);

  test('has one server for each member in both backends', () => {
    for (const backend of ['rw', 'ro']) {
      expect(servers(text, backend).map((line) => line.split(' ')[1])).toEqual([
        'orders-postgres-0',
        'orders-postgres-1',
        'orders-postgres-2',
      ]);
    }
  });

  test('verifies the certificate and the name of whom it checks', () => {
    for (const line of [...servers(text, 'rw'), ...servers(text, 'ro')]) {
      const fqdn = `${line.split(' ')[1]!}.orders-postgres.shop.svc.cluster.local`;
      expect(line).toContain(`${fqdn}:5432 `);
      expect(line).toContain(`check-ssl verify required ca-file /etc/haproxy-tls/ca.crt check-sni ${fqdn} verifyhost ${fqdn}`);
    }
  });

  test('really spreads read-only connections: neither stickiness nor backups', () => {
    expect(text).not.toMatch(/stick|backup/);
    expect(section(text, 'backend ro')).toContain('balance leastconn');
  });

  test('sends writes to the leader and reads to replicas', () => {
    expect(section(text, 'backend rw')).toContain('http-check send meth OPTIONS uri /primary');
    expect(section(text, 'backend ro')).toContain('http-check send meth OPTIONS uri /replica');
  });

  test('holds connections back while several members seem to lead', () => {
    expect(section(text, 'backend rw')).toEqual(
      expect.arrayContaining(['tcp-request content accept if { nbsrv(rw) le 1 }', 'tcp-request content reject if WAIT_END']),
    );
  });

  test('starts before any name can be resolved, and keeps an address whose name is gone', () => {
    for (const line of servers(text, 'rw')) expect(line).toContain('resolvers kubernetes init-addr none');
    expect(section(text, 'resolvers kubernetes')).toEqual(expect.arrayContaining(['parse-resolv-conf', 'hold nx 24h']));
  });

  test('answers with the hash of what it has loaded', () => {
    expect(text).toContain(`string ${haproxyConfigHash(cluster(), 3)} if { path /config-hash }`);
    expect(haproxyConfigHash(cluster(), 4)).not.toBe(haproxyConfigHash(cluster(), 3));
  });
});

test('replicas that lag too far get no reads: the limit is in bytes', () => {
  const text = haproxyConfig(cluster({ haproxy: { readOnly: { maxLag: '16Mi' } } }), 3);
  expect(section(text, 'backend ro')).toContain('http-check send meth OPTIONS uri /replica?lag=16777216');
});

test('the only member of a cluster serves reads too', () => {
  const text = haproxyConfig(cluster({ postgres: { replicas: 1 } }), 1);
  expect(section(text, 'backend ro')).toContain('http-check send meth OPTIONS uri /read-only');
});

test('read-only traffic can be turned off', () => {
  expect(haproxyConfig(cluster({ haproxy: { readOnly: { enabled: false } } }), 3)).not.toContain('backend ro');
});

test('takes at least 1000 connections, and more when the members do', () => {
  expect(haproxyConfig(cluster(), 3)).toContain('  maxconn 1000\n');
  expect(haproxyConfig(cluster({ haproxy: { maxConnectionsPerServer: 400 } }), 3)).toContain('  maxconn 2400\n');
});
