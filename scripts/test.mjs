// `npm test`: everything that needs nothing but Node. Static checks run first, two at a time, then the tests. Every step runs even if an earlier one
// failed, so that one run shows everything; the exit code is 1 if anything failed. The last line is `N passed, N failed`; a static check counts as one.
//   npm test                        everything
//   npm test -- src/kube            only the tests below a path (and no static checks)
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const paths = process.argv.slice(2);

/** Path of a program of a dev dependency, run by this very Node: no shell, no PATH. */
function program(name) {
  const dir = join(ROOT, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  return join(dir, typeof bin === 'string' ? bin : (bin[name] ?? bin[Object.keys(bin)[0]]));
}

const script = (file, ...args) => ({ args: [join(ROOT, 'scripts', file), ...args], exists: existsSync(join(ROOT, 'scripts', file)) });
const tool = (name, ...args) => ({ args: [program(name), ...args], exists: true });

/** Longest first, so that two at a time end together. */
const STATIC = [
  ['lint', tool('eslint', '.')],
  ['types', tool('typescript', '--noEmit')],
  ['dead code', tool('knip', '--no-progress')],
  ['generated files', script('generate.mjs', '--check')],
  ['chart documentation', script('chart-docs.mjs', '--check')],
  ['rendered manifests', script('deploy.mjs', '--check')],
  ['bundle', script('bundle.mjs', '--outfile', join(ROOT, 'dist/check/patroni-operator.mjs'))],
];

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`.padStart(8);

/** Runs one program to its end. Output is kept and shown only on failure, unless `live`. */
function run(args, { live = false, env = {} } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: live ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (e) => chunks.push(Buffer.from(`${e.message}\n`)));
    child.on('close', (code) => resolve({ ok: code === 0, ms: performance.now() - started, output: Buffer.concat(chunks).toString() }));
  });
}

async function staticChecks() {
  const queue = [...STATIC];
  let passed = 0;
  let failed = 0;
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [name, { args, exists }] = next;
      if (!exists) {
        failed += 1;
        console.log(`FAIL ${name.padEnd(20)} ${args[0]} is missing`);
        continue;
      }
      const { ok, ms, output } = await run(args);
      if (ok) passed += 1;
      else failed += 1;
      console.log(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(20)}${seconds(ms)}`);
      if (!ok) console.log(output.trimEnd());
    }
  };
  await Promise.all([worker(), worker()]);
  return { passed, failed };
}

async function tests() {
  const dir = mkdtempSync(join(tmpdir(), 'patroni-operator-test-'));
  const file = join(dir, 'result.json');
  try {
    // Paths first: jest takes what follows --reporters for more reporters.
    const reporters = ['--reporters=default', '--reporters=./scripts/jest-reporter.mjs'];
    const args = ['--experimental-vm-modules', '--no-warnings', program('jest'), ...paths, '--ci', ...reporters];
    const { ok, ms } = await run(args, { live: true, env: { TEST_RESULT_FILE: file } });
    const result = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
    // jest also fails for reasons that are no test: obsolete files, no tests found, its own crash.
    const failed = result.failed === 0 && !ok ? 1 : result.failed;
    console.log(
      `${failed === 0 ? 'ok  ' : 'FAIL'} ${'tests'.padEnd(20)}${seconds(ms)}${result.skipped > 0 ? `  (${result.skipped} skipped)` : ''}`,
    );
    return { passed: result.passed, failed };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const started = performance.now();
const parts = paths.length > 0 ? [await tests()] : [await staticChecks(), await tests()];
const passed = parts.reduce((sum, part) => sum + part.passed, 0);
const failed = parts.reduce((sum, part) => sum + part.failed, 0);
console.log(`all in ${seconds(performance.now() - started).trim()} on Node ${process.versions.node}`);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
