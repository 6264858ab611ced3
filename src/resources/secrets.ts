import type { EffectiveCluster } from '../api/effective.ts';
import { ANNOTATIONS } from '../api/meta.ts';
import { LEAVES, type Leaf, names } from '../api/names.ts';
import type { Manifest } from '../api/objects.ts';
import { canonicalJson, shortHash } from '../lib/canonical-json.ts';
import { perObject } from '../lib/per-object.ts';
import { metadata } from './common/metadata.ts';
import { quotedYaml } from './common/yaml.ts';
import { connectionEntries, type ConnectionTarget, connectionTarget } from './connection.ts';
import { CA_VALIDITY_DAYS, leafSubject, leafSubjectHash, type LeafSubject } from './leaves.ts';
import { FRAGMENT_KEY } from './patroni-fragments.ts';

export type CredentialKind = 'superuser' | 'rewind' | 'restapi' | 'application';

interface Plan {
  readonly name: string;
  /** Survives `deletionPolicy: Retain`: without it the data that is kept could not be used again. */
  readonly retained: boolean;
  /** Hash of everything in the Secret that is not secret, kept as `ANNOTATIONS.subjectHash`: another one means to write the Secret again. */
  readonly subjectHash: string;
}

export interface CaPlan extends Plan {
  readonly kind: 'ca';
  readonly commonName: string;
  readonly validityDays: number;
}

export interface LeafPlan extends Plan {
  readonly kind: 'leaf';
  readonly leaf: Leaf;
  readonly subject: LeafSubject;
}

export interface CredentialPlan extends Plan {
  readonly kind: CredentialKind;
  readonly username: string;
  /** Present on the Secrets that clients use. */
  readonly connection?: ConnectionTarget;
}

export type SecretPlan = CaPlan | LeafPlan | CredentialPlan;

/** Every Secret that must exist: the CA, the leaf certificates it signs, the credentials. What is in them is generated once and never silently again. */
export const secretPlan: (c: EffectiveCluster) => readonly SecretPlan[] = perObject((c) => [caPlan(c), ...LEAVES.map((leaf) => leafPlan(c, leaf)), ...credentialPlans(c)]);

function caPlan(c: EffectiveCluster): CaPlan {
  // The namespace keeps two clusters of one name apart in a client's trust store; 64 characters is the most a common name may have.
  const commonName = `${c.name}.${c.namespace}`.slice(0, 60) + ' CA';
  return {
    kind: 'ca',
    name: names.caSecret(c.name),
    retained: true,
    commonName,
    validityDays: CA_VALIDITY_DAYS,
    subjectHash: shortHash(commonName, 16),
  };
}

function leafPlan(c: EffectiveCluster, leaf: Leaf): LeafPlan {
  const subject = leafSubject(c, leaf);
  return { kind: 'leaf', name: names.leafSecret(c.name, leaf), retained: false, leaf, subject, subjectHash: leafSubjectHash(subject) };
}

function credentialPlans(c: EffectiveCluster): readonly CredentialPlan[] {
  const { users } = c.spec.patroni;
  const { application } = c.spec;
  return [
    credential('superuser', names.superuserSecret(c.name), users.superuser, true, connectionTarget(c, users.superuser, 'postgres')),
    credential('rewind', names.rewindSecret(c.name), users.rewind, true),
    // Not tied to data: members and operator all read it from the Secret.
    credential('restapi', names.restapiSecret(c.name), users.restapi, false),
    ...(application.enabled
      ? [
          credential(
            'application',
            names.applicationSecret(c.name),
            application.owner,
            true,
            connectionTarget(c, application.owner, application.database),
          ),
        ]
      : []),
  ];
}

function credential(
  kind: CredentialKind,
  name: string,
  username: string,
  retained: boolean,
  connection?: ConnectionTarget,
): CredentialPlan {
  const subjectHash = shortHash(canonicalJson({ kind, username, connection }), 16);
  return { kind, name, retained, username, subjectHash, ...(connection === undefined ? {} : { connection }) };
}

/** A CA's public half, for clients that verify. */
export interface CaReference {
  readonly certPem: string;
  readonly fingerprint: string;
}

/** The Secret of a credential. `password` is 32 letters and digits; with `ca`, connection Secrets carry `ca.crt` for `sslmode=verify-full`. */
export function buildCredentialSecret(c: EffectiveCluster, plan: CredentialPlan, password: string, ca?: CaReference): Manifest {
  const { kind, username, connection } = plan;
  const entries = connection === undefined ? { username, password } : connectionEntries(connection, password);
  const fragment = patroniFragment(kind, username, password);
  const withCa = ca !== undefined && connection !== undefined;
  return secret(c, plan, 'kubernetes.io/basic-auth', withCa ? { [ANNOTATIONS.caFingerprint]: ca.fingerprint } : {}, {
    ...entries,
    ...(fragment === undefined ? {} : { [FRAGMENT_KEY]: quotedYaml(fragment) }),
    ...(withCa ? { 'ca.crt': ca.certPem } : {}),
  });
}

/** A credential's piece of Patroni's configuration; merged over `10-patroni.yml`, which names everything about the user but the password. */
function patroniFragment(kind: CredentialKind, username: string, password: string): Readonly<Record<string, unknown>> | undefined {
  switch (kind) {
    case 'superuser':
    case 'rewind':
      return { postgresql: { authentication: { [kind]: { username, password } } } };
    case 'restapi':
      // Patroni itself uses the same when it calls other members (`ctl.authentication` falls back to this).
      return { restapi: { authentication: { username, password } } };
    case 'application':
      return undefined;
  }
}

/** The Secret of the CA, the only place of its key; no pod mounts it. */
export function buildCaSecret(
  c: EffectiveCluster,
  plan: CaPlan,
  issued: { readonly certPem: string; readonly keyPem: string; readonly notAfterMs: number; readonly fingerprint: string },
): Manifest {
  const annotations = { [ANNOTATIONS.notAfter]: rfc3339(issued.notAfterMs), [ANNOTATIONS.caFingerprint]: issued.fingerprint };
  return secret(c, plan, 'Opaque', annotations, { 'ca.crt': issued.certPem, 'ca.key': issued.keyPem });
}

/** The Secret of a leaf certificate. */
export function buildLeafSecret(
  c: EffectiveCluster,
  plan: LeafPlan,
  issued: { readonly certPem: string; readonly keyPem: string; readonly notAfterMs: number; readonly ca: CaReference },
): Manifest {
  const annotations = { [ANNOTATIONS.notAfter]: rfc3339(issued.notAfterMs), [ANNOTATIONS.caFingerprint]: issued.ca.fingerprint };
  return secret(c, plan, 'kubernetes.io/tls', annotations, {
    'tls.crt': issued.certPem,
    'tls.key': issued.keyPem,
    'ca.crt': issued.ca.certPem,
  });
}

function secret(
  c: EffectiveCluster,
  plan: SecretPlan,
  type: string,
  annotations: Readonly<Record<string, string>>,
  entries: Readonly<Record<string, string>>,
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(c, plan.name, {
      retained: plan.retained,
      annotations: { [ANNOTATIONS.subjectHash]: plan.subjectHash, ...annotations },
    }),
    type,
    data: Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')])),
  };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
