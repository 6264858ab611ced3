import { createPrivateKey, X509Certificate } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { OperatorError } from '../errors.ts';
import type { KubeRest } from '../kube/rest.ts';
import { ensureOwnCertificate, ensureTrusted } from './own-certificate.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const SECRET = { namespace: 'operators', name: 'webhook-tls' };
const NAMES = ['webhook.operators.svc'];

type Stored = { metadata: { name: string; resourceVersion: string }; data?: Record<string, string>; webhooks?: { name: string; clientConfig: { caBundle?: string } }[] };

/** One object in memory, with the conflicts of a real API server. */
class Store {
  object: Stored | undefined;
  writes = 0;
  /** Runs once before the next write: what another replica does in between. */
  meanwhile: (() => Promise<unknown>) | undefined;
  readonly rest: Pick<KubeRest, 'find' | 'create' | 'patch'>;

  constructor(object?: Stored) {
    this.object = object;
    const interrupt = async () => {
      const other = this.meanwhile;
      this.meanwhile = undefined;
      await other?.();
    };
    this.rest = {
      find: (() => Promise.resolve(structuredClone(this.object))) as unknown as KubeRest['find'],
      create: (async (_kind: unknown, manifest: Stored) => {
        await interrupt();
        if (this.object !== undefined) throw new OperatorError('ERR_KUBE_ALREADY_EXISTS', { method: 'POST', path: '/' });
        this.writes += 1;
        return (this.object = { ...structuredClone(manifest), metadata: { ...manifest.metadata, resourceVersion: '1' } });
      }) as unknown as KubeRest['create'],
      patch: (async (_kind: unknown, _ref: unknown, { body }: { body: Stored | { op: string; path: string; value: string }[] }) => {
        await interrupt();
        this.writes += 1;
        if (this.object === undefined) throw new Error('nothing to patch');
        if (Array.isArray(body)) {
          for (const { op, path, value } of body) if (op === 'add') this.object.webhooks![Number(path.split('/')[2])]!.clientConfig.caBundle = value;
          return this.object;
        }
        if (body.metadata.resourceVersion !== this.object.metadata.resourceVersion) throw new OperatorError('ERR_KUBE_CONFLICT', { method: 'PATCH', path: '/' });
        this.object = { ...this.object, data: { ...this.object.data, ...body.data }, metadata: { ...this.object.metadata, resourceVersion: `${this.object.metadata.resourceVersion}1` } };
        return this.object;
      }) as unknown as KubeRest['patch'],
    };
  }

  ensure(nowMs = NOW_MS, dnsNames: readonly string[] = NAMES) {
    return ensureOwnCertificate({ rest: this.rest, secret: SECRET, dnsNames, nowMs });
  }
}

const isSignedBy = (certPem: string, caPem: string): boolean => new X509Certificate(certPem).verify(new X509Certificate(caPem).publicKey);

describe('the certificate of the webhook', () => {
  test('is made once, for the names of the Service, and then left alone', async () => {
    const store = new Store();
    const first = await store.ensure();
    expect(isSignedBy(first.certPem, first.caPem)).toBe(true);
    expect(new X509Certificate(first.certPem).checkHost('webhook.operators.svc')).toBe('webhook.operators.svc');
    expect(await store.ensure(NOW_MS + DAY_MS)).toEqual(first);
    expect(store.writes).toBe(1);
  });

  test('is renewed by the same CA when less than a third of its time is left', async () => {
    const store = new Store();
    const first = await store.ensure();
    const second = await store.ensure(NOW_MS + 61 * DAY_MS);
    expect(second.caPem).toBe(first.caPem);
    expect(second.certPem).not.toBe(first.certPem);
  });

  test('follows the name of the Service', async () => {
    const store = new Store();
    await store.ensure();
    expect(new X509Certificate((await store.ensure(NOW_MS, ['other.operators.svc'])).certPem).checkHost('other.operators.svc')).toBe('other.operators.svc');
  });

  test('gets a new CA in time, and the old one stays behind it in the bundle', async () => {
    const store = new Store();
    const first = await store.ensure();
    const second = await store.ensure(NOW_MS + 2500 * DAY_MS);
    expect(second.caPem.endsWith(first.caPem)).toBe(true);
    expect(isSignedBy(second.certPem, second.caPem)).toBe(true);
  });

  test('is the one of the other replica when two make it at once', async () => {
    const store = new Store();
    let other: unknown;
    store.meanwhile = async () => (other = await store.ensure());
    expect(await store.ensure()).toEqual(other);
    expect(store.writes).toBe(1);
  });

  test('is made anew where the Secret holds nonsense', async () => {
    const data = Object.fromEntries(['ca.crt', 'ca.key', 'tls.crt', 'tls.key'].map((key) => [key, Buffer.from('nonsense').toString('base64')]));
    const store = new Store({ metadata: { name: 'webhook-tls', resourceVersion: '7' }, data });
    const { certPem, caPem } = await store.ensure();
    expect(isSignedBy(certPem, caPem)).toBe(true);
  });

  // What somebody who restores half a Secret leaves behind; the fourth row is a leaf of another CA with its key.
  test.each([[['ca.key']], [['tls.key']], [['tls.crt']], [['tls.crt', 'tls.key']], [['ca.crt']]])('is whole again where %j belong to another one', async (foreign) => {
    const [store, other] = [new Store(), new Store()];
    const first = await store.ensure();
    await other.ensure();
    for (const key of foreign) store.object!.data![key] = other.object!.data![key]!;
    const { certPem, keyPem, caPem, caKeyPem } = await store.ensure();
    expect(isSignedBy(certPem, caPem)).toBe(true);
    expect(new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(new X509Certificate(caPem).checkPrivateKey(createPrivateKey(caKeyPem))).toBe(true);
    // A CA that is well stays: other replicas still show what it signed.
    if (!foreign.some((key) => key.startsWith('ca.'))) expect(caPem).toBe(first.caPem);
    const { writes } = store;
    await store.ensure();
    expect(store.writes).toBe(writes);
  });

  test('never puts into the bundle what is no CA', async () => {
    const store = new Store();
    const { certPem } = await store.ensure();
    store.object!.data!['ca.crt'] = Buffer.from(certPem).toString('base64');
    expect((await store.ensure()).caPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });
});

describe('the trust of the API server', () => {
  test('is written where it differs, and only there', async () => {
    const store = new Store({ metadata: { name: 'x', resourceVersion: '1' }, webhooks: [{ name: 'a', clientConfig: {} }, { name: 'b', clientConfig: { caBundle: 'b2xk' } }] });
    expect(await ensureTrusted(store.rest, 'x', 'CA')).toBe(true);
    expect(store.object?.webhooks?.map(({ clientConfig }) => clientConfig.caBundle)).toEqual(['Q0E=', 'Q0E=']);
    expect(await ensureTrusted(store.rest, 'x', 'CA')).toBe(true);
    expect(store.writes).toBe(1);
  });

  test('is nobody’s business without a configuration', async () => {
    expect(await ensureTrusted(new Store().rest, 'x', 'CA')).toBe(false);
  });
});
