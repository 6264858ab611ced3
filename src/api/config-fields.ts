import * as z from 'zod';

import * as configRules from './config-rules.ts';
import { bytes, preserved } from './fields.ts';
import { identifierPattern, slotNamePattern } from './patterns.ts';
import { matches } from './rule.ts';
import * as rules from './rules.ts';

/** Fields of a PatroniCluster about the configuration of PostgreSQL and Patroni. What may stand in the free maps is judged in `src/config`. */

export const parameters = preserved(
  'Settings of PostgreSQL (postgresql.conf), over the defaults that the operator computes. They go into the dynamic configuration of Patroni. Numbers, texts with a unit of PostgreSQL (16MB, 5min), true and false. `patroni-operator config explain` shows what became of each.',
).optional();

const line = z
  .string()
  .min(1)
  .max(1024)
  .meta({ rules: [configRules.oneLine] });
const lines = (description: string) => z.array(line).max(128).optional().describe(description);

export const hba = z
  .strictObject({
    prepend: lines('Lines before those of the operator. The first line that matches decides.'),
    append: lines('Lines after those that let Patroni in, before the one that lets everybody else in with TLS and a password.'),
    replace: lines(
      'Lines instead of the one that lets everybody in with TLS and a password. The lines that Patroni itself needs stay in front.',
    ),
  })
  .meta({ rules: [configRules.replaceStandsAlone] })
  .optional()
  .describe('Client authentication (pg_hba.conf), in the words of PostgreSQL. Changes are reloaded; no connection is interrupted.');

export const ident = lines('Lines of pg_ident.conf after those of the operator: map, operating system user or certificate name, role.');

const seconds = (description: string, min: number) =>
  z.int().min(min).max(3600).optional().describe(`${description} In seconds. Absent: as \`failover\` says.`);

const slot = z
  .strictObject({
    type: z.enum(['physical', 'logical']).describe('physical for streaming standbys and WAL archivers, logical for subscribers.'),
    database: z.string().min(1).max(63).optional().describe('Database of a logical slot.'),
    plugin: z
      .string()
      .min(1)
      .max(63)
      .meta({ rules: [matches('ERR_SPEC_VALUE', identifierPattern, 'must be the name of an output plugin, such as pgoutput: correct it')] })
      .optional()
      .describe('Output plugin of a logical slot, such as pgoutput.'),
  })
  .meta({ rules: [configRules.logicalSlotIsWhole] });

const ignoredSlot = z
  .strictObject({
    name: z.string().min(1).max(63).optional().describe('Name of the slot.'),
    type: z.enum(['physical', 'logical']).optional().describe('Type of the slot.'),
    database: z.string().min(1).max(63).optional().describe('Database of the slot.'),
    plugin: z.string().min(1).max(63).optional().describe('Output plugin of the slot.'),
  })
  .meta({ rules: [configRules.ignoredSlotSaysWhich] });

const member = z
  .strictObject({
    ordinal: z.int().min(0).max(15).describe('Ordinal of the member: 2 for NAME-postgres-2.'),
    nofailover: z.boolean().optional().describe('Never make this member the leader.'),
    failoverPriority: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe('Of members with equally much WAL the one with the highest priority takes over; 0 is never. Patroni: failover_priority.'),
    noloadbalance: z.boolean().optional().describe('Send no read-only connections to this member.'),
    nosync: z.boolean().optional().describe('Never make this member a synchronous standby.'),
    syncPriority: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe('Of possible synchronous standbys the one with the highest priority is taken; 0 is never. Patroni: sync_priority.'),
    nostream: z.boolean().optional().describe('Do not stream from the leader; read WAL from the archive only.'),
    clonefrom: z.boolean().optional().describe('New members prefer this member as the source of their copy.'),
  })
  .meta({ rules: [configRules.tagsOnce] });

export const patroniConfiguration = {
  failover: z
    .enum(['standard', 'fast', 'tolerant'])
    .default('standard')
    .describe(
      'Preset of the timings. standard: ttl 20, loop_wait 5, retry_timeout 5. fast: 20, 3, 3, which notices a dead PostgreSQL sooner and asks etcd more often; the loss of a node takes as long, since Patroni allows no ttl below 20. tolerant: 30, 10, 10, the defaults of Patroni and TPA, for slow networks.',
    ),
  ttl: seconds('How long the lock of the leader lasts without being renewed.', 20),
  loopWait: seconds('How long Patroni sleeps between two looks.', 1),
  retryTimeout: seconds('How long Patroni tries to reach etcd and PostgreSQL before it gives the lead away.', 3),
  maximumLagOnFailover: bytes('How far a replica may lag behind, in bytes of WAL, and still become leader by itself. Absent: 0.', '1Mi').optional(),
  failsafeMode: z
    .boolean()
    .default(true)
    .describe('Let the leader go on when etcd fails, as long as it reaches every other member.'),
  synchronous: z
    .strictObject({
      mode: z
        .enum(['off', 'on', 'strict', 'quorum', 'quorumStrict'])
        .default('off')
        .describe(
          'off: asynchronous. on: a commit waits for synchronous standbys, and for none while there is none. strict: a commit waits, even if no standby is left. quorum, quorumStrict: any of the replicas may confirm.',
        ),
      nodeCount: z.int().min(1).max(15).optional().describe('How many standbys must confirm. Absent: 1.'),
    })
    .describe('Synchronous replication. With on and strict only a synchronous standby takes over, so no confirmed commit is lost.')
    .prefault({}),
  slots: z
    .record(z.string().max(63), slot)
    .meta({ maxProperties: 32, rules: [rules.notTooManyEntries(32), configRules.keysAre('slot', slotNamePattern)] })
    .optional()
    .describe(
      'Permanent replication slots by name, beside those of the members. Patroni copies logical ones to the replicas, so that subscribers survive a failover.',
    ),
  ignoreSlots: z.array(ignoredSlot).max(32).optional().describe('Replication slots that Patroni leaves alone, made by somebody else. All given fields must match.'),
  members: z
    .array(member)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['ordinal'], rules: [configRules.ordinalsDistinct] })
    .optional()
    .describe('Tags of single members. Changes are reloaded.'),
  log: z
    .strictObject({
      level: z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']).default('INFO').describe('Level of the log.'),
      tracebackLevel: z.enum(['DEBUG', 'ERROR']).optional().describe('Level from which tracebacks are logged.'),
      format: z.string().min(1).max(512).optional().describe('Format of a line, as the logging module of Python takes it.'),
      dateFormat: z.string().min(1).max(128).optional().describe('Format of the time, as strftime takes it.'),
      loggers: z
        .record(z.string().max(128), z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']))
        .meta({ maxProperties: 32, rules: [rules.notTooManyEntries(32)] })
        .optional()
        .describe('Levels of single modules, such as patroni.postmaster.'),
    })
    .describe('Log of Patroni, written to the output of the pod.')
    .prefault({}),
  config: preserved(
    "Merged last into Patroni's local configuration (TPA: patroni_conf_settings). Maps are merged, lists and values replace, null removes. Settings of PostgreSQL and `bootstrap.dcs` in here go into the dynamic configuration. Keys that the operator depends on are refused.",
  ).optional(),
  dynamicConfig: preserved(
    "Merged last into Patroni's dynamic configuration in etcd (TPA: patroni_dynamic_conf_settings). Maps are merged, lists and values replace, null removes. Keys in etcd that neither this nor the operator sets are left alone.",
  ).optional(),
  omit: z
    .array(
      z
        .string()
        .min(1)
        .max(253)
        .meta({ rules: [configRules.isConfigPath] }),
    )
    .max(64)
    .optional()
    .describe(
      'Paths that the operator would set and shall not, such as log, postgresql.parameters.huge_pages or bootstrap.dcs.failsafe_mode. What `config` and `dynamicConfig` say below such a path still counts, and so replaces the section.',
    ),
};

export const updateStrategy = z
  .strictObject({
    type: z
      .enum(['Always', 'Schedule', 'OnRequest', 'Never'])
      .default('Always')
      .describe(
        'When pods and PostgreSQL may be restarted for a change. Always: at once. Schedule: in the windows of `schedule`. OnRequest: after `kubectl annotate patroni NAME patroni-operator.dev/restart=pending`, which also works between the windows. Never: only by hand. Whatever is pending stands in the condition PendingRestart.',
      ),
    leader: z
      .enum(['Restart', 'Switchover'])
      .default('Restart')
      .describe(
        'How the leader takes a setting that needs a restart of PostgreSQL. Restart: in place, it stays the leader. Switchover: a replica takes over first. Settings that must shrink on the leader first are always applied by a restart in place.',
      ),
    schedule: z
      .strictObject({
        cron: z.string().min(9).max(128).meta({ rules: [configRules.isCron] }).describe('When a window opens: minute, hour, day of month, month, day of week, such as "0 2 * * 6".'),
        timeZone: z.string().min(1).max(64).meta({ rules: [configRules.isKnownTimeZone] }).default('UTC').describe('Time zone of cron, such as Europe/Berlin.'),
        durationMinutes: z.int().min(1).max(10080).default(60).describe('How long a window stays open. A restart that has begun is finished.'),
      })
      .optional()
      .describe('Maintenance windows of type Schedule.'),
  })
  .meta({ rules: [configRules.scheduleFits] })
  .describe('When and how changes that need a restart are carried out.')
  .prefault({});
