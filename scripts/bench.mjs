// The numbers we publish: `npm run bench [-- scale [N…] | gaps]`. Without an argument both.
//   scale  the operator beside 1, 100 and 1000 clusters on a real API server, with doubles for kubelets and Patroni
//   gaps   apply → Ready and the write gaps of every disruption, on the sandbox: the e2e scenarios that measure
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { countOf, figureTable, ground, interruptible, jest, REPOSITORY, run, say } from './lib/ground.mjs';

const [what = 'all', ...rest] = process.argv.slice(2);
if (!['all', 'scale', 'gaps'].includes(what)) {
  process.stderr.write('usage: npm run bench [-- scale [N…] | gaps]\n');
  process.exit(2);
}

process.exitCode = await interruptible(async (signal) => {
  let failed = false;
  if (what !== 'gaps') failed = !(await scale(rest, signal)) || failed;
  if (what !== 'scale') failed = !(await gaps(signal)) || failed;
  return failed ? 1 : 0;
});

async function scale(sizes, signal) {
  const bin = (await run('bash', [join(REPOSITORY, 'sandbox', 'sandbox'), 'tools'], { capture: true, signal })).trim();
  say(`kube-apiserver and etcd from ${bin}`);
  await run('npm', ['run', '--silent', 'build'], { signal });
  const outfile = join(REPOSITORY, 'node_modules', '.cache', 'bench', 'scale.mjs');
  await build({ entryPoints: [join(REPOSITORY, 'bench', 'scale.ts')], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', packages: 'external', logLevel: 'warning' });
  return run(process.execPath, ['--max-old-space-size=2048', pathToFileURL(outfile).pathname, ...sizes], { env: { ...process.env, BENCH_REPOSITORY: REPOSITORY }, signal }).then(() => true, (error) => {
    if (signal.aborted) throw error;
    return false;
  });
}

async function gaps(signal) {
  const output = join(REPOSITORY, '.cache', 'bench');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const place = await ground({ nodes: 3, keep: false, reuse: false, output, signal });
  const totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    await place.installOperator();
    const report = join(output, 'report.json');
    const measuring = 'apply makes|takes over|loss of';
    await jest(['--config', 'test/e2e/jest.config.mjs', '--runInBand', '--json', `--outputFile=${report}`, 'quickstart', 'switchover', 'pod-loss', 'etcd-loss', 'node-loss', '-t', measuring], { ...process.env, ...place.environment }, signal);
    countOf(report, totals);
  } finally {
    process.stdout.write(figureTable(join(output, 'figures.jsonl')));
    await place.takeDown();
  }
  return totals.failed === 0;
}
