import { describe, expect } from '@jest/globals';

import { names, serviceFqdn } from '../../src/api/names.ts';

import { startClient } from './support/client.ts';
import { clusterItem, pods, waitHealthy } from './support/cluster.ts';
import { record, seconds } from './support/figures.ts';
import { get, kubectl } from './support/kubectl.ts';
import { namespacesFor, removeNamespace } from './support/namespaces.ts';
import { scenario } from './support/scenario.ts';
import { applyQuickstart, sharedCluster } from './support/shared.ts';
import type { Secret } from './support/wire.ts';

describe('quickstart', () => {
  scenario('apply makes a cluster that is Ready within 40 s', async () => {
    for (const old of await namespacesFor('shared')) await removeNamespace(old);
    const { cluster, readyMs } = await applyQuickstart();
    const health = await waitHealthy(cluster);
    expect(health.members).toHaveLength(3);
    record({ figure: 'apply → Ready, quickstart', value: seconds(readyMs), unit: 's', limit: 40 });
  });

  scenario('psql with sslmode=verify-full writes through NAME-rw', async () => {
    const { cluster, health } = await sharedCluster();
    const client = await startClient(cluster);
    const host = serviceFqdn(names.primaryService(cluster.name), cluster.namespace, 'cluster.local');
    await client.psql(host, 'DROP TABLE IF EXISTS greeting; CREATE TABLE greeting (text text); INSERT INTO greeting VALUES ($$hello$$)');
    const leader = (await pods(cluster, 'postgres')).find((pod) => pod.metadata.name === health.leader);
    expect(await client.psql(host, 'SELECT text, pg_is_in_recovery(), host(inet_server_addr()), (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) FROM greeting')).toBe(
      `hello|f|${leader?.status.podIP ?? ''}|t`,
    );
    // The short names that people type in their own namespace are in the certificate as well.
    for (const short of [names.primaryService(cluster.name), `${names.primaryService(cluster.name)}.${cluster.namespace}`, `${names.primaryService(cluster.name)}.${cluster.namespace}.svc`]) {
      expect(await client.psql(short, 'SELECT text FROM greeting')).toBe('hello');
    }
  });

  scenario('NAME-ro spreads read-only connections over both replicas', async () => {
    const { cluster, health } = await sharedCluster();
    const client = await startClient(cluster);
    const host = serviceFqdn(names.replicaService(cluster.name), cluster.namespace, 'cluster.local');
    const seen = new Map<string, number>();
    for (let i = 0; i < 12; i += 1) {
      const row = await client.psql(host, 'SELECT pg_is_in_recovery(), host(inet_server_addr())');
      seen.set(row, (seen.get(row) ?? 0) + 1);
    }
    const replicas = (await pods(cluster, 'postgres')).filter((pod) => pod.metadata.name !== health.leader);
    expect([...seen.keys()].sort()).toEqual(replicas.map((pod) => `t|${pod.status.podIP ?? ''}`).sort());
    expect(Math.min(...seen.values())).toBeGreaterThanOrEqual(3);
    await expect(client.psql(host, 'CREATE TABLE forbidden ()')).rejects.toThrow(/read-only transaction/);
  });

  scenario('connections without TLS and with a wrong password are refused', async () => {
    const { cluster, health } = await sharedCluster();
    const client = await startClient(cluster);
    const leader = (await pods(cluster, 'postgres')).find((pod) => pod.metadata.name === health.leader);
    await expect(client.psql(leader?.status.podIP ?? '', 'SELECT 1', 'disable')).rejects.toThrow(/no pg_hba.conf entry/);
    await expect(client.psql(`${names.primaryService(cluster.name)} user=postgres`, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  });

  scenario('kubectl get shows leader and members, kubectl wait sees Ready', async () => {
    const { cluster, health } = await sharedCluster();
    const { namespace, name } = cluster;
    const table = await kubectl(['-n', namespace, 'get', 'patroni']);
    const [header = '', row = ''] = table.trimEnd().split('\n');
    expect(header.split(/\s{2,}/).map((column) => column.trim())).toEqual(expect.arrayContaining(['NAME', 'LEADER', 'READY', 'STATUS', 'POSTGRES', 'AGE']));
    expect(row.split(/\s{2,}/)).toEqual(expect.arrayContaining([name, health.leader, '3/3']));
    await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `patronicluster/${name}`, '--timeout=5s']);
    await kubectl(['-n', namespace, 'wait', '--for=jsonpath={.status.ready}=3/3', `pgc/${name}`, '--timeout=5s']);
    expect(await kubectl(['-n', namespace, 'get', 'all'])).toContain(`patronicluster.patroni-operator.dev/${name}`);
  });

  scenario('status names endpoints, versions and members, and observes the generation', async () => {
    const { cluster, health } = await sharedCluster();
    const { metadata, status } = await clusterItem(cluster);
    expect(status?.observedGeneration).toBe(metadata.generation);
    expect(status?.members?.map((member) => member.name).sort()).toEqual(health.members.map((member) => member.name).sort());
    expect(status?.members?.every((member) => member.ready && member.timeline === health.timeline)).toBe(true);
    expect(status?.endpoints?.primary).toContain(names.primaryService(cluster.name));
    expect(status?.endpoints?.replicas).toContain(names.replicaService(cluster.name));
    expect(status?.versions?.postgres).toMatch(/^17\./);
    expect(status?.versions?.patroni).toMatch(/^4\.1\./);
    expect(status?.systemIdentifier).toMatch(/^[0-9]{15,}$/);
    expect(status?.etcd).toEqual(expect.objectContaining({ formed: true, readyReplicas: 3 }));
  });

  scenario('the connection Secret of the application has what clients need', async () => {
    const { cluster } = await sharedCluster();
    const secret = await get<Secret>(cluster.namespace, 'secret', names.applicationSecret(cluster.name));
    expect(Object.keys(secret.data ?? {})).toEqual(expect.arrayContaining(['ca.crt', 'failover-jdbc-uri', 'failover-uri', 'host', 'jdbc-uri', 'password', 'pgpass', 'port', 'uri']));
    const client = await startClient(cluster);
    for (const key of ['uri', 'failover-uri']) {
      expect(await client.psqlByUri(key, 'SELECT pg_is_in_recovery(), (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())')).toBe('f|t');
    }
  });
});
