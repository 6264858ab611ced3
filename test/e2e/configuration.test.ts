import { describe, expect } from '@jest/globals';
import fc from 'fast-check';

import { effectiveCluster } from '../../src/api/effective.ts';
import { API_VERSION } from '../../src/api/meta.ts';
import { parseCluster } from '../../src/api/validate.ts';
import { leftOutByPatroni } from '../../src/config/patroni-values.ts';
import { PROTECTED_PARAMETERS, protectedBy } from '../../src/config/protected.ts';
import { isJsonObject, type JsonObject } from '../../src/lib/deep-merge.ts';
import { valueAtPath } from '../../src/lib/json-path.ts';
import { checkGuc } from '../../src/postgres/gucs/value.ts';
import { bootstrapConfig, patroniConfig } from '../../src/resources/postgres/patroni-config.ts';
import { gucValues, type GucValue } from '../support/guc-values.ts';
import { randomSpec } from '../support/random-spec.ts';
import { BAD_CONFIGURATIONS } from '../support/bad-configurations.ts';

import { clusterItem, leaderOf, manifest, podName, pods, SMALLEST, sql, waitHealthy, type Cluster } from './support/cluster.ts';
import { configOf, dcsConfig, eventMessages, fileOf, patchSpec, replaceInSpec, settingEverywhere, settingOf, startTimes, waitApplied, waitReason } from './support/configuration.ts';
import { etcdctl, etcdMembers } from './support/etcd.ts';
import { exec, kubectl, waitCondition } from './support/kubectl.ts';
import { inNamespace } from './support/namespaces.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';

/** Each costs the validator connections to three etcd members. */
const SAMPLE = 150;

const HEADERS = { 'X-Frame-Options': 'SAMEORIGIN' };

/** One of each: set, list replaced, null, omitted; in both maps, and in the settings. */
const CUSTOM = {
  postgres: { parameters: { work_mem: '6MB', 'auto_explain.log_min_duration': '5s', log_lock_waits: false }, hba: { append: ['hostssl all reporting 10.0.0.0/8 cert'] } },
  patroni: {
    config: {
      restapi: { http_extra_headers: HEADERS },
      postgresql: { basebackup: ['no-password', { checkpoint: 'fast' }, { 'max-rate': '100M' }], parameters: { max_locks_per_transaction: 80 } },
      bootstrap: { dcs: { maximum_lag_on_syncnode: 1048576 } },
      watchdog: null,
    },
    dynamicConfig: { check_timeline: true, ignore_slots: [{ name: 'legacy' }], failsafe_mode: null },
    omit: ['log', 'postgresql.parameters.log_checkpoints'],
    members: [{ ordinal: 0, clonefrom: true }],
  },
};

/** The custom keys in file, etcd and PostgreSQL; `generated` is what a cluster without them has. */
async function expectCustom(cluster: Cluster): Promise<void> {
  const leader = await leaderOf(cluster);
  const [file, dcs] = await Promise.all([fileOf(cluster, leader), dcsConfig(cluster)]);
  expect(file['restapi']).toMatchObject({ http_extra_headers: HEADERS, verify_client: 'optional' });
  expect(valueAtPath(file, ['postgresql', 'basebackup'])).toEqual(CUSTOM.patroni.config.postgresql.basebackup);
  expect(valueAtPath(file, ['postgresql', 'parameters'])).not.toHaveProperty('max_locks_per_transaction');
  expect(file).not.toHaveProperty('log');
  expect(file).not.toHaveProperty('watchdog');
  expect(valueAtPath(file, ['postgresql', 'pg_hba'])).toEqual(expect.arrayContaining(['hostssl all reporting 10.0.0.0/8 cert', 'hostssl all all all scram-sha-256']));
  expect(dcs).toMatchObject({ check_timeline: true, ignore_slots: [{ name: 'legacy' }], maximum_lag_on_syncnode: 1048576, ttl: 20 });
  expect(dcs).not.toHaveProperty('failsafe_mode');
  const parameters = valueAtPath(dcs, ['postgresql', 'parameters']);
  expect(parameters).toMatchObject({ work_mem: '6MB', log_lock_waits: false, max_locks_per_transaction: 80, wal_level: 'logical' });
  expect(parameters).not.toHaveProperty('log_checkpoints');
  expect(await settingOf(cluster, leader, 'work_mem')).toBe('6MB');
  expect(await settingOf(cluster, leader, 'log_lock_waits')).toBe('off');
  expect(await settingOf(cluster, leader, 'max_locks_per_transaction')).toBe('80');
  expect(await sql(cluster, leader, "SELECT count(*) FROM pg_hba_file_rules WHERE 'reporting' = ANY (user_name) AND error IS NULL")).toBe('1');
  const keys = (await clusterItem(cluster)).status?.config?.keys ?? [];
  expect(keys.filter(({ verdict }) => verdict !== 'Applied').map(({ key, verdict }) => `${key} ${verdict}`)).toEqual([]);
  expect(keys.find(({ key }) => key === 'spec.postgres.parameters.work_mem')).toMatchObject({ target: 'dynamic', effective: '6MB' });
}

const withoutSlots = ({ slots: _, ...rest }: JsonObject): JsonObject => rest;

describe('the three layers of the configuration', () => {
  scenario('every kind of key is in the file, in etcd and in PostgreSQL when it was there on creation', async () => {
    await inNamespace('config', async (namespace) => {
      const cluster = { name: 'layers', namespace };
      // `create` and not `apply`: a server-side apply drops nulls before anybody sees them.
      await kubectl(['create', '-f', '-'], { input: JSON.stringify(manifest(cluster, { ...SMALLEST, ...CUSTOM, postgres: { ...SMALLEST.postgres, ...CUSTOM.postgres } })) });
      await waitCondition(namespace, `patronicluster/${cluster.name}`, 'Ready', 180_000);
      await waitApplied(cluster);
      await expectCustom(cluster);
      const tags = valueAtPath(await fileOf(cluster, podName(cluster, 0)), ['tags']);
      expect(tags).toMatchObject({ clonefrom: true });
    });
  });

  scenario('the same keys set on a living cluster arrive on every member, change, and go without a trace', async () => {
    const { cluster } = await settledCluster();
    const before = { file: await fileOf(cluster, podName(cluster, 1)), dcs: withoutSlots(await dcsConfig(cluster)) };
    const { updateStrategy, ...spec } = (await clusterItem(cluster)).spec;
    try {
      await patchSpec(cluster, { postgres: CUSTOM.postgres, patroni: { config: { ...CUSTOM.patroni.config, watchdog: undefined }, dynamicConfig: { ...CUSTOM.patroni.dynamicConfig, failsafe_mode: undefined }, omit: CUSTOM.patroni.omit, members: CUSTOM.patroni.members } });
      // A merge patch takes nulls for removals; a JSON patch keeps them.
      await replaceInSpec(cluster, 'patroni/config/watchdog', null);
      await replaceInSpec(cluster, 'patroni/dynamicConfig/failsafe_mode', null);
      await waitApplied(cluster, 120_000);
      await expectCustom(cluster);
      expect(await settingEverywhere(cluster, 'work_mem')).toEqual(['6MB', '6MB', '6MB']);

      await patchSpec(cluster, { postgres: { parameters: { work_mem: '7MB' } }, patroni: { dynamicConfig: { ignore_slots: [{ name: 'other' }] } } });
      await waitApplied(cluster);
      expect(await settingEverywhere(cluster, 'work_mem')).toEqual(['7MB', '7MB', '7MB']);
      expect((await dcsConfig(cluster))['ignore_slots']).toEqual([{ name: 'other' }]);
    } finally {
      await patchSpec(cluster, { postgres: { parameters: null, hba: null }, patroni: { config: null, dynamicConfig: null, omit: null, members: null } });
    }
    expect({ ...(await clusterItem(cluster)).spec, updateStrategy }).toEqual({ ...spec, updateStrategy });
    await waitApplied(cluster, 120_000);
    await waitHealthy(cluster);
    expect(withoutSlots(await dcsConfig(cluster))).toEqual(before.dcs);
    expect(await fileOf(cluster, podName(cluster, 1))).toEqual(before.file);
    expect(await settingEverywhere(cluster, 'work_mem')).toEqual(['4MB', '4MB', '4MB']);
  }, { timeoutMs: 480_000 });

  scenario('dedicated fields: synchronous replication, slots, tags of a member, timings and the log', async () => {
    const { cluster } = await settledCluster();
    const before = await startTimes(cluster);
    const leader = await leaderOf(cluster);
    const others = (await pods(cluster, 'postgres')).map(({ metadata }) => metadata.name).filter((name) => name !== leader);
    const barred = others[0] ?? '';
    try {
      await patchSpec(cluster, {
        patroni: {
          failover: 'fast',
          synchronous: { mode: 'on' },
          slots: { archiver: { type: 'physical' }, feed: { type: 'logical', database: 'app', plugin: 'pgoutput' } },
          members: [{ ordinal: Number(barred.split('-').at(-1)), nofailover: true, nosync: true }],
          log: { level: 'WARNING' },
        },
      });
      await waitApplied(cluster, 120_000);
      expect(await dcsConfig(cluster)).toMatchObject({ ttl: 20, loop_wait: 3, retry_timeout: 3, synchronous_mode: true, slots: { archiver: { type: 'physical' }, feed: { type: 'logical' } } });
      const synchronous = await waitFor('a synchronous standby', async () => (await sql(cluster, leader, "SELECT application_name FROM pg_stat_replication WHERE sync_state = 'sync'")) || undefined, { timeoutMs: 60_000 });
      expect(synchronous).toBe(others[1]);
      // Patroni copies the logical slot to whoever may take over, so that its reader goes on after a failover; for that it restarts the replica once.
      await waitFor('the slots on the leader and its heir', async () => {
        const found = await Promise.all([leader, synchronous].map((name) => sql(cluster, name, "SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots WHERE slot_name IN ('archiver', 'feed')")));
        if (!found.every((slots) => slots === 'archiver feed')) throw new Error(`they have ${found.join(' and ')}`);
        return true;
      }, { timeoutMs: 90_000 });
      expect((await fileOf(cluster, barred))['tags']).toMatchObject({ nofailover: true, nosync: true });
      expect((await fileOf(cluster, leader))['tags']).not.toHaveProperty('nofailover');
      expect((await fileOf(cluster, leader))['log']).toMatchObject({ level: 'WARNING' });
    } finally {
      await patchSpec(cluster, { patroni: { failover: null, synchronous: null, slots: null, members: null, log: null } });
    }
    await waitApplied(cluster, 120_000);
    await waitFor('the slots gone', async () => ((await sql(cluster, leader, "SELECT count(*) FROM pg_replication_slots WHERE slot_name IN ('archiver', 'feed')")) === '0' ? true : undefined), { timeoutMs: 60_000 });
    expect((await startTimes(cluster))[leader]).toBe(before[leader]);
    await waitHealthy(cluster);
  });

  scenario('settings that PostgreSQL shows otherwise than they were written count as applied, and one that it does not know as ignored', async () => {
    const { cluster } = await settledCluster();
    const parameters = {
      archive_command: 'cp %p /tmp/%f',
      DateStyle: 'dmy',
      timezone: 'utc',
      log_timezone: 'europe/berlin',
      client_encoding: 'utf8',
      client_min_messages: 'LOG',
      default_text_search_config: 'english',
      search_path: 'public, app',
      statement_timeout: '1h',
      synchronous_commit: 'true',
      tcp_keepalives_count: 0,
      tcp_user_timeout: 0,
      log_file_mode: '0640',
      max_wal_size: '400001kB',
    };
    try {
      await patchSpec(cluster, { postgres: { parameters: { ...parameters, wrk_mem: '6MB' } } });
      await waitApplied(cluster);
      const keys = (await clusterItem(cluster)).status?.config?.keys ?? [];
      expect(keys.filter(({ verdict }) => verdict !== 'Applied')).toMatchObject([{ key: 'spec.postgres.parameters.wrk_mem', verdict: 'Ignored' }]);
      expect(keys).toHaveLength(Object.keys(parameters).length + 1);
    } finally {
      await patchSpec(cluster, { postgres: { parameters: null } });
    }
    await waitApplied(cluster);
  });

  scenario('work_mem changes without a restart', async () => {
    const { cluster } = await settledCluster();
    const before = await startTimes(cluster);
    await patchSpec(cluster, { postgres: { parameters: { work_mem: '9MB' } } });
    await waitApplied(cluster);
    expect(await settingEverywhere(cluster, 'work_mem')).toEqual(['9MB', '9MB', '9MB']);
    await patchSpec(cluster, { postgres: { parameters: null } });
    await waitApplied(cluster);
    expect(await startTimes(cluster)).toEqual(before);
  });

  scenario('what others set in etcd stays and is told, what is ours is put back, and what the spec names becomes ours', async () => {
    const { cluster } = await settledCluster();
    const leader = await leaderOf(cluster);
    const edit = (...pairs: readonly string[]) => exec({ namespace: cluster.namespace, pod: leader }, ['patronictl', 'edit-config', '--force', '--quiet', ...pairs.flatMap((pair) => ['-s', pair])], { timeoutMs: 30_000 });
    await edit('postgresql.parameters.deadlock_timeout=3s', 'postgresql.parameters.wal_sender_timeout=99s');
    await waitFor('the owned key put back', async () => (valueAtPath(await dcsConfig(cluster), ['postgresql', 'parameters', 'wal_sender_timeout']) === '15s' ? true : undefined), { timeoutMs: 120_000 });
    expect(valueAtPath(await dcsConfig(cluster), ['postgresql', 'parameters', 'deadlock_timeout'])).toBe('3s');
    const drift = await waitFor('the drift told', async () => ((await clusterItem(cluster)).status?.config?.drift ?? []).find((path) => path.endsWith('deadlock_timeout')), { timeoutMs: 60_000 });
    expect(drift).toBe('postgresql.parameters.deadlock_timeout');
    expect((await eventMessages(cluster, 'ConfigurationChanged')).some((text) => /Set back to what the spec says: postgresql\.parameters\.wal_sender_timeout/.test(text))).toBe(true);

    await patchSpec(cluster, { postgres: { parameters: { deadlock_timeout: '4s' } } });
    await waitApplied(cluster);
    expect((await clusterItem(cluster)).status?.config?.drift ?? []).toEqual([]);
    await patchSpec(cluster, { postgres: { parameters: null } });
    await waitApplied(cluster);
    expect(valueAtPath(await dcsConfig(cluster), ['postgresql', 'parameters'])).not.toHaveProperty('deadlock_timeout');
  });

  scenario('a configuration that was wiped from etcd is there again', async () => {
    const { cluster } = await settledCluster();
    await patchSpec(cluster, { postgres: { parameters: { work_mem: '5MB' } } });
    await waitApplied(cluster);
    const before = await dcsConfig(cluster);
    expect(await etcdctl(cluster, (await etcdMembers(cluster))[0]?.name ?? '', 'del', `/tpa/${cluster.name}/config`)).toBe('1');
    await waitFor('the configuration refilled', async () => {
      const now = await dcsConfig(cluster);
      return JSON.stringify(sorted(now)) === JSON.stringify(sorted(before)) ? true : undefined;
    }, { timeoutMs: 120_000 });
    await patchSpec(cluster, { postgres: { parameters: null } });
    await waitApplied(cluster);
    await waitHealthy(cluster);
  });

  scenario('a sample of random specs renders what Patroni’s own --validate-config accepts, and it refuses what is broken', async () => {
    const { cluster } = await settledCluster();
    const leader = await leaderOf(cluster);
    // The program in the pod looks for the binaries of the version.
    const { versions } = (await clusterItem(cluster)).spec;
    const specs = fc.sample(randomSpec, SAMPLE).map((spec) => ({ ...spec, versions }));
    expect(await judgedByPatroni(cluster, leader, specs)).toEqual([]);
    expect((await judgedByPatroni(cluster, leader, [{ patroni: { config: { log: { level: 'LOUD' } } } }])).join()).toMatch(/log\.level/);
  });

  scenario('Patroni writes every value that the check accepts as it is, and the check refuses no more than that', async () => {
    const { cluster } = await settledCluster();
    const values = gucValues().filter(([major, name, value]) => checkGuc(major, name, value) === undefined && protectedBy(PROTECTED_PARAMETERS, [name.toLowerCase()]) === undefined);
    expect(values.length).toBeGreaterThan(20_000);
    const dropped = new Set((await notWritten(cluster, await leaderOf(cluster), values)).map((value) => JSON.stringify(value)));
    expect(dropped.size).toBeGreaterThan(1000);
    const isLeftOut = (value: GucValue) => leftOutByPatroni(...value) !== undefined;
    expect(values.filter((value) => dropped.has(JSON.stringify(value)) && !isLeftOut(value))).toEqual([]);
    // What Patroni has no rule for at all, it writes unseen; those are judged by the rules of the others.
    const unseen = ['allow_in_place_tablespaces', 'default_with_oids', 'enable_memoize', 'ssl_renegotiation_limit'];
    expect(values.filter((value) => !dropped.has(JSON.stringify(value)) && isLeftOut(value) && !unseen.includes(value[1]))).toEqual([]);
  });

  scenario('more than forty bad configurations are refused, each with its own message, and the cluster is untouched', async () => {
    const { cluster } = await settledCluster();
    const leader = await leaderOf(cluster);
    const state = async () => ({ dcs: await configOf(cluster, leader), starts: await startTimes(cluster), file: await fileOf(cluster, leader), pods: (await pods(cluster, 'postgres')).map(({ metadata }) => metadata.uid) });
    const before = await state();
    const messages: string[] = [];
    const wrong: string[] = [];
    try {
      for (const { title, spec, field, says } of BAD_CONFIGURATIONS) {
        for (const [section, values] of Object.entries(spec)) for (const [key, value] of Object.entries(values)) await replaceInSpec(cluster, `${section}/${key}`, value);
        const item = await waitReason(cluster, 'SpecValid', 'Invalid', 30_000).catch((error: unknown) => Promise.reject(new Error(`${title}: not refused`, { cause: error })));
        const message = item.status?.conditions?.find(({ type }) => type === 'SpecValid')?.message ?? '';
        messages.push(message);
        if (!message.includes(field.replace(/\[0\]$/, '').split('.').at(-1) ?? '') || !says.test(message)) wrong.push(`${title}: ${message}`);
        for (const [section, values] of Object.entries(spec)) await patchSpec(cluster, { [section]: Object.fromEntries(Object.keys(values).map((key) => [key, null])) });
      }
    } finally {
      await patchSpec(cluster, { postgres: { parameters: null, hba: null, ident: null }, patroni: { config: null, dynamicConfig: null, omit: null, loopWait: null, retryTimeout: null } });
    }
    expect(wrong).toEqual([]);
    expect(new Set(messages).size).toBe(BAD_CONFIGURATIONS.length);
    await waitApplied(cluster);
    expect(await state()).toEqual(before);
  }, { timeoutMs: 480_000 });
});

/** Judges configurations by Patroni's own `--validate-config`, in a pod, as the files that the operator renders; returns what it finds wrong. */
async function judgedByPatroni(cluster: Cluster, pod: string, specs: readonly Readonly<Record<string, unknown>>[]): Promise<readonly string[]> {
  const files = specs.map((spec) => {
    const { cluster: parsed, problems } = parseCluster({ apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name: cluster.name, namespace: cluster.namespace }, spec });
    if (parsed === undefined || problems.length > 0) throw new Error(`not a valid spec: ${JSON.stringify(problems)}`);
    const effective = effectiveCluster(parsed, { images: { postgres: {}, etcd: '', haproxy: '' }, clusterDomain: 'cluster.local' });
    return [patroniConfig(effective), bootstrapConfig(effective)];
  });
  const program = `
import json, logging, os, sys, yaml
from patroni.config import Config
from patroni.utils import patch_config
from patroni.validator import populate_validate_params, schema
populate_validate_params(ignore_listen_port=True)
# What comes from the environment and from the Secrets of the pod.
own = Config('/run/postgresql/patroni', None)
rest = {'name': own['name'], 'restapi': {'connect_address': own['restapi']['connect_address']}, 'postgresql': {'connect_address': own['postgresql']['connect_address'], 'authentication': own['postgresql']['authentication']}}
for index, texts in enumerate(json.load(sys.stdin)):
    config = {}
    for text in texts:
        patch_config(config, yaml.safe_load(text))
    patch_config(config, rest)
    for error in schema(config):
        print(index, error)`;
  const text = await exec({ namespace: cluster.namespace, pod }, ['/opt/patroni/bin/python3', '-c', program], { input: JSON.stringify(files), timeoutMs: 240_000 });
  return text.split('\n').filter((line) => line !== '');
}

/** Those of the values that Patroni would leave out of postgresql.conf or write otherwise, by its own code in a pod. */
async function notWritten(cluster: Cluster, pod: string, values: readonly GucValue[]): Promise<readonly GucValue[]> {
  const program = `
import json, logging, sys
logging.disable(logging.CRITICAL)
from patroni.collections import CaseInsensitiveSet
from patroni.postgresql.validator import transform_postgresql_parameter_value
def written(major, name, value):
    return transform_postgresql_parameter_value(int(major) * 10000, name, value, CaseInsensitiveSet([name]))
json.dump([row for row in json.load(sys.stdin) if written(*row) != row[2]], sys.stdout)`;
  return JSON.parse(await exec({ namespace: cluster.namespace, pod }, ['/opt/patroni/bin/python3', '-c', program], { input: JSON.stringify(values), timeoutMs: 120_000 })) as readonly GucValue[];
}

/** The shared cluster once nothing of an earlier scenario is under way. */
async function settledCluster(): Promise<{ readonly cluster: Cluster }> {
  const { cluster } = await sharedCluster();
  await waitApplied(cluster, 120_000);
  return { cluster };
}

function sorted(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, below]) => [key, isJsonObject(below) ? sorted(below) : below]));
}
