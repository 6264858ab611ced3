import type * as z from 'zod';

import { GROUP, VERSION } from '../api/meta.ts';
import { patroniClusterSpec } from '../api/patronicluster.ts';
import { patroniOperationSpec, patroniOperationStatus } from '../api/patronioperation.ts';
import type { Rule } from '../api/rule.ts';
import { clusterName } from '../api/rules.ts';
import { patroniClusterStatus } from '../api/status.ts';
import { rootValidations, structuralSchema } from './structural.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** Columns above 0 show with `-o wide` only. */
  readonly priority?: number;
}

/** What a CRD is made from. */
export interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories?: readonly string[];
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly rules: readonly Rule[];
  readonly columns: readonly PrinterColumn[];
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath: string };
}

const column = (name: string, jsonPath: string, description: string, priority = 0): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

export const KINDS: readonly Kind[] = [
  {
    kind: 'PatroniCluster',
    plural: 'patroniclusters',
    shortNames: ['patroni', 'pgc'],
    categories: ['all'],
    description: 'A PostgreSQL cluster under Patroni, with an etcd cluster of its own and HAProxy in front.',
    spec: patroniClusterSpec,
    status: patroniClusterStatus,
    rules: [clusterName],
    columns: [
      column('Leader', '.status.leader', 'Member that holds the leader lock.'),
      column('Ready', '.status.ready', 'Healthy members of wanted ones.'),
      column('Status', '.status.phase', 'State in one word.'),
      column('Postgres', '.status.versions.postgres', 'PostgreSQL version of the leader.'),
      column('Timeline', '.status.timeline', 'Timeline of the leader.', 1),
      column('Patroni', '.status.versions.patroni', 'Patroni version of the leader.', 1),
      AGE,
    ],
    scale: { specReplicasPath: '.spec.postgres.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
  },
  {
    kind: 'PatroniOperation',
    plural: 'patronioperations',
    shortNames: ['pgop'],
    description: 'One operation on one PatroniCluster, such as a switchover: what was asked for, when, by whom, and how it ended.',
    spec: patroniOperationSpec,
    status: patroniOperationStatus,
    rules: [],
    columns: [
      column('Cluster', '.spec.cluster', 'The cluster.'),
      column('Type', '.spec.type', 'What is done.'),
      column('Target', '.spec.switchover.target', 'Member that shall lead afterwards.'),
      column('Phase', '.status.phase', 'How far it is.'),
      column('Reason', '.status.reason', 'Why it is in this phase.'),
      column('Before', '.status.leaderBefore', 'Leader before.'),
      column('After', '.status.leaderAfter', 'Leader after.'),
      column('By', '.spec.requestedBy', 'Who asked.', 1),
      column('Message', '.status.message', 'Why, in a sentence.', 1),
      AGE,
    ],
  },
];

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(kind: Kind): Readonly<Record<string, unknown>> {
  const rules = rootValidations(kind.rules);
  const openAPIV3Schema = {
    description: kind.description,
    type: 'object',
    properties: {
      apiVersion: { description: 'Version of the API that this object is written in.', type: 'string' },
      kind: { description: `Always ${kind.kind}.`, type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(kind.spec),
      status: structuralSchema(kind.status),
    },
    required: ['spec'],
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: kind.shortNames,
        ...(kind.categories === undefined ? {} : { categories: kind.categories }),
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns,
          subresources: { status: {}, ...(kind.scale === undefined ? {} : { scale: kind.scale }) },
          schema: { openAPIV3Schema },
        },
      ],
    },
  };
}
