import * as z from 'zod';

import { MAX_CLUSTER_NAME_LENGTH } from './names.ts';
import { dnsLabelPattern } from './patterns.ts';
import { matches } from './rule.ts';
import * as rules from './rules.ts';

/**
 * The `PatroniOperation` custom resource: one operation on one cluster, its preconditions, times and outcome. The operator creates it for a switchover that was asked
 * for by annotation or that a rollout or scale-down needs; it is the record that makes the operation happen exactly once (the phase is written before Patroni is called).
 */

export const patroniOperationSpec = z
  .strictObject({
    cluster: z
      .string()
      .min(1)
      .max(MAX_CLUSTER_NAME_LENGTH)
      .meta({ rules: [matches('ERR_SPEC_NAME', dnsLabelPattern, 'must be the name of a PatroniCluster in the same namespace')] })
      .describe('Name of the PatroniCluster in the same namespace.'),
    type: z.enum(['Switchover']).describe('What to do.'),
    switchover: z
      .strictObject({
        target: z.string().min(1).max(63).optional().describe('Member that shall lead afterwards. Absent: the replica with the least lag.'),
      })
      .describe('Parameters of a switchover.')
      .optional(),
    requestedBy: z
      .enum(['Annotation', 'Rollout', 'ScaleDown', 'User'])
      .default('User')
      .describe('Who asked: the annotation on the cluster, a rolling restart, a scale-down, or a person who created this object.'),
  })
  .meta({ rules: [rules.switchoverParametersFit, rules.sameOperation] })
  .describe('What was asked for. Cannot change: create another PatroniOperation instead.');

export type PatroniOperationSpec = z.output<typeof patroniOperationSpec>;

const OPERATION_PHASES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Rejected'] as const;

const time = (description: string) => z.string().max(40).meta({ description, format: 'date-time' }).optional();

export const patroniOperationStatus = z
  .strictObject({
    phase: z
      .enum(OPERATION_PHASES)
      .optional()
      .describe(
        'Pending, Running, then Succeeded, Failed (tried, with another outcome than asked for) or Rejected (not tried, nothing changed).',
      ),
    reason: z.string().max(128).optional().describe('Why the operation is in this phase, in one word.'),
    message: z.string().max(2048).optional().describe('Why the operation is in this phase, in a sentence.'),
    candidate: z.string().max(63).optional().describe('Member that was asked to take over.'),
    leaderBefore: z.string().max(63).optional().describe('Leader when the operation started.'),
    timelineBefore: z.int().optional().describe('Timeline when the operation started.'),
    leaderAfter: z.string().max(63).optional().describe('Leader when the operation ended.'),
    timelineAfter: z.int().optional().describe('Timeline when the operation ended.'),
    startedAt: time('When the operation started to run.'),
    finishedAt: time('When the operation ended.'),
  })
  .describe('What happened.');

export type PatroniOperationStatus = z.output<typeof patroniOperationStatus>;
