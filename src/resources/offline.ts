import type { EffectiveCluster } from '../api/effective.ts';
import type { Manifest } from '../api/objects.ts';
import { clusterObjects } from './objects.ts';
import { buildCaSecret, buildCredentialSecret, buildLeafSecret, type SecretPlan, secretPlan } from './secrets.ts';

const GENERATED = '<generated>';
const CA = { certPem: GENERATED, keyPem: GENERATED, notAfterMs: 0, fingerprint: GENERATED } as const;

/** All objects of a new cluster as the operator would apply them, Secrets first and with placeholders in readable form (`stringData`). Deterministic. */
export function offlineObjects(c: EffectiveCluster): readonly Manifest[] {
  const secrets = secretPlan(c).map((plan) => readable(placeholderSecret(c, plan)));
  return [...secrets, ...clusterObjects(c, { postgresReplicas: c.spec.postgres.replicas, etcdFormed: false })];
}

function placeholderSecret(c: EffectiveCluster, plan: SecretPlan): Manifest {
  switch (plan.kind) {
    case 'ca':
      return buildCaSecret(c, plan, CA);
    case 'leaf':
      return buildLeafSecret(c, plan, { certPem: GENERATED, keyPem: GENERATED, notAfterMs: 0, ca: CA });
    default:
      return buildCredentialSecret(c, plan, 'generated', CA);
  }
}

function readable({ data, ...secret }: Manifest): Manifest {
  const entries = Object.entries(data as Readonly<Record<string, string>>);
  const { annotations = {}, ...metadata } = secret.metadata;
  // Times and fingerprints exist only once the certificates do.
  const known = Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== GENERATED && !value.startsWith('1970-')));
  return {
    ...secret,
    apiVersion: secret.apiVersion,
    kind: secret.kind,
    metadata: { ...metadata, annotations: known },
    stringData: Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')])),
  };
}
