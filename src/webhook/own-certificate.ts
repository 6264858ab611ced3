import { ANNOTATIONS, FIELD_MANAGER } from '../api/meta.ts';
import { errorCode } from '../errors.ts';
import type { KubeRest } from '../kube/rest.ts';
import { KINDS, type KubeObject, type ObjectRef } from '../kube/types.ts';
import { isIssuedBy, isKeyOf, readCertificate } from '../pki/certificate.ts';
import { createCa, issueLeaf } from '../pki/issue.ts';
import { DAY_MS, isFresh } from '../pki/lifetime.ts';
import { generateKeys, parsePrivateKey, randomSerial } from '../pki/keys.ts';

const CA_DAYS = 3650;
const LEAF_DAYS = 90;

/** What the Secret of the webhook holds, PEM texts. `caPem` may hold an older CA behind the one that signs. */
export interface WebhookCertificate {
  readonly caPem: string;
  readonly caKeyPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface OwnCertificateOptions {
  readonly rest: Pick<KubeRest, 'find' | 'create' | 'patch'>;
  /** The Secret, in the namespace of the operator. */
  readonly secret: ObjectRef;
  /** Names the API server calls: those of the Service. */
  readonly dnsNames: readonly string[];
  readonly nowMs: number;
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * The certificate of the webhook from a CA of its own, made by whichever replica comes first and renewed when less than a third of its time is left. A new CA is put before the old one, so that the API server trusts both while replicas
 * still show a leaf of the old one. Idempotent; of two replicas that write at once one fails and reads what the other wrote.
 * @throws what `KubeRest` throws
 */
export async function ensureOwnCertificate(options: OwnCertificateOptions): Promise<WebhookCertificate> {
  for (let attempt = 1; ; attempt += 1) {
    const { rest, secret } = options;
    const live = await rest.find<Secret>(KINDS.Secret, secret);
    const found = contents(live);
    const next = await renewed(found, options);
    if (next === found) return next;
    try {
      await write(options, live, next);
      return next;
    } catch (error) {
      if (attempt === 3 || !['ERR_KUBE_CONFLICT', 'ERR_KUBE_ALREADY_EXISTS'].includes(errorCode(error))) throw error;
    }
  }
}

function contents(secret: Secret | undefined): WebhookCertificate | undefined {
  const text = (key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  const [caPem, caKeyPem, certPem, keyPem] = [text('ca.crt'), text('ca.key'), text('tls.crt'), text('tls.key')];
  return [caPem, caKeyPem, certPem, keyPem].includes('') ? undefined : { caPem, caKeyPem, certPem, keyPem };
}

async function renewed(found: WebhookCertificate | undefined, { dnsNames, nowMs }: OwnCertificateOptions): Promise<WebhookCertificate> {
  if (found !== undefined && isFreshPem(found.caPem, CA_DAYS, nowMs) && isKeyOf(found.caKeyPem, found.caPem)) {
    return isShowable(found, dnsNames, nowMs) ? found : { ...found, ...(await leaf(found, dnsNames, nowMs)) };
  }
  const ca = await createCa({ commonName: 'patroni-operator webhook', ...lifetime(CA_DAYS, nowMs), serial: randomSerial(), keys: await generateKeys() });
  const next = { caPem: `${ca.certPem}${before(found)}`, caKeyPem: ca.keyPem };
  return { ...next, ...(await leaf(next, dnsNames, nowMs)) };
}

/** Whoever writes into the Secret, or restores half of it, must not keep the webhook down: a leaf is good when everything about it fits. */
function isShowable({ caPem, certPem, keyPem }: WebhookCertificate, dnsNames: readonly string[], nowMs: number): boolean {
  if (!isFreshPem(certPem, LEAF_DAYS, nowMs) || !isKeyOf(keyPem, certPem) || !isIssuedBy(certPem, caPem)) return false;
  const { dnsNames: named } = readCertificate(certPem);
  return dnsNames.every((name) => named.includes(name));
}

/** The CA that signed so far, for the bundle; nothing when it is none, since a bundle with nonsense in it would be refused as a whole. */
function before(found: WebhookCertificate | undefined): string {
  const pem = firstOf(found?.caPem ?? '');
  return isIssuedBy(pem, pem) ? pem : '';
}

function isFreshPem(pem: string, days: number, nowMs: number): boolean {
  try {
    return isFresh(readCertificate(pem).notAfterMs, days, nowMs);
  } catch {
    return false;
  }
}

async function leaf({ caPem, caKeyPem }: Pick<WebhookCertificate, 'caPem' | 'caKeyPem'>, dnsNames: readonly string[], nowMs: number): Promise<Pick<WebhookCertificate, 'certPem' | 'keyPem'>> {
  return issueLeaf({
    ca: { certPem: firstOf(caPem), privateKey: await parsePrivateKey(caKeyPem) },
    commonName: dnsNames[0] ?? '',
    organization: 'patroni-operator',
    dnsNames,
    ipAddresses: [],
    usages: ['server'],
    serial: randomSerial(),
    ...lifetime(LEAF_DAYS, nowMs),
    keys: await generateKeys(),
  });
}

/** From an hour ago, since clocks differ. */
const lifetime = (days: number, nowMs: number) => ({ notBeforeMs: nowMs - 3_600_000, notAfterMs: nowMs + days * DAY_MS });

const firstOf = (bundle: string): string => /-----BEGIN[^]*?-----END [A-Z ]+-----\n?/.exec(bundle)?.[0] ?? '';

async function write({ rest, secret }: OwnCertificateOptions, live: Secret | undefined, certificate: WebhookCertificate): Promise<void> {
  const { caPem, caKeyPem, certPem, keyPem } = certificate;
  const encoded = { 'ca.crt': caPem, 'ca.key': caKeyPem, 'tls.crt': certPem, 'tls.key': keyPem };
  const data = Object.fromEntries(Object.entries(encoded).map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')]));
  const annotations = { [ANNOTATIONS.notAfter]: new Date(readCertificate(certPem).notAfterMs).toISOString() };
  if (live === undefined) {
    const manifest = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { ...secret, labels: { 'app.kubernetes.io/managed-by': 'patroni-operator' }, annotations }, data };
    await rest.create(KINDS.Secret, manifest, { fieldManager: FIELD_MANAGER });
    return;
  }
  const { resourceVersion } = live.metadata;
  await rest.patch(KINDS.Secret, secret, { type: 'merge', body: { metadata: { resourceVersion, annotations }, data } }, { fieldManager: FIELD_MANAGER });
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig?: { readonly caBundle?: string } }[];
}

/**
 * Makes the API server trust `caPem`: writes it into every webhook of the configuration where it differs. False when there is no such configuration, as before the chart has
 * made it or after somebody has taken it away.
 * @throws what `KubeRest` throws
 */
export async function ensureTrusted(rest: Pick<KubeRest, 'find' | 'patch'>, name: string, caPem: string): Promise<boolean> {
  const live = await rest.find<WebhookConfiguration>(KINDS.ValidatingWebhookConfiguration, { name });
  if (live === undefined) return false;
  const caBundle = Buffer.from(caPem, 'utf8').toString('base64');
  const body = (live.webhooks ?? []).flatMap((webhook, i) =>
    webhook.clientConfig?.caBundle === caBundle
      ? []
      : [
          // A list has no keys in a JSON patch: should it have changed meanwhile, the CA must not land in another webhook.
          { op: 'test', path: `/webhooks/${String(i)}/name`, value: webhook.name },
          { op: 'add', path: `/webhooks/${String(i)}/clientConfig/caBundle`, value: caBundle },
        ],
  );
  if (body.length > 0) await rest.patch(KINDS.ValidatingWebhookConfiguration, { name }, { type: 'json', body }, { fieldManager: FIELD_MANAGER });
  return true;
}
