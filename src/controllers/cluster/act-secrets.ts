import { FIELD_MANAGER } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import type { EffectiveCluster } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import { errorCode, OperatorError } from '../../errors.ts';
import { KINDS, type KubeObject } from '../../kube/types.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { createCa, issueLeaf } from '../../pki/issue.ts';
import { DAY_MS } from '../../pki/lifetime.ts';
import { generateKeys, parsePrivateKey, randomSerial } from '../../pki/keys.ts';
import { buildCaSecret, buildCredentialSecret, buildLeafSecret, type CaPlan, type CaReference, type CredentialPlan, type LeafPlan } from '../../resources/secrets.ts';

import { note, type ActContext } from './act-context.ts';

/** Certificates are valid from a little before now, for clocks that differ. */
const BACKDATE_MS = 5 * 60 * 1000;

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Makes a Secret that does not exist. @returns false when it came into being meanwhile: what is there wins, always */
export async function createSecret(context: ActContext, plan: CaPlan | CredentialPlan): Promise<boolean> {
  const effective = effectiveOf(context);
  const manifest = plan.kind === 'ca' ? await newCa(context, effective, plan) : buildCredentialSecret(effective, plan, context.ports.random.password(), await findCa(context, effective));
  try {
    await context.ports.rest.create(KINDS.Secret, manifest, { fieldManager: FIELD_MANAGER });
    return true;
  } catch (error) {
    if (errorCode(error) === 'ERR_KUBE_ALREADY_EXISTS') return false;
    throw error;
  }
}

/** Rebuilds a connection Secret around the password it holds, after a change of host names or of the CA. */
export async function rewriteSecret(context: ActContext, plan: CredentialPlan): Promise<void> {
  const effective = effectiveOf(context);
  const live = await findSecret(context, effective.namespace, plan.name);
  const password = live?.['password'];
  if (password === undefined) throw new OperatorError('ERR_CLUSTER_SECRET_INCOMPLETE', { secret: plan.name, key: 'password' });
  await apply(context, buildCredentialSecret(effective, plan, password, await findCa(context, effective)));
}

export async function issueLeafSecret(context: ActContext, plan: LeafPlan): Promise<void> {
  const effective = effectiveOf(context);
  const ca = await findSecret(context, effective.namespace, names.caSecret(effective.name));
  const caPem = ca?.['ca.crt'];
  const caKey = ca?.['ca.key'];
  if (caPem === undefined || caKey === undefined) throw new OperatorError('ERR_CLUSTER_SECRET_INCOMPLETE', { secret: names.caSecret(effective.name), key: 'ca.key' });
  const nowMs = context.ports.clock.nowMs();
  const notAfterMs = nowMs + plan.subject.validityDays * DAY_MS;
  const issued = await issueLeaf({
    ca: { certPem: caPem, privateKey: await parsePrivateKey(caKey) },
    organization: effective.name,
    ...plan.subject,
    serial: randomSerial(),
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs,
    keys: await generateKeys(),
  });
  await apply(context, buildLeafSecret(effective, plan, { ...issued, notAfterMs, ca: { certPem: caPem, fingerprint: readCertificate(caPem).fingerprint } }));
  if (context.observed.cluster.status?.leader !== undefined) note(context, 'CertificateIssued', 'Issue', `Certificate ${plan.name} was issued.`);
}

async function newCa(context: ActContext, effective: EffectiveCluster, plan: CaPlan): Promise<Manifest> {
  const nowMs = context.ports.clock.nowMs();
  const notAfterMs = nowMs + plan.validityDays * DAY_MS;
  const issued = await createCa({ commonName: plan.commonName, serial: randomSerial(), notBeforeMs: nowMs - BACKDATE_MS, notAfterMs, keys: await generateKeys() });
  return buildCaSecret(effective, plan, { ...issued, notAfterMs, fingerprint: readCertificate(issued.certPem).fingerprint });
}

async function findCa(context: ActContext, effective: EffectiveCluster): Promise<CaReference | undefined> {
  const certPem = (await findSecret(context, effective.namespace, names.caSecret(effective.name)))?.['ca.crt'];
  return certPem === undefined ? undefined : { certPem, fingerprint: readCertificate(certPem).fingerprint };
}

async function findSecret(context: ActContext, namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
  const live = await context.ports.rest.find<SecretObject>(KINDS.Secret, { namespace, name });
  return live === undefined ? undefined : Object.fromEntries(Object.entries(live.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

/** Not `applyIfNeeded`: a leaf is random, so it differs every time; the plan's hash in the annotations is what is compared. */
async function apply(context: ActContext, manifest: Manifest): Promise<void> {
  await context.ports.rest.apply(KINDS.Secret, manifest, { fieldManager: FIELD_MANAGER, force: true });
}

function effectiveOf(context: ActContext): EffectiveCluster {
  const { effective } = context.observed;
  if (effective === undefined) throw new TypeError('no action on Secrets is planned for an invalid spec');
  return effective;
}
