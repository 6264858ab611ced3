import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ANNOTATIONS, API_VERSION, FINALIZER } from '../../src/api/meta.ts';
import { loadKubeAccess } from '../../src/kube/client-node.ts';
import { createKubeRest, type KubeRest } from '../../src/kube/rest.ts';
import { createTransport, type Transport } from '../../src/kube/transport.ts';
import { KINDS, type KubeObject } from '../../src/kube/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { ensureOwnCertificate, ensureTrusted } from '../../src/webhook/own-certificate.ts';
import { createWebhookServer, WEBHOOK_PATH, type WebhookServer } from '../../src/webhook/server.ts';
import { only, renderedCase, type Rendered } from '../chart/rendered.ts';
import { realApiServerUnavailable, sandboxProgram, startRealApiServer, type RealApiServer } from '../support/real-apiserver.ts';
import { CRDS } from './crds.ts';

/**
 * A real kube-apiserver asks the webhook, by the configuration that the chart renders (at a URL, since there is no Service here), and a real kubectl shows what comes of it. What
 * only it can judge: that it trusts our certificate, calls for the right requests only, and hands on refusals and warnings.
 */

const why = realApiServerUnavailable();
const suite = why === undefined ? describe : describe.skip;

const OPERATOR = { images: { postgres: { '17': 'postgres:17' }, etcd: 'etcd', haproxy: 'haproxy' }, clusterDomain: 'cluster.local' };
const NAMESPACE = 'shop';
const CRD = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', namespaced: false };
const BAD = { patroni: { config: { scope: 'other' } } };
const SAYS = 'spec.patroni.config.scope: cannot be set';

const cluster = (name: string, spec: object, metadata: object = {}) => ({ apiVersion: API_VERSION, kind: 'PatroniCluster', metadata: { name, namespace: NAMESPACE, ...metadata }, spec });

suite(`a real API server${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let api: RealApiServer;
  let transport: Transport;
  let rest: KubeRest;
  let server: WebhookServer;
  let url = '';
  const metrics = createMetrics({ processMetrics: false });

  const kubectl = (args: readonly string[], object?: object) =>
    new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
      const child = execFile(sandboxProgram('kubectl') ?? 'kubectl', [`--kubeconfig=${api.kubeconfig}`, '-n', NAMESPACE, ...args], (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : 1, text: `${stdout}${stderr}` }),
      );
      child.stdin?.end(object === undefined ? '' : JSON.stringify(object));
    });
  const apply = (object: object, ...flags: readonly string[]) => kubectl(['apply', ...flags, '-f', '-'], object);

  /** Requests that the webhook has answered so far. */
  const asked = async () => (await metrics.webhookRequests.get()).values.reduce((sum, { value }) => sum + value, 0);

  /** The configuration of the chart, its Service replaced by an address. */
  const configuration = ({ failurePolicy = 'Fail', at = url }: { failurePolicy?: string; at?: string } = {}): KubeObject => {
    const rendered = only(renderedCase('everything'), 'ValidatingWebhookConfiguration');
    const webhooks = (rendered['webhooks'] as readonly object[]).map((webhook) => ({ ...webhook, failurePolicy, clientConfig: { url: at } }));
    return { ...rendered, webhooks } as KubeObject;
  };
  const name = configuration().metadata.name;

  async function certificate() {
    const own = await ensureOwnCertificate({ rest, secret: { namespace: NAMESPACE, name: 'webhook-tls' }, dnsNames: ['localhost'], nowMs: Date.now() });
    return { own, serving: { certPem: own.certPem, keyPem: own.keyPem } };
  }

  /** Puts a configuration in place; resolves when the API server goes by it. */
  async function configure(settings: { failurePolicy?: string; at?: string } = {}): Promise<void> {
    const live = await rest.find<KubeObject>(KINDS.ValidatingWebhookConfiguration, { name });
    const wanted = configuration(settings);
    await (live === undefined ? rest.create(KINDS.ValidatingWebhookConfiguration, wanted) : rest.update(KINDS.ValidatingWebhookConfiguration, { ...wanted, metadata: { ...wanted.metadata, resourceVersion: live.metadata.resourceVersion! } }));
    expect(await ensureTrusted(rest, name, (await certificate()).own.caPem)).toBe(true);
  }

  async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + 20_000;
    while (!(await holds())) if (performance.now() > deadlineMs) throw new Error(`not ${what}`);
  }

  beforeAll(async () => {
    api = await startRealApiServer();
    transport = createTransport({ access: loadKubeAccess({ kubeconfig: api.kubeconfig }), version: 'test', clock: systemClock });
    rest = createKubeRest(transport);
    await rest.create(KINDS.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    for (const { crd } of CRDS) await rest.create(CRD, crd as unknown as KubeObject);
    await eventually('the kind is served', async () => (await kubectl(['get', 'patroniclusters'])).code === 0);
    // A spec that was stored before there was a webhook, as by an operator of before.
    await eventually('clusters can be made', async () => (await apply(cluster('invalid', BAD, { finalizers: [FINALIZER] }))).code === 0);
    await apply(cluster('valid', {}));
    server = createWebhookServer({
      host: '127.0.0.1',
      port: 0,
      certificate: (await certificate()).serving,
      operator: OPERATOR,
      warningsOf: (old) => (old === undefined ? [] : ['this edit restarts PostgreSQL,\none member after the other']),
      metrics,
      clock: systemClock,
      logger: silentLogger,
      lingerMs: 0,
    });
    url = `https://localhost:${String(await server.start())}${WEBHOOK_PATH}`;
    await configure();
    await eventually('the webhook is asked', async () => (await apply(cluster('bad', BAD), '--dry-run=server')).text.includes('admission webhook'));
  }, 120_000);

  afterAll(async () => {
    await server.stop();
    await transport.close();
    await api.stop();
  });

  test('hands a refusal on to kubectl, with every field and remedy', async () => {
    const { code, text } = await apply(cluster('bad', { ...BAD, patroni: { config: { scope: 'x', name: 'y' } } }));
    expect(code).toBe(1);
    expect(text).toContain('admission webhook "patroniclusters.patroni-operator.dev" denied the request: spec.patroni.config.');
    expect(text).toContain(SAYS);
    expect(text).toContain('spec.patroni.config.name:');
    expect((await kubectl(['get', 'patroniclusters', '-o', 'name'])).text).not.toContain('bad');
  });

  test('refuses the same by server-side apply', async () => {
    expect((await apply(cluster('bad', BAD), '--server-side')).text).toContain(SAYS);
  });

  test('lets a good one pass, without a word', async () => {
    expect(await apply(cluster('good', {}))).toMatchObject({ code: 0, text: expect.not.stringContaining('Warning') });
  });

  test('hands warnings on to kubectl', async () => {
    const { code, text } = await kubectl(['patch', 'patronicluster', 'valid', '--type=merge', '-p', JSON.stringify({ spec: { postgres: { replicas: 2 } } })]);
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining('Warning: this edit restarts PostgreSQL, one member after the other') });
  });

  test('does not ask about what leaves the spec alone, about a status or a number of replicas', async () => {
    const before = await asked();
    expect((await kubectl(['annotate', 'patronicluster', 'valid', `${ANNOTATIONS.switchover}=any`])).code).toBe(0);
    expect((await kubectl(['label', 'patronicluster', 'valid', 'team=db'])).code).toBe(0);
    expect((await kubectl(['scale', 'patronicluster/valid', '--replicas=3'])).code).toBe(0);
    expect((await kubectl(['patch', 'patronicluster', 'valid', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Running"}}'])).code).toBe(0);
    expect(await asked()).toBe(before);
  });

  describe('while nobody answers and failures are refusals', () => {
    beforeAll(async () => {
      await configure({ at: 'https://localhost:1/' });
      await eventually('nobody answers', async () => (await apply(cluster('good', { postgres: { replicas: 2 } }), '--dry-run=server')).text.includes('failed calling webhook'));
    });
    afterAll(() => configure());

    test('refuses changes of a spec', async () => {
      expect(await apply(cluster('other', {}))).toMatchObject({ code: 1, text: expect.stringContaining('failed calling webhook') });
    });

    test('annotates, deletes and takes the finalizer off all the same, also where the spec is invalid', async () => {
      expect((await kubectl(['annotate', 'patronicluster', 'invalid', 'note=x'])).code).toBe(0);
      expect((await kubectl(['delete', 'patronicluster', 'invalid', '--wait=false'])).code).toBe(0);
      expect((await kubectl(['patch', 'patronicluster', 'invalid', '--type=merge', '-p', '{"metadata":{"finalizers":[]}}'])).code).toBe(0);
      expect((await kubectl(['get', 'patronicluster', 'invalid'])).text).toContain('NotFound');
    });
  });

  test('lets everything pass while nobody answers and failures are ignored', async () => {
    await configure({ failurePolicy: 'Ignore', at: 'https://localhost:1/' });
    await eventually('it passes', async () => (await apply(cluster('ignored', BAD), '--dry-run=server')).code === 0);
    await configure();
    await eventually('it is refused again', async () => (await apply(cluster('ignored', BAD), '--dry-run=server')).text.includes(SAYS));
  });

  test('lets an operator that watches single namespaces keep its certificate, with the rights that the chart gives', async () => {
    const chart = renderedCase('webhook-namespaced');
    const { namespace = '', name: account } = only(chart, 'ServiceAccount').metadata;
    const { name: named } = only(chart, 'ValidatingWebhookConfiguration').metadata;
    for (const needed of [namespace, 'billing', NAMESPACE]) await kubectl(['create', 'namespace', needed]);
    const roles = chart.filter(({ kind }) => /Role|ValidatingWebhook/.test(kind));
    expect(await apply({ apiVersion: 'v1', kind: 'List', items: roles }, '--namespace=')).toMatchObject({ code: 0 });
    const kubeconfig = JSON.parse(await readFile(api.kubeconfig, 'utf8')) as { users: [{ user: object }] };
    kubeconfig.users[0].user = { ...kubeconfig.users[0].user, as: `system:serviceaccount:${namespace}:${account}` };
    const file = join(api.directory, 'operator.kubeconfig');
    await writeFile(file, JSON.stringify(kubeconfig));
    const own = createTransport({ access: loadKubeAccess({ kubeconfig: file }), version: 'test', clock: systemClock });
    try {
      const operator = createKubeRest(own);
      const secret = { namespace, name: 'patroni-operator-webhook-tls' };
      const ensure = (nowMs: number) => ensureOwnCertificate({ rest: operator, secret, dnsNames: ['x'], nowMs });
      const first = await ensure(Date.now());
      expect((await ensure(Date.now() + 61 * 86_400_000)).certPem).not.toBe(first.certPem);
      expect(await ensureTrusted(operator, named, first.caPem)).toBe(true);
      // And no more than that.
      await expect(operator.find(KINDS.Secret, { ...secret, name: 'other' })).rejects.toMatchObject({ code: 'ERR_KUBE_FORBIDDEN' });
      await expect(operator.find(KINDS.ValidatingWebhookConfiguration, { name })).rejects.toMatchObject({ code: 'ERR_KUBE_FORBIDDEN' });
    } finally {
      await own.close();
      await rest.delete(KINDS.ValidatingWebhookConfiguration, { name: named });
    }
  });

  test('goes on trusting it through a new certificate by a new CA', async () => {
    await rest.delete(KINDS.Secret, { namespace: NAMESPACE, name: 'webhook-tls' });
    const { own, serving } = await certificate();
    await ensureTrusted(rest, name, own.caPem);
    server.useCertificate(serving);
    await eventually('it is asked with the new one', async () => (await apply(cluster('bad', BAD), '--dry-run=server')).text.includes(SAYS));
    expect(((await rest.get(KINDS.ValidatingWebhookConfiguration, { name })) as unknown as Rendered)['webhooks']).toMatchObject([{ clientConfig: { caBundle: Buffer.from(own.caPem).toString('base64') } }]);
  });
});
