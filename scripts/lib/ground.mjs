// What the e2e tier and the bench share: a Kubernetes to work on (the sandbox, or the cluster that was named), the operator on it, jest, figures.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const SANDBOX = join(REPOSITORY, 'sandbox', 'sandbox');
const CHART = join(REPOSITORY, 'charts', 'patroni-operator');
const IMAGES = {
  operator: process.env.E2E_OPERATOR_IMAGE ?? 'localhost/patroni-operator/operator:dev',
  postgres: process.env.E2E_POSTGRES_IMAGE ?? 'localhost/patroni-operator/postgres:17-dev',
  etcd: process.env.E2E_ETCD_IMAGE ?? 'localhost/patroni-operator/etcd:3.6-dev',
  haproxy: process.env.E2E_HAPROXY_IMAGE ?? 'localhost/patroni-operator/haproxy:3.0-dev',
};
const OPERATOR = { namespace: 'patroni-operator', release: 'patroni-operator' };

export const say = (text) => process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);

/** Runs a program; its output goes to ours, or is returned with `capture`. Rejects when it fails. */
export function run(program, args, { capture = false, input, env = process.env, signal } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { env, cwd: REPOSITORY, stdio: [input === undefined ? 'ignore' : 'pipe', capture ? 'pipe' : 'inherit', 'inherit'], signal });
    let text = '';
    child.stdout?.on('data', (chunk) => (text += chunk));
    child.once('error', fail);
    child.once('close', (code) => (code === 0 ? done(text) : fail(new Error(`${program.replace(/^.*\//, '')} ${args.join(' ').slice(0, 200)} failed (${code})`))));
    if (input !== undefined) child.stdin.end(input);
  });
}

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first of the candidates that exists; bare names are looked up in PATH. */
function program(...candidates) {
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    if (candidate.includes('/')) {
      if (isProgram(candidate)) return candidate;
      continue;
    }
    const found = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, candidate)).find(isProgram);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The ground to test on. `takeDown` leaves nothing of ours, unless `keep` or `reuse` was asked for. A cluster that was named is never taken down, only cleaned.
 */
export async function ground({ nodes, keep, reuse, context, output, signal }) {
  const named = context !== undefined || process.env.E2E_KUBECONFIG !== undefined;
  let bin = join(process.env.SANDBOX_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'patroni-operator-sandbox'), 'bin');
  if (!named) {
    // `tools` builds kubectl and both Helms; it prints where they are.
    bin = (await run('bash', [SANDBOX, 'tools'], { capture: true, signal })).trim().split('\n').at(-1);
    try {
      say('building images (minutes the first time)');
      await run('bash', [SANDBOX, 'build'], { signal });
      // What is up already is taken as it is; `up` alone then only brings the new images onto its nodes.
      const isUp = reuse && (await run('bash', [SANDBOX, 'kubeconfig'], { capture: true }).then(() => true, () => false));
      await run('bash', [SANDBOX, 'up', ...(isUp ? [] : ['--nodes', String(nodes)])], { signal });
    } catch (error) {
      if (!keep && !reuse) await run('bash', [SANDBOX, 'down']).catch(() => undefined);
      throw error;
    }
  }
  const kubeconfig = named ? (process.env.E2E_KUBECONFIG ?? process.env.KUBECONFIG ?? join(homedir(), '.kube', 'config')) : (await run('bash', [SANDBOX, 'kubeconfig'], { capture: true })).trim();
  const kubectl = program(process.env.E2E_KUBECTL, join(bin, 'kubectl'), 'kubectl');
  const helm3 = program(process.env.E2E_HELM3, join(bin, 'helm3'));
  const helm4 = program(process.env.E2E_HELM4, join(bin, 'helm4'));
  const helm = helm4 ?? helm3 ?? program('helm');
  if (kubectl === undefined || helm === undefined) throw new Error('kubectl and helm are needed: put them into PATH, or set E2E_KUBECTL and E2E_HELM4');
  const kube = (args, options = {}) => run(kubectl, ['--kubeconfig', kubeconfig, ...(context === undefined ? [] : ['--context', context]), ...args], { signal, ...options });
  const helmArgs = ['--kubeconfig', kubeconfig, ...(context === undefined ? [] : ['--kube-context', context]), '--namespace', OPERATOR.namespace];

  const next = named ? process.env.E2E_OPERATOR_NEXT_IMAGE : await nextBuild(output, signal).catch((error) => void say(`no second build of the operator: ${error.message}`));

  return {
    environment: {
      E2E_KUBECONFIG: kubeconfig,
      E2E_KUBECTL: kubectl,
      E2E_OUTPUT: output,
      E2E_OPERATOR_NAMESPACE: OPERATOR.namespace,
      E2E_OPERATOR_RELEASE: OPERATOR.release,
      E2E_POSTGRES_IMAGE: IMAGES.postgres,
      ...(context === undefined ? {} : { E2E_CONTEXT: context }),
      ...(helm3 === undefined ? {} : { E2E_HELM3: helm3 }),
      ...(helm4 === undefined ? {} : { E2E_HELM4: helm4 }),
      ...(named ? {} : { E2E_SANDBOX: '1' }),
      ...(next === undefined ? {} : { E2E_OPERATOR_NEXT_IMAGE: next }),
    },

    async installOperator() {
      say('installing the operator with Helm');
      const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/enforce-version': 'latest' };
      await kube(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR.namespace, labels: restricted } }) });
      const [repository, tag] = splitImage(IMAGES.operator);
      const values = { image: { repository, tag, pullPolicy: 'IfNotPresent' }, images: { postgres: { 17: IMAGES.postgres }, etcd: IMAGES.etcd, haproxy: IMAGES.haproxy } };
      const file = join(output, 'values.json');
      writeFileSync(file, JSON.stringify(values));
      await run(helm, ['upgrade', '--install', OPERATOR.release, CHART, ...helmArgs, '-f', file, '--wait', '--timeout', '120s'], { signal });
    },

    /** Where the contract suite finds a Patroni of its own to start, beside the PostgreSQL of the distribution. */
    async patroni() {
      if (named) return {};
      return { PATRONI_VENV: (await run('bash', [SANDBOX, 'patroni'], { capture: true, signal })).trim() };
    },

    async takeDown() {
      if (keep || reuse) {
        say(`left up: KUBECONFIG=${kubeconfig}`);
        return;
      }
      if (!named) {
        say('taking the sandbox down');
        await run('bash', [SANDBOX, 'down']).catch((error) => say(String(error)));
        return;
      }
      // A cluster of somebody's: our namespaces and the operator go, the CRDs stay (they may have been there before).
      say('removing what the tests made');
      const rest = { signal: undefined };
      const e2e = (await kube(['get', 'namespaces', '-l', 'patroni-operator.dev/e2e', '-o', 'name'], { ...rest, capture: true })).trim().split('\n').filter(Boolean);
      for (const namespace of e2e) await kube(['-n', namespace.replace('namespace/', ''), 'delete', 'patroniclusters', '--all', '--timeout=60s'], rest).catch(() => undefined);
      if (e2e.length > 0) await kube(['delete', ...e2e, '--wait=false'], rest).catch(() => undefined);
      await run(helm, ['uninstall', OPERATOR.release, ...helmArgs, '--wait']).catch((error) => say(String(error)));
    },
  };
}

const splitImage = (image) => [image.slice(0, image.lastIndexOf(':')), image.slice(image.lastIndexOf(':') + 1)];

/** Another build of the operator on the nodes: the same program with another version in it, so that the upgrade scenario has something to upgrade to. */
async function nextBuild(output, signal) {
  const reference = 'localhost/patroni-operator/operator:next';
  const cache = dirname((await run('bash', [SANDBOX, 'tools'], { capture: true, signal })).trim().split('\n').at(-1));
  const buildah = (args, options = {}) => run('buildah', ['--root', join(cache, 'containers'), '--runroot', `${process.env.SANDBOX_RUN ?? '/run/patroni-operator-sandbox'}-build`, ...args], { capture: true, signal, ...options });
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const bundle = join(REPOSITORY, 'dist', 'patroni-operator.mjs');
  if (!existsSync(bundle)) throw new Error('there is no dist/patroni-operator.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'operator-next-'));
  try {
    const file = join(folder, 'patroni-operator.mjs');
    writeFileSync(file, `${readFileSync(bundle, 'utf8').replaceAll(version, `${version}-next`)}\n// a newer build\n`);
    const container = (await buildah(['from', '--pull=never', IMAGES.operator])).trim();
    try {
      const target = await bundlePath(buildah, container);
      await buildah(['copy', '-q', container, file, target]);
      await buildah(['commit', '-q', '--format', 'docker', container, reference]);
    } finally {
      await buildah(['rm', container]).catch(() => undefined);
    }
    await run('bash', [SANDBOX, 'load', reference], { signal });
    return reference;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the bundle is inside the operator's image. */
async function bundlePath(buildah, container) {
  const mount = (await buildah(['mount', container])).trim();
  try {
    return (await run('find', [mount, '-name', 'patroni-operator.mjs', '-not', '-path', '*/proc/*'], { capture: true })).trim().split('\n')[0].slice(mount.length);
  } finally {
    await buildah(['umount', container]);
  }
}

/** Runs `body` with a signal that aborts on SIGINT and SIGTERM, so that its `finally` clauses still clean up; returns the exit code. */
export async function interruptible(body) {
  const controller = new AbortController();
  let interrupted;
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.on(name, () => {
      if (interrupted === undefined) say(`${name}: cleaning up`);
      interrupted = name;
      controller.abort();
    });
  }
  try {
    return await body(controller.signal);
  } catch (error) {
    if (interrupted === undefined) say(String(error?.message ?? error));
    return interrupted === undefined ? 1 : 130;
  }
}

/** Runs jest to its end; a failed test is a result, not an error. */
export function jest(args, env, signal) {
  const program = [process.execPath, ['--experimental-vm-modules', '--no-warnings', join(REPOSITORY, 'node_modules', 'jest', 'bin', 'jest.js'), ...args]];
  return new Promise((done, fail) => {
    const child = spawn(...program, { env, cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] });
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    child.once('error', fail);
    child.once('close', () => (signal?.aborted ? fail(new Error('interrupted')) : done()));
  });
}

/** Adds the results in jest's report to `totals`; a run without a report counts as one failure. */
export function countOf(report, totals) {
  if (!existsSync(report)) {
    totals.failed += 1;
    return;
  }
  const result = JSON.parse(readFileSync(report, 'utf8'));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  totals.skipped += result.numPendingTests;
}

/** The figures of a run as a table: what, value, limit, verdict. */
export function figureTable(file) {
  if (!existsSync(file)) return '';
  const figures = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const rows = figures.map(({ figure, value, unit, limit, detail }) => {
    const amount = value === null ? 'none' : `${value} ${unit}`;
    const verdict = limit === undefined ? '' : value !== null && value <= limit ? 'ok' : 'OVER';
    return [figure, amount, limit === undefined ? '' : `${limit} ${unit}`, verdict, detail ?? ''];
  });
  const table = [['figure', 'measured', 'limit', '', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column].length)));
  return `\n${table.map((row) => row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell)).join('  ').trimEnd()).join('\n')}\n\n`;
}
