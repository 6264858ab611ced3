import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/**
 * What only Helm itself can judge. `npm test` must need nothing but Node, so each Helm that is not here is a skipped test: the sandbox brings both (e2e runs them), and so does
 * HELM=/path/to/helm. What the templates give is tested without Helm in chart.test.ts, from files that scripts/deploy.mjs holds to the chart by checksum.
 */
const ROOT = new URL('../../', import.meta.url).pathname;
const CHART = join(ROOT, 'charts/patroni-operator');
const BIN = join(process.env['SANDBOX_CACHE'] ?? join(homedir(), '.cache/patroni-operator-sandbox'), 'bin');
const HELMS = [
  ['Helm 3', process.env['HELM3'] ?? join(BIN, 'helm3')],
  ['Helm 4', process.env['HELM4'] ?? join(BIN, 'helm4')],
] as const;

for (const [name, helm] of HELMS) {
  const isHere = existsSync(helm) && spawnSync(helm, ['version']).status === 0;
  if (!isHere) console.warn(`${name} is not at ${helm}: its tests are skipped (npm run sandbox -- up builds it)`);
  const suite = isHere ? describe : describe.skip;

  suite(name, () => {
    const run = (...args: readonly string[]) => spawnSync(helm, [...args], { encoding: 'utf8' });

    test('lints the chart strictly without a complaint', () => {
      const { status, stdout, stderr } = run('lint', '--strict', CHART);
      expect({ status, complaints: `${stdout}${stderr}`.match(/^\[(WARNING|ERROR)\].*$/gm) }).toEqual({ status: 0, complaints: null });
    });

    test('renders the CRDs so that an upgrade changes them and an uninstall keeps them', () => {
      const text = execFileSync(helm, ['template', 'x', CHART, '--show-only', 'templates/crds.yaml'], { encoding: 'utf8' });
      expect(text.match(/^kind: CustomResourceDefinition$/gm)).toHaveLength(2);
      expect(text.match(/^ {4}helm\.sh\/resource-policy: keep$/gm)).toHaveLength(2);
      expect(run('template', 'x', CHART, '--set', 'crds.install=false').stdout).not.toContain('CustomResourceDefinition');
      expect(run('template', 'x', CHART, '--set', 'crds.keep=false').stdout).not.toContain('resource-policy');
    });

    test.each([
      ['an unknown value', 'replcas=2', /replcas/],
      ['a log level that does not exist', 'log.level=loud', /log.level/],
      ['a PostgreSQL major that is not supported', 'images.postgres.13=x', /13/],
      ['a namespace that cannot be one', 'watch.namespaces={Shop}', /watch.namespaces/],
      ['replicas without an election', 'replicas=2,leaderElection.enabled=false', /leaderElection/],
    ])('refuses %s', (_, set, message) => {
      const { status, stderr } = run('template', 'x', CHART, '--set', set);
      expect(status).not.toBe(0);
      expect(stderr.replaceAll('/', '.')).toMatch(message);
    });
  });
}
