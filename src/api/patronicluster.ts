import * as z from 'zod';

import { hba, ident, parameters, patroniConfiguration, updateStrategy } from './config-fields.ts';
import { annotations, bytes, image, name, pod, resources, roleName, storage } from './fields.ts';
import { dcsNamespacePattern } from './patterns.ts';
import { immutable, immutableNumber, matches } from './rule.ts';
import * as rules from './rules.ts';

/**
 * The `PatroniCluster` custom resource, `patroni-operator.dev/v1alpha1`: what a user writes. One schema feeds the CRD (`npm run generate`), the TypeScript types
 * and the validator. Defaults live here and are applied by the API server; `effective.ts` turns the result into units the rest of the code uses.
 *
 * Every string, list and map is bounded so that the CEL cost estimate of the API server passes. Objects are strict: `validate.ts` reports unknown fields, and the
 * generator leaves `additionalProperties: false` out, which a structural schema must not have beside `properties`.
 * Rules go into `.meta({ rules })`, once per schema (`rule.ts`); a rule that needs no words of its own (bounds, choices) stays in zod.
 */

const versions = z
  .strictObject({
    postgres: z
      .enum(['14', '15', '16', '17', '18'])
      .meta({ rules: [immutable('major upgrades are not supported yet')] })
      .describe('PostgreSQL major version, in quotes. Cannot change after creation (major upgrades are not supported yet).')
      .default('17'),
  })
  .describe('Versions of the components.')
  .prefault({});

const images = z
  .strictObject({
    postgres: image('Postgres'),
    etcd: image('etcd'),
    haproxy: image('HAProxy'),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('Image pull policy of all containers.'),
    pullSecrets: z
      .array(
        z
          .string()
          .min(1)
          .max(253)
          .meta({ rules: [rules.isObjectName] }),
      )
      .max(8)
      .optional()
      .describe('Names of Secrets of type kubernetes.io/dockerconfigjson in the namespace of the cluster.'),
  })
  .describe("Images, where the operator's defaults do not fit.")
  .prefault({});

const postgres = z
  .strictObject({
    replicas: z
      .int()
      .min(1)
      .max(16)
      .default(3)
      .describe('Number of PostgreSQL members, the leader included. `kubectl scale` changes this field.'),
    storage: storage('10Gi').prefault({}),
    resources: resources({ requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } }),
    parameters,
    hba,
    ident,
    pod,
  })
  .describe('The PostgreSQL members, run by Patroni.')
  .prefault({});

const patroni = z
  .strictObject({
    dcsNamespace: z
      .string()
      .min(1)
      .max(63)
      .meta({
        rules: [
          matches(
            'ERR_SPEC_VALUE',
            dcsNamespacePattern,
            'must be a slash and one word of lower-case letters, digits, dashes and underscores, such as /tpa',
          ),
          immutable('Patroni would find none of its keys'),
        ],
      })
      .describe('Prefix of the Patroni keys in etcd. Cannot change after creation.')
      .default('/tpa'),
    listenPort: z
      .int()
      .min(1024)
      .max(65535)
      .meta({ rules: [rules.portIsFree, immutableNumber('')] })
      .describe('Port of the Patroni REST API. Cannot change after creation.')
      .default(8008),
    users: z
      .strictObject({
        superuser: roleName('superuser', 'postgres'),
        replication: roleName('replication user', 'replicator'),
        rewind: roleName('user of pg_rewind', 'rewind'),
        restapi: roleName('user of the Patroni REST API', 'patroni'),
      })
      .meta({ rules: [rules.usersDistinct] })
      .describe('Names of the users that Patroni works with.')
      .prefault({}),
    ...patroniConfiguration,
  })
  .describe('Patroni.')
  .prefault({});

const etcd = z
  .strictObject({
    replicas: z
      .int()
      .min(1)
      .max(7)
      .meta({ rules: [rules.etcdOdd, immutableNumber('scaling etcd is not supported yet')] })
      .describe('Number of etcd members: 1, 3, 5 or 7. Cannot change after creation (scaling etcd is not supported yet).')
      .default(3),
    storage: storage('2Gi').prefault({}),
    resources: resources({ requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } }),
    pod,
  })
  .describe("The etcd cluster that is Patroni's distributed configuration store. It serves this cluster only.")
  .prefault({});

const haproxy = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Run HAProxy in front of the members. Without it, clients use the member list of the connection Secrets with target_session_attrs.',
      ),
    replicas: z.int().min(1).max(16).default(2).describe('Number of HAProxy pods.'),
    readOnly: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Serve read-only connections, spread over the replicas, at the Service NAME-ro.'),
        maxLag: bytes(
          'Replicas that lag further behind the leader (in bytes of WAL) get no read-only connections. Absent: no limit.',
          '16Mi',
          rules.lagNotZero,
        ).optional(),
      })
      .meta({ rules: [rules.maxLagNeedsReadOnly] })
      .describe('Read-only traffic.')
      .prefault({}),
    maxConnectionsPerServer: z
      .int()
      .min(1)
      .max(100000)
      .optional()
      .describe('Connections HAProxy opens to one member at most; more wait in its queue. Absent: 90 % of max_connections.'),
    service: z
      .strictObject({
        type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP').describe('Type of the Services NAME-rw and NAME-ro.'),
        annotations: annotations().optional().describe('Annotations of the Services NAME-rw and NAME-ro.'),
      })
      .describe('The Services that clients connect to.')
      .prefault({}),
    resources: resources({ requests: { cpu: '50m', memory: '48Mi' }, limits: { memory: '128Mi' } }),
    pod,
  })
  .describe('HAProxy, which routes clients to the leader and to the replicas by asking Patroni.')
  .prefault({});

const application = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Create a database and its owner for the application, with the connection Secret NAME-app.'),
    database: name('application database', 'app', rules.notReservedDatabase),
    owner: roleName('role that owns the application database', 'app'),
  })
  .describe('A first database for the application. Turning it off later drops nothing.')
  .prefault({});

const bootstrap = z
  .strictObject({
    initdb: z
      .strictObject({
        dataChecksums: z.boolean().default(true).describe('Enable data checksums.'),
        encoding: z
          .string()
          .min(1)
          .max(32)
          .meta({ rules: [matches('ERR_SPEC_VALUE', /^[A-Za-z0-9_]+$/, 'must be the name of an encoding, such as UTF8: correct it')] })
          .default('UTF8')
          .describe('Encoding of the databases.'),
        locale: z.enum(['C.UTF-8', 'en_US.UTF-8', 'C']).default('C.UTF-8').describe('Locale of the databases.'),
      })
      .describe('Options of initdb.')
      .prefault({}),
  })
  .meta({ rules: [rules.sameBootstrap] })
  .describe('How the cluster comes into being. Cannot change after creation.')
  .prefault({});

const networkPolicy = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Create NetworkPolicies that admit only the traffic the components need, and clients to HAProxy and PostgreSQL.'),
  })
  .describe('Network isolation.')
  .prefault({});

/** `spec` of a PatroniCluster as written by a user; parsing applies every default of the CRD. */
export const patroniClusterSpec = z
  .strictObject({
    versions,
    images,
    postgres,
    patroni,
    etcd,
    haproxy,
    application,
    bootstrap,
    networkPolicy,
    updateStrategy,
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe(
        'What happens to volumes and credentials when the resource is deleted: Retain keeps them (a new resource of the same name takes them up again), Delete removes them.',
      ),
  })
  .meta({ rules: [rules.ownerIsNoSystemUser] })
  .describe('Desired state of a Patroni cluster.');

export type PatroniClusterSpec = z.output<typeof patroniClusterSpec>;
export type PodOptions = NonNullable<PatroniClusterSpec['postgres']['pod']>;
