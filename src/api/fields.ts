import * as z from 'zod';

import { imagePattern, quantityPattern, roleNamePattern } from './patterns.ts';
import { immutable, matches, type Rule } from './rule.ts';
import * as rules from './rules.ts';

/** Building blocks of the schemas that occur in several places of a PatroniCluster. Each brings its bounds, rules, defaults and description. */

/** A map with at most `max` entries. CEL and the operator judge the keys in `keyRules`. */
const map = <V extends z.ZodType<string>>(value: V, max: number, keyRules: readonly Rule[] = []) =>
  z.record(z.string().max(317), value).meta({ maxProperties: max, rules: [rules.notTooManyEntries(max), ...keyRules] });

const labels = (max: number) =>
  map(
    z
      .string()
      .max(63)
      .meta({ rules: [rules.isLabelValue] }),
    max,
    [rules.qualifiedKeys],
  );
export const annotations = () => map(z.string().max(4096), 32, [rules.qualifiedKeys]);

export const bytes = (description: string, example: string, ...more: readonly Rule[]) =>
  z
    .string()
    .min(1)
    .max(32)
    .meta({ rules: [rules.isBytes(example), ...more] })
    .describe(description);

export const storage = (defaultSize: string) =>
  z
    .strictObject({
      size: bytes(
        'Size of the volume of each member. It can grow where the storage class allows expansion; it never shrinks.',
        defaultSize,
        rules.storageNotTiny,
        rules.neverShrinks,
      ).default(defaultSize),
      storageClassName: z
        .string()
        .min(1)
        .max(253)
        .meta({ rules: [rules.isObjectName] })
        .optional()
        .describe('Storage class of the volumes; the default class of the Kubernetes cluster when absent. Cannot change after creation.'),
    })
    .meta({ rules: [rules.sameStorageClass] })
    .describe('Persistent volume of each member.');

/** Written as a text or, as in a Pod, as a whole number (`cpu: 2`); read as a text. */
const amount = z
  .union([z.string(), z.int().min(0)])
  .transform(String)
  .pipe(
    z.string().max(32).regex(quantityPattern, 'must be a Kubernetes quantity, such as 500m for half a CPU or 512Mi of memory: correct it'),
  )
  .meta({ 'x-kubernetes-int-or-string': true, maxLength: 32, pattern: quantityPattern.source });

const resourceList = map(amount, 16, [rules.knownResources]);

export const resources = (defaults: { requests: Record<string, string>; limits: Record<string, string> }) =>
  z
    .strictObject({
      requests: resourceList.optional().describe('What the scheduler reserves for each pod, such as cpu: 500m or memory: 1Gi.'),
      limits: resourceList.optional().describe('What each pod may use at most, such as memory: 1Gi.'),
    })
    .meta({ rules: rules.requestsWithinLimits })
    .describe(
      'CPU and memory of each pod. Changing them restarts the pods one at a time, replicas first, the leader last after a switchover.',
    )
    .default(defaults);

export const preserved = (description: string) =>
  z.record(z.string(), z.unknown()).meta({ description, 'x-kubernetes-preserve-unknown-fields': true });

export const pod = z
  .strictObject({
    labels: labels(32).optional().describe('Extra labels of the pods. Labels that the operator sets cannot be overridden.'),
    annotations: annotations().optional().describe('Extra annotations of the pods.'),
    nodeSelector: labels(32).optional().describe('Node labels a node must have to run the pods.'),
    tolerations: z.array(preserved('A toleration as in a Pod.')).max(32).optional().describe('Tolerations of the pods, as in a Pod.'),
    affinity: preserved(
      'Affinity of the pods, as in a Pod. Replaces the default (preferred anti-affinity between members on one node).',
    ).optional(),
    topologySpreadConstraints: z
      .array(preserved('A topology spread constraint as in a Pod.'))
      .max(16)
      .optional()
      .describe('Topology spread constraints of the pods, as in a Pod.'),
    priorityClassName: z
      .string()
      .min(1)
      .max(253)
      .meta({ rules: [rules.isObjectName] })
      .optional()
      .describe('Priority class of the pods.'),
  })
  .describe('Scheduling and metadata of the pods of this component.')
  .optional();

export const name = (what: string, preset: string, ...more: readonly Rule[]) =>
  z
    .string()
    .min(1)
    .max(63)
    .meta({
      rules: [
        matches(
          'ERR_SPEC_VALUE',
          roleNamePattern,
          'must hold only lower-case letters, digits and underscores and not start with a digit: choose another name',
        ),
        ...more,
        immutable(''),
      ],
    })
    .describe(`Name of the ${what}. Cannot change after creation.`)
    .default(preset);

export const roleName = (what: string, preset: string) => name(what, preset, rules.notReservedRole);

export const image = (what: string) =>
  z
    .string()
    .min(1)
    .max(512)
    .meta({
      rules: [
        matches(
          'ERR_SPEC_VALUE',
          imagePattern,
          'must be an image reference, such as registry.example.com/postgres:17.5: remove blanks and quotes',
        ),
      ],
    })
    .optional()
    .describe(
      `Image of the ${what} containers. Absent: the operator's default when the cluster is created, kept from then on, so that an operator upgrade restarts nothing.`,
    );
