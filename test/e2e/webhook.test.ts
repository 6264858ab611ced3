import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect } from '@jest/globals';

import { BAD_CONFIGURATIONS } from '../support/bad-configurations.ts';

import { manifest } from './support/cluster.ts';
import { environment } from './support/environment.ts';
import { kubectl, tryKubectl } from './support/kubectl.ts';
import { inNamespace } from './support/namespaces.ts';
import { CHART, helm, operatorPods, scaleOperator, waitOperator } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { waitFor } from './support/shell.ts';

/** Runs `body` while the operator serves the webhook, and takes it away again. */
async function withWebhook(body: () => Promise<void>, set: readonly string[] = []): Promise<void> {
  const { operator, output } = environment();
  const release = ['--namespace', operator.namespace];
  const major = environment().helm['4'] === undefined ? '3' : '4';
  const values = join(output, 'webhook-values.yaml');
  mkdirSync(output, { recursive: true });
  writeFileSync(values, await helm(major, ['get', 'values', operator.release, '-o', 'yaml', ...release]));
  const upgrade = (...set: readonly string[]) => helm(major, ['upgrade', operator.release, CHART(), ...release, '-f', values, ...set, '--wait', '--timeout=120s']);
  try {
    await upgrade('--set', ['webhook.enabled=true', ...set].join(','));
    await waitOperator();
    await waitFor('the API server trusts the webhook', async () => {
      const bundles = await kubectl(['get', 'validatingwebhookconfigurations', '-o', 'jsonpath={.items[*].webhooks[*].clientConfig.caBundle}']);
      return bundles.trim() === '' ? undefined : true;
    }, { timeoutMs: 60_000 });
    await body();
  } finally {
    await upgrade('--set', 'webhook.enabled=false');
    await waitOperator();
  }
}

/** What `kubectl apply` would say; nothing is stored. */
const applyDry = (object: object) => tryKubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(object) });

describe('the validating webhook', () => {
  scenario('refuses at kubectl apply what the operator would refuse, warns of what interrupts, and is missed by nobody when it is away', async () => {
    const { cluster } = await sharedCluster();
    await withWebhook(async () => {
      await inNamespace('webhook', async (namespace) => {
        const bad = { name: 'bad', namespace };
        // Both ends need a moment: the operator opens the port, kube-proxy learns of it.
        await waitFor('a refusal', async () => ((await applyDry(manifest(bad, { patroni: { config: { scope: 'x' } } }))).code === 0 ? undefined : true), { timeoutMs: 60_000 });
        const wrong: string[] = [];
        for (const { title, spec, says } of BAD_CONFIGURATIONS) {
          // `create`, since an apply drops nulls on the way.
          const { code, stderr } = await tryKubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(manifest(bad, spec)) });
          if (code === 0) wrong.push(`${title}: accepted`);
          else if (!/admission webhook "patroniclusters\.patroni-operator\.dev" denied/.test(stderr) || !says.test(stderr)) wrong.push(`${title}: ${stderr.trim()}`);
        }
        expect(wrong).toEqual([]);
        expect(await applyDry(manifest(bad))).toMatchObject({ code: 0 });

        const patch = (spec: object) => tryKubectl(['-n', cluster.namespace, 'patch', 'patronicluster', cluster.name, '--type=merge', '--dry-run=server', '-p', JSON.stringify({ spec })]);
        const interrupting = await patch({ postgres: { parameters: { max_connections: 200 } } });
        expect(interrupting.code).toBe(0);
        expect(interrupting.stderr).toMatch(/Warning: .*max_connections/);
        const quiet = await patch({ postgres: { parameters: { work_mem: '8MB' } } });
        expect(quiet.code).toBe(0);
        expect(quiet.stderr).not.toMatch(/Warning/);

        await scaleOperator(0);
        try {
          expect((await applyDry(manifest(bad, { patroni: { config: { scope: 'x' } } }))).code).toBe(0);
        } finally {
          await scaleOperator(1);
        }
      });
    });
  });

  scenario('refuses no good change while the operator is replaced, even where a webhook that does not answer means no', async () => {
    const { namespace: home, release } = environment().operator;
    await withWebhook(async () => {
      await inNamespace('webhook-fail', async (namespace) => {
        const good = manifest({ name: 'good', namespace });
        await waitFor('an answer', async () => ((await applyDry(good)).code === 0 ? true : undefined), { timeoutMs: 60_000 });
        const before = (await operatorPods()).map(({ metadata }) => metadata.uid);
        await kubectl(['-n', home, 'rollout', 'restart', `deployment/${release}`]);
        const refused: string[] = [];
        let applies = 0;
        await waitFor('only new pods', async () => {
          const { code, stderr } = await applyDry(good);
          applies += 1;
          if (code !== 0) refused.push(stderr.trim());
          return (await operatorPods()).every(({ metadata }) => !before.includes(metadata.uid)) ? true : undefined;
        }, { timeoutMs: 120_000, everyMs: 0 });
        expect(refused).toEqual([]);
        expect(applies).toBeGreaterThan(10);
        // Nobody there at all: changes wait, deletions do not.
        await scaleOperator(0);
        try {
          expect(await applyDry(good)).toMatchObject({ code: 1, stderr: expect.stringContaining('failed calling webhook') });
        } finally {
          await scaleOperator(1);
        }
        // The rights of the chart were enough, and the Secret is where the page says it is.
        expect(await kubectl(['-n', home, 'get', 'secret', `${release}-webhook-tls`, '-o', 'jsonpath={.type}'])).toBe('Opaque');
      });
    }, ['webhook.failurePolicy=Fail']);
  });
});
