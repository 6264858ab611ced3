import * as z from 'zod';

/** `status` of a PatroniCluster: what was observed, never what was asked for. */

const condition = z
  .object({
    type: z
      .string()
      .max(64)
      .describe(
        'Condition type. True is good, except for Reconciling and Stalled, where it is not, and Progressing and Paused, which are neutral.',
      ),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    reason: z.string().max(128).describe('Why, in one word.'),
    message: z.string().max(4096).describe('Why, in a sentence, with what to do when it is bad.'),
    observedGeneration: z.int().optional().describe('Generation of the spec the condition was judged by.'),
    lastTransitionTime: z.string().max(40).meta({ description: 'When the status of the condition last changed.', format: 'date-time' }),
  })
  .describe('One condition.');

const member = z
  .object({
    name: z.string().max(63).describe('Name of the pod, which is the name of the Patroni member.'),
    role: z.string().max(32).describe("Patroni's role: leader, replica, sync_standby, ...; unknown when it cannot be read."),
    state: z.string().max(64).describe("Patroni's state: running, streaming, starting, stopped, ...; unknown when it cannot be read."),
    timeline: z.int().optional().describe('Timeline of the member.'),
    ready: z.boolean().describe('Whether the pod is ready.'),
    pendingRestart: z.boolean().optional().describe('Whether a setting waits for a restart.'),
    pendingSettings: z
      .array(
        z
          .object({
            name: z.string().max(128).describe('Name of the setting.'),
            old: z.string().max(1024).optional().describe('Value it runs with.'),
            new: z.string().max(1024).optional().describe('Value it will have.'),
          })
          .describe('One setting.'),
      )
      .max(64)
      .optional()
      .describe('Settings that wait for the restart.'),
  })
  .describe('One PostgreSQL member.');

const keyVerdict = z
  .object({
    key: z.string().max(512).describe('Path in the spec.'),
    target: z.enum(['dynamic', 'local']).describe("Where it ends up: Patroni's dynamic configuration in etcd, or its local file."),
    path: z.string().max(512).describe('Path there.'),
    verdict: z
      .string()
      .max(32)
      .describe('Applied, Overridden, Ignored, Rejected, PendingRestart, Loading, Drifted, CreationOnly or Unknown.'),
    by: z.string().max(512).optional().describe('What overrides it.'),
    members: z.array(z.string().max(63)).max(64).optional().describe('Members that the verdict is about.'),
    effective: z.string().max(1024).optional().describe('What PostgreSQL runs with on every member that could be asked.'),
    effectiveByMember: z
      .record(z.string().max(63), z.string().max(1024))
      .meta({ maxProperties: 64 })
      .optional()
      .describe('The same by member, where they differ.'),
    message: z.string().max(1024).optional().describe('Why, when it is rejected.'),
  })
  .describe('What became of one key that the spec sets.');

const config = z
  .object({
    keys: z.array(keyVerdict).max(512).optional().describe('Every key that the spec sets, with its verdict.'),
    drift: z
      .array(z.string().max(512))
      .max(128)
      .optional()
      .describe('Keys of the dynamic configuration in etcd that neither the spec nor the operator has set. They are left alone.'),
    warnings: z.array(z.string().max(1024)).max(64).optional().describe('What the validator finds odd but not wrong.'),
  })
  .describe('Configuration of Patroni and PostgreSQL.');

export const patroniClusterStatus = z
  .object({
    observedGeneration: z.int().optional().describe('Generation of the spec that this status reflects.'),
    conditions: z
      .array(condition)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .optional()
      .describe('Conditions.'),
    phase: z.string().max(64).optional().describe('One word for people; programs read the conditions.'),
    leader: z.string().max(63).optional().describe('Member that holds the leader lock.'),
    timeline: z.int().optional().describe('Timeline of the leader.'),
    systemIdentifier: z.string().max(32).optional().describe('Database system identifier.'),
    replicas: z.int().optional().describe('Number of PostgreSQL pods.'),
    readyReplicas: z.int().optional().describe('Number of healthy members: the leader, and the replicas that stream from it.'),
    ready: z.string().max(16).optional().describe('Healthy members of wanted ones, such as 3/3.'),
    selector: z.string().max(512).optional().describe('Label selector of the PostgreSQL pods.'),
    members: z
      .array(member)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional()
      .describe('The PostgreSQL members.'),
    etcd: z
      .object({
        formed: z.boolean().optional().describe('Whether the etcd cluster has formed once. From then on no member ever starts a new one.'),
        readyReplicas: z.int().optional().describe('Number of ready etcd pods.'),
      })
      .optional()
      .describe('The etcd cluster.'),
    haproxy: z
      .object({ readyReplicas: z.int().optional().describe('Number of ready HAProxy pods.') })
      .optional()
      .describe('HAProxy.'),
    application: z
      .object({
        database: z.string().max(63).describe('Name of the application database that was created.'),
        owner: z.string().max(63).describe('Name of its owner.'),
      })
      .optional()
      .describe('The application database.'),
    endpoints: z
      .object({
        primary: z.string().max(320).optional().describe('Address for reading and writing.'),
        replicas: z.string().max(320).optional().describe('Address for reading only.'),
        any: z.string().max(320).optional().describe('Address of any member.'),
      })
      .optional()
      .describe('Where clients connect.'),
    versions: z
      .object({
        postgres: z.string().max(32).optional().describe('PostgreSQL version of the leader.'),
        patroni: z.string().max(32).optional().describe('Patroni version of the leader.'),
        images: z
          .record(z.string().max(32), z.string().max(512))
          .meta({ maxProperties: 16 })
          .optional()
          .describe('Images in use by component.'),
      })
      .optional()
      .describe('Versions in use.'),
    config: config.optional(),
    lastSwitchover: z
      .object({
        operation: z.string().max(253).describe('Name of the PatroniOperation.'),
        phase: z.string().max(32).describe('Its outcome.'),
        reason: z.string().max(128).optional().describe('Why.'),
      })
      .optional()
      .describe('The latest switchover that was asked for.'),
  })
  .describe('Observed state of a Patroni cluster.');

export type PatroniClusterStatus = z.output<typeof patroniClusterStatus>;
export type Condition = z.output<typeof condition>;
export type MemberStatus = z.output<typeof member>;
