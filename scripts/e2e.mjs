// The e2e tier: `npm run test:e2e [-- PATTERN…] [--keep] [--reuse] [--context NAME]`.
// Brings up the sandbox with three nodes (or uses the cluster that was named), installs the operator with Helm, runs test/e2e against it, prints the
// figures with their limits and takes everything down again, whatever happens.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { countOf, figureTable, ground, interruptible, jest, REPOSITORY, say } from './lib/ground.mjs';

const USAGE = `usage: npm run test:e2e [-- PATTERN…] [OPTION…]

  PATTERN         run only the files or scenarios that match (test/e2e/NAME.test.ts, or words of a scenario with -t)
  -t NAME         run only the scenarios whose name matches
  --keep          leave the sandbox and the operator up afterwards
  --reuse         use a sandbox that is up already, and leave it
  --context NAME  use this context of the kubeconfig instead of the sandbox; nothing is built, see E2E_*_IMAGE

environment: E2E_KUBECONFIG (instead of the sandbox), E2E_OPERATOR_IMAGE, E2E_POSTGRES_IMAGE, E2E_ETCD_IMAGE, E2E_HAPROXY_IMAGE,
  E2E_HELM3, E2E_HELM4, E2E_OUTPUT (.cache/e2e), E2E_CONTRACT=0|1 (run the contract suite against the real API server, Patroni, PostgreSQL and etcd;
  on in the sandbox when no pattern was given)
`;

function parse(args) {
  const options = { patterns: [], keep: false, reuse: false, context: undefined, name: undefined };
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i];
    if (arg === '--keep') options.keep = true;
    else if (arg === '--reuse') options.reuse = true;
    else if (arg === '--context') options.context = args[(i += 1)];
    else if (arg === '-t') options.name = args[(i += 1)];
    else if (arg === '--help' || arg === '-h') return undefined;
    else if (arg.startsWith('-')) throw new Error(`unknown option ${arg}\n${USAGE}`);
    else options.patterns.push(arg);
  }
  return options;
}

const options = parse(process.argv.slice(2));
if (options === undefined) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const output = process.env.E2E_OUTPUT ?? join(REPOSITORY, '.cache', 'e2e');
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });

process.exitCode = await interruptible(async (signal) => {
  const place = await ground({ ...options, output, nodes: 3, signal });
  const totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    await place.installOperator();
    const environment = { ...process.env, ...place.environment };
    const isWhole = options.patterns.length === 0 && options.name === undefined && environment.E2E_SANDBOX === '1';
    if ((environment.E2E_CONTRACT ?? (isWhole ? '1' : '0')) === '1') {
      say('the contract suite against the real API server, Patroni, PostgreSQL and etcd');
      const report = join(output, 'contract.json');
      // API servers of its own: the controllers and the kubelets of the sandbox would change what the suite has just written.
      const real = { KUBE_CONTRACT_REAL: '1', PATRONI_CONTRACT: 'real', ...(await place.patroni()) };
      await jest(['--config', 'jest.config.mjs', 'test/contract', 'test/conformance', 'test/chart/helm', '--json', `--outputFile=${report}`], { ...environment, ...real }, signal);
      countOf(report, totals);
    }
    const report = join(output, 'report.json');
    const filter = [...options.patterns, ...(options.name === undefined ? [] : ['-t', options.name])];
    await jest(['--config', 'test/e2e/jest.config.mjs', '--runInBand', '--verbose', '--json', `--outputFile=${report}`, ...filter], environment, signal);
    countOf(report, totals);
  } finally {
    process.stdout.write(figureTable(join(output, 'figures.jsonl')));
    await place.takeDown();
  }
  const skipped = totals.skipped === 0 ? '' : `, ${totals.skipped} skipped`;
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed${skipped}\n`);
  return totals.failed > 0 || totals.passed === 0 ? 1 : 0;
});
