import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { runSettings } from '../../src/cli/run/settings.ts';
import type { KubeRest } from '../../src/kube/rest.ts';
import { FakeClock } from '../../src/lib/fake-clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createWebhook, type Webhook } from '../../src/webhook/webhook.ts';
import { envOf, only, renderedCase } from '../chart/rendered.ts';
import { startApiServer, type ApiServer } from '../support/apiserver/server.ts';
import { kubeClient, type KubeClient } from '../support/kube-client.ts';
import { OPERATOR } from '../support/model/cluster.ts';

/** The webhook's certificate and the API server's trust in it, kept by any number of replicas that come, go and die. Connections are real: whoever is trusted can be talked to. */

const CHART = renderedCase('webhook-namespaced');
/** The settings that the chart gives, for its own configuration: names must fit. */
const SETTINGS = { ...runSettings({}, envOf(CHART)).webhook!, port: 0 };
const CONFIGURATION = only(CHART, 'ValidatingWebhookConfiguration');
const NAMESPACE = only(CHART, 'Deployment').metadata.namespace!;
const HOST = `${SETTINGS.service}.${NAMESPACE}.svc`;
const DAY_MS = 86_400_000;
const LOOK_MS = 300_000;
const RETRY_MS = 15_000;

interface SecretView {
  readonly metadata: { readonly resourceVersion: string };
  readonly data: Readonly<Record<string, string>>;
}
interface ConfigurationView {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/** One replica: what it asks of the API server stops for good when it dies. */
interface Replica {
  readonly webhook: Webhook;
  kill(): void;
}

let api: ApiServer;
let client: KubeClient;
let clock: FakeClock;
let replicas: Replica[];

beforeEach(async () => {
  api = await startApiServer({ namespaces: [NAMESPACE] });
  client = kubeClient(api.url);
  clock = new FakeClock(Date.now());
  replicas = [];
});

afterEach(async () => {
  for (const { webhook } of replicas) await webhook.stop();
  await client.transport.close();
  await api.stop();
});

const NEVER = new Promise<never>(() => undefined);

/** Starts one; resolves after its first look, or when it died in it. */
async function start(): Promise<Replica> {
  const life = { isDead: false };
  let died: () => void = () => undefined;
  const death = new Promise<void>((resolve) => (died = resolve));
  const mortal = (name: 'find' | 'create' | 'patch') => async (...args: readonly unknown[]) => {
    if (life.isDead) return NEVER;
    const settled = await (client.rest[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args).then((value) => ({ value }), (error: unknown) => ({ error }));
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- changes while awaiting
    if (life.isDead) return NEVER;
    if ('error' in settled) throw settled.error as Error;
    return settled.value;
  };
  const rest = { find: mortal('find'), create: mortal('create'), patch: mortal('patch') } as unknown as Pick<KubeRest, 'find' | 'create' | 'patch'>;
  const webhook = createWebhook({ settings: SETTINGS, namespace: NAMESPACE, host: '127.0.0.1', rest, clock, logger: silentLogger, operator: OPERATOR, warningsOf: () => [], lingerMs: 0 });
  const replica = {
    webhook,
    kill: () => {
      life.isDead = true;
      died();
    },
  };
  replicas.push(replica);
  await Promise.race([webhook.start(), death]);
  return replica;
}

const secret = () => api.objects.get<SecretView>('secrets', SETTINGS.secret, NAMESPACE);
const stored = (key: string): string => Buffer.from(secret()?.data[key] ?? '', 'base64').toString('utf8');
const trusted = (): string => Buffer.from(api.objects.get<ConfigurationView>('validatingwebhookconfigurations', SETTINGS.configuration)?.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString('utf8');
const install = (): void => void api.objects.put(CONFIGURATION);

/** Serial number of the certificate that a replica shows to an API server that trusts `ca`; rejects when it does not verify. */
function shown({ webhook }: Replica, ca = trusted()): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: webhook.port() ?? 0, ca: ca === '' ? [] : ca, servername: HOST }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber;

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 5000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`not ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets `ms` pass, and every replica that looks in that time finish its look. */
async function pass(ms: number): Promise<void> {
  const alive = replicas.length;
  await clock.advance(ms);
  await eventually('every look over', () => clock.pendingMs().length >= alive);
}

describe('the certificate of the webhook', () => {
  test('is made, trusted and shown when the first replica starts, and the second shows the same', async () => {
    install();
    const [one, two] = [await start(), await start()];
    expect(await shown(one)).toBe(serialOf(stored('tls.crt')));
    expect(await shown(two)).toBe(await shown(one));
    expect(trusted()).toBe(stored('ca.crt'));
    expect(api.requests.committed()).toHaveLength(2);
  });

  test('is one, when replicas start at the same time', async () => {
    install();
    const all = await Promise.all([start(), start(), start()]);
    const serials = new Set(await Promise.all(all.map((replica) => shown(replica))));
    expect(serials).toEqual(new Set([serialOf(stored('tls.crt'))]));
  });

  test('causes no write as long as nothing changes', async () => {
    install();
    await start();
    await start();
    api.requests.clear();
    for (let looks = 0; looks < 5; looks++) await pass(LOOK_MS);
    expect(api.requests.all({ method: 'GET' }).length).toBeGreaterThanOrEqual(20);
    expect(api.requests.writes()).toEqual([]);
  });

  test('is served before there is a configuration, and trusted soon after somebody makes one', async () => {
    const replica = await start();
    expect(await shown(replica, stored('ca.crt'))).toBe(serialOf(stored('tls.crt')));
    install();
    await pass(RETRY_MS);
    expect(await shown(replica)).toBe(serialOf(stored('tls.crt')));
  });

  test('is trusted again when somebody has put the configuration back as it was', async () => {
    install();
    const replica = await start();
    install();
    expect(trusted()).toBe('');
    await pass(LOOK_MS);
    expect(await shown(replica)).toBe(serialOf(stored('tls.crt')));
  });

  test('comes anew when its Secret is gone, and every replica follows', async () => {
    install();
    const [one, two] = [await start(), await start()];
    const before = await shown(one);
    await client.rest.delete({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }, { namespace: NAMESPACE, name: SETTINGS.secret });
    await pass(LOOK_MS);
    expect(await shown(one)).not.toBe(before);
    expect(await shown(two)).toBe(await shown(one));
  });

  test('waits for a right that is missing, and needs no restart once it is there', async () => {
    install();
    const fault = api.faults.add({ method: 'PATCH', path: /validatingwebhookconfigurations/, times: 1000, action: { kind: 'status', code: 403 } });
    const replica = await start();
    expect(replica.webhook.port()).toBeUndefined();
    fault.remove();
    await pass(RETRY_MS);
    expect(await shown(replica)).toBe(serialOf(stored('tls.crt')));
  });
});

describe('renewal', () => {
  /** A world that began so long ago; `now` is the real one, since TLS looks at the clock on the wall. */
  async function since(days: number): Promise<{ readonly one: Replica; readonly two: Replica }> {
    clock = new FakeClock(Date.now() - days * DAY_MS);
    install();
    return { one: await start(), two: await start() };
  }

  test('reaches every replica without a moment in which one of them is not trusted', async () => {
    const { one, two } = await since(61);
    const [before, ca] = [await shown(one), trusted()];
    clock.jumpTo(Date.now());
    api.requests.clear();
    await pass(LOOK_MS);
    expect(await shown(one)).not.toBe(before);
    expect(await shown(two)).toBe(await shown(one));
    expect(trusted()).toBe(ca);
    expect(api.requests.committed()).toHaveLength(1);
  });

  test('of the CA has the API server trust both before anybody shows a leaf of the new one', async () => {
    const { one, two } = await since(2500);
    const [before, old] = [serialOf(stored('tls.crt')), trusted()];
    clock.jumpTo(Date.now());
    const order: string[] = [];
    api.faults.aroundWrites({
      path: /validatingwebhookconfigurations/,
      before: async () => {
        // What is shown while the new CA is in the Secret and not yet trusted.
        for (const { webhook } of [one, two]) order.push((await serialShownUnverified(webhook)) === before ? 'old' : 'new');
        return undefined;
      },
    });
    await pass(LOOK_MS);
    expect(order.length).toBeGreaterThanOrEqual(2);
    expect(order.slice(0, 2)).toEqual(['old', 'old']);
    expect(trusted().endsWith(old)).toBe(true);
    expect(await shown(one)).toBe(serialOf(stored('tls.crt')));
    expect(await shown(two)).toBe(await shown(one));
  });
});

function serialShownUnverified(webhook: Webhook): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: webhook.port() ?? 0, rejectUnauthorized: false, servername: HOST }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('a replica that dies', () => {
  const situations = {
    'at the very first start': () => undefined,
    'when the certificate is renewed': async () => {
      clock = new FakeClock(Date.now() - 61 * DAY_MS);
      (await start()).kill();
      clock = new FakeClock(Date.now());
    },
    'when the CA is renewed': async () => {
      clock = new FakeClock(Date.now() - 2500 * DAY_MS);
      (await start()).kill();
      clock = new FakeClock(Date.now());
    },
    'over half a Secret': () => void api.objects.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: SETTINGS.secret, namespace: NAMESPACE }, type: 'Opaque', data: { 'tls.crt': 'bm9uc2Vuc2U=' } }),
  };
  const cases = Object.keys(situations).flatMap((situation) => (['before', 'after'] as const).flatMap((when) => [1, 2].map((n) => [situation, when, n] as const)));

  test.each(cases)('%s, right %s write %i, leaves what the next one brings to the same end', async (situation, when, n) => {
    install();
    await situations[situation as keyof typeof situations]();
    const secretBefore = secret()?.metadata.resourceVersion;
    let deaths = 0;
    api.faults.aroundWrites({
      [when]: (write: { readonly n: number }) => {
        if (write.n !== n || deaths > 0) return undefined;
        deaths += 1;
        replicas.at(-1)?.kill();
        return 'reset';
      },
    });
    await start();
    // A renewal under the CA that is trusted takes one write.
    expect(deaths).toBe(situation === 'when the certificate is renewed' && n === 2 ? 0 : 1);
    api.faults.aroundWrites({});
    const successor = await start();
    expect(trusted()).toBe(stored('ca.crt'));
    expect(await shown(successor)).toBe(serialOf(stored('tls.crt')));
    expect(secret()?.metadata.resourceVersion).not.toBe(secretBefore);
    // And there it ends.
    api.requests.clear();
    await start();
    expect(api.requests.writes()).toEqual([]);
  });
});
