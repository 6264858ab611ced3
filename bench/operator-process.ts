import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { parseMetrics, type Samples } from './metrics.ts';

/** The operator as it ships, as a process of its own. */
export interface OperatorProcess {
  metrics(): Promise<Samples>;
  /** Resident memory now and at its highest, in bytes (Linux `/proc`). */
  memory(): { readonly nowBytes: number; readonly peakBytes: number };
  stop(): Promise<void>;
}

export interface OperatorOptions {
  readonly bundle: string;
  readonly kubeconfig: string;
  readonly log: string;
}

/** What the chart sets with its default memory limit of 256Mi; `BENCH_NODE_OPTIONS` tries others. */
const NODE_OPTIONS = process.env['BENCH_NODE_OPTIONS'] ?? '--max-old-space-size=192 --max-semi-space-size=2';

const dockerfile = (): string => readFileSync(join(process.env['BENCH_REPOSITORY'] ?? process.cwd(), 'Dockerfile'), 'utf8');

/** Flags of Node.js in the entry point of the image. */
function shippedFlags(): readonly string[] {
  const entryPoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile())?.[1] ?? '[]') as string[];
  return entryPoint.filter((word) => word.startsWith('--'));
}

/** What the image tells the C library about memory. */
const shippedEnvironment = (): Record<string, string> => Object.fromEntries([...dockerfile().matchAll(/\b(MALLOC_\w+)=(\d+)/g)].map(([, name = '', value = '']) => [name, value]));

export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  const [metricsPort, healthPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [...shippedFlags(), options.bundle, 'run'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      KUBECONFIG: options.kubeconfig,
      NODE_ENV: 'production',
      ...shippedEnvironment(),
      NODE_OPTIONS,
      POD_NAME: 'bench',
      POD_NAMESPACE: 'default',
      PATRONI_OPERATOR_LEADER_ELECTION: 'false',
      PATRONI_OPERATOR_LOG_LEVEL: process.env['BENCH_LOG_LEVEL'] ?? 'warn',
      PATRONI_OPERATOR_METRICS_PORT: String(metricsPort),
      PATRONI_OPERATOR_HEALTH_PORT: String(healthPort),
      PATRONI_OPERATOR_IMAGES_POSTGRES: '17=bench.invalid/postgres:17',
      PATRONI_OPERATOR_IMAGE_ETCD: 'bench.invalid/etcd:3.6',
      PATRONI_OPERATOR_IMAGE_HAPROXY: 'bench.invalid/haproxy:3.0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(options.log, { flags: 'a' });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const metrics = async () => parseMetrics(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
  await until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok, child, options.log);
  return { metrics, memory: () => memoryOf(child.pid ?? 0), stop: () => stop(child) };
}

function memoryOf(pid: number): { readonly nowBytes: number; readonly peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 'NaN') * 1024;
  return { nowBytes: kib('VmRSS'), peakBytes: kib('VmHWM') };
}

async function until(look: () => Promise<boolean>, child: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await look().catch(() => false))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the operator did not get ready; its last words:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 15_000).unref();
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
