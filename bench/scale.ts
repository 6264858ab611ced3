/**
 * How the operator does with many clusters: the real API server, the operator as it ships, and doubles for what would not fit on one machine (kubelets, Patroni).
 *   npm run bench -- scale [N…]
 */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { load } from 'js-yaml';

import { API_VERSION } from '../src/api/meta.ts';
import { realApiServerUnavailable, startRealApiServer } from '../test/support/real-apiserver.ts';

import { createApi, type Api } from './api.ts';
import { auditedRequests } from './audited.ts';
import { startFakeNodes } from './fake-nodes.ts';
import { watchIdleThread } from './idle-thread.ts';
import { quantile, sum } from './metrics.ts';
import { startOperator, type OperatorProcess } from './operator-process.ts';
import { startPatroniDouble } from './patroni-double.ts';

const REPOSITORY = process.env['BENCH_REPOSITORY'] ?? process.cwd();
const SIZES = process.argv.slice(2).map(Number);
/** How long a settled operator is watched, and how long it gets to settle before. */
const WINDOW_MS = 60_000;
const SETTLE_MS = 15_000;
const CLUSTERS_PER_NAMESPACE = 20;
const PATRONI_PORT = 8008;
const LATENCY = 'controller_runtime_reconcile_time_seconds';

interface Row {
  readonly clusters: number;
  readonly readyAfterS: number;
  readonly createP50Ms: number | undefined;
  readonly createP99Ms: number | undefined;
  readonly steadyP50Ms: number | undefined;
  readonly steadyP99Ms: number | undefined;
  readonly passesPerMinute: number;
  readonly rssMiB: number;
  readonly peakRssMiB: number;
  readonly freshRssMiB: number;
  readonly requestsPerMinute: number;
  readonly writesPerMinute: number;
  readonly stallMs: number;
  readonly idleStallMs: number;
  readonly cpuPercent: number;
}

/** Aims of the project; a row that misses one is marked, and the bench fails. */
const AIMS: readonly { readonly clusters: number; readonly rssMiB: number }[] = [
  { clusters: 100, rssMiB: 128 },
  { clusters: 1000, rssMiB: 256 },
];
const STALL_MS = 50;

async function main(): Promise<void> {
  const why = realApiServerUnavailable();
  if (why !== undefined) throw new Error(why);
  const sizes = SIZES.length > 0 ? SIZES : [1, 100, 1000];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const audit = join(folder, 'audit.log');
  const policy = join(folder, 'audit-policy.yaml');
  await writeFile(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived', 'ResponseStarted'], rules: [{ level: 'Metadata', users: ['admin'] }, { level: 'None' }] }));
  const server = await startRealApiServer({ apiServerFlags: [`--audit-policy-file=${policy}`, `--audit-log-path=${audit}`] });
  cleanups.push(() => server.stop(), () => rm(folder, { recursive: true, force: true }));
  const api = createApi(server);
  const nodes = startFakeNodes(api);
  const misses: string[] = [];
  try {
    const patroni = await startPatroniDouble(api, nodes, PATRONI_PORT);
    try {
      await installDefinitions(api);
      const rows: Row[] = [];
      let created = 0;
      for (const clusters of sizes) {
        console.error(`${new Date().toTimeString().slice(0, 8)} ${clusters} clusters …`);
        const row = await measure({ api, audit, clusters, created, kubeconfig: server.kubeconfig, log: join(folder, `operator-${clusters}.log`) });
        created = Math.max(created, clusters);
        rows.push(row);
        misses.push(...missedAims(row));
        print(rows);
      }
    } finally {
      await patroni.stop();
    }
  } finally {
    await nodes.stop();
    await api.close();
    await server.stop();
    if (process.env['BENCH_KEEP'] === undefined) await rm(folder, { recursive: true, force: true });
  }
  for (const miss of misses) console.log(`MISSED  ${miss}`);
  process.exitCode = misses.length > 0 ? 1 : 0;
}

interface Measurement {
  readonly api: Api;
  readonly audit: string;
  readonly clusters: number;
  readonly created: number;
  readonly kubeconfig: string;
  readonly log: string;
}

async function measure({ api, audit, clusters, created, kubeconfig, log }: Measurement): Promise<Row> {
  const bundle = process.env['BENCH_BUNDLE'] ?? join(REPOSITORY, 'dist', 'patroni-operator.mjs');
  const first = await startOperator({ bundle, kubeconfig, log });
  cleanups.push(() => first.stop());
  try {
    const start = await first.metrics();
    const startMs = Date.now();
    await createClusters(api, created, clusters);
    await allReady(api, clusters, 1_800_000);
    const readyAfterS = (Date.now() - startMs) / 1000;
    const createdAt = await first.metrics();
    await sleep(SETTLE_MS);
    const steady = await watchSteady(first, audit);
    const { nowBytes, peakBytes } = first.memory();
    await first.stop();
    const freshRssMiB = await freshMemory({ bundle, kubeconfig, log });
    return {
      clusters,
      readyAfterS,
      createP50Ms: ms(quantile(0.5, LATENCY, start, createdAt)),
      createP99Ms: ms(quantile(0.99, LATENCY, start, createdAt)),
      ...steady,
      rssMiB: mib(nowBytes),
      peakRssMiB: mib(peakBytes),
      freshRssMiB,
    };
  } finally {
    await first.stop();
  }
}

type Steady = Pick<Row, 'steadyP50Ms' | 'steadyP99Ms' | 'passesPerMinute' | 'requestsPerMinute' | 'writesPerMinute' | 'stallMs' | 'idleStallMs' | 'cpuPercent'>;

/** Watches a settled operator for a while; the requests are counted by the API server, the rest by the operator. */
async function watchSteady(operator: OperatorProcess, audit: string): Promise<Steady> {
  const before = await operator.metrics();
  const position = (await stat(audit)).size;
  const idle = watchIdleThread();
  await sleep(WINDOW_MS);
  const after = await operator.metrics();
  const idleStallMs = await idle.stop();
  const requests = await auditedRequests(audit, position);
  const perMinute = 60_000 / WINDOW_MS;
  const gained = (name: string): number => sum(after, name) - sum(before, name);
  if (requests.writes.length > 0) console.error(`writes in steady state: ${requests.writes.slice(0, 10).join(', ')}`);
  return {
    steadyP50Ms: ms(quantile(0.5, LATENCY, before, after)),
    steadyP99Ms: ms(quantile(0.99, LATENCY, before, after)),
    passesPerMinute: gained('controller_runtime_reconcile_total') * perMinute,
    requestsPerMinute: requests.total * perMinute,
    writesPerMinute: requests.writes.length * perMinute,
    stallMs: sum(after, 'nodejs_eventloop_lag_max_seconds') * 1000,
    idleStallMs,
    cpuPercent: (gained('process_cpu_seconds_total') / (WINDOW_MS / 1000)) * 100,
  };
}

/** Memory of an operator that starts beside clusters that are all there: what an upgrade or a restart costs. */
async function freshMemory(options: Parameters<typeof startOperator>[0]): Promise<number> {
  const operator = await startOperator(options);
  try {
    await sleep(SETTLE_MS * 2);
    return mib(operator.memory().nowBytes);
  } finally {
    await operator.stop();
  }
}

async function installDefinitions(api: Api): Promise<void> {
  const folder = join(REPOSITORY, 'crds');
  for (const file of await readdir(folder)) {
    if (file.endsWith('.yaml')) await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', load(await readFile(join(folder, file), 'utf8')) as object);
  }
  const deadline = Date.now() + 30_000;
  for (const resource of ['patroniclusters', 'patronioperations']) {
    while (!(await api.get(`/apis/${API_VERSION}/${resource}`).then(() => true, () => false))) {
      if (Date.now() > deadline) throw new Error(`the API server does not serve ${resource}`);
      await sleep(200);
    }
  }
}

const namespaceOf = (n: number): string => `bench-${Math.floor(n / CLUSTERS_PER_NAMESPACE)}`;

/** Clusters number `from` to `to - 1`, eight at a time, as fast as the API server takes them. The application's database is left out: it needs a PostgreSQL. */
async function createClusters(api: Api, from: number, to: number): Promise<void> {
  let next = from;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < to; n = next++) {
      const namespace = namespaceOf(n);
      await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
      await api.create(`/apis/${API_VERSION}/namespaces/${namespace}/patroniclusters`, {
        apiVersion: API_VERSION,
        kind: 'PatroniCluster',
        metadata: { name: `pg${n}`, namespace },
        spec: { application: { enabled: false } },
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

async function allReady(api: Api, wanted: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let said = Date.now();
  for (;;) {
    const { items } = await api.get<{ items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] } }[] }>(`/apis/${API_VERSION}/patroniclusters`);
    const is = (type: string, status: string) => items.filter((item) => item.status?.conditions?.some((condition) => condition.type === type && condition.status === status)).length;
    if (is('Ready', 'True') >= wanted && is('Reconciling', 'False') >= wanted) return;
    if (Date.now() - said > 20_000) {
      said = Date.now();
      console.error(`${new Date().toTimeString().slice(0, 8)}   ${is('Ready', 'True')} of ${wanted} ready`);
    }
    if (Date.now() > deadline) throw new Error(`only ${is('Ready', 'True')} of ${wanted} clusters are ready; the first says ${JSON.stringify(items[0]?.status?.conditions)}`);
    await sleep(wanted > 200 ? 5_000 : 500);
  }
}

function missedAims(row: Row): readonly string[] {
  const aim = AIMS.find(({ clusters }) => row.clusters <= clusters);
  return [
    ...(aim !== undefined && row.rssMiB > aim.rssMiB ? [`RSS at ${row.clusters} clusters: ${Math.round(row.rssMiB)} MiB, aim ${aim.rssMiB}`] : []),
    ...(row.writesPerMinute > 0 ? [`writes in steady state at ${row.clusters} clusters: ${row.writesPerMinute} a minute, aim 0`] : []),
    // What an idle thread suffers as well is the machine's doing.
    ...(row.stallMs - row.idleStallMs > STALL_MS ? [`event-loop stall at ${row.clusters} clusters: ${Math.round(row.stallMs)} ms (an idle thread: ${Math.round(row.idleStallMs)} ms), aim ${STALL_MS}`] : []),
  ];
}

function print(rows: readonly Row[]): void {
  const number = (value: number | undefined, digits = 0) => (value === undefined ? '-' : value.toFixed(digits));
  const lines: readonly (readonly [string, (row: Row) => string])[] = [
    ['clusters', (row) => String(row.clusters)],
    ['create → all Ready, s', (row) => number(row.readyAfterS, 1)],
    ['reconcile p50 / p99 while creating, ms', (row) => `${number(row.createP50Ms)} / ${number(row.createP99Ms)}`],
    ['reconcile p50 / p99 in steady state, ms', (row) => `${number(row.steadyP50Ms)} / ${number(row.steadyP99Ms)}`],
    ['passes a minute in steady state', (row) => number(row.passesPerMinute)],
    ['RSS after creating them, MiB', (row) => number(row.rssMiB)],
    ['RSS peak, MiB', (row) => number(row.peakRssMiB)],
    ['RSS of a fresh operator, MiB', (row) => number(row.freshRssMiB)],
    ['API requests a minute in steady state', (row) => number(row.requestsPerMinute)],
    ['API writes a minute in steady state', (row) => number(row.writesPerMinute)],
    ['longest event-loop delay in steady state, ms', (row) => number(row.stallMs)],
    ['the same of an idle thread beside it, ms', (row) => number(row.idleStallMs)],
    ['CPU in steady state, % of a core', (row) => number(row.cpuPercent, 1)],
  ];
  const width = Math.max(...lines.map(([title]) => title.length));
  console.log(`\n${lines.map(([title, cell]) => `${title.padEnd(width)}  ${rows.map((row) => cell(row).padStart(12)).join('  ')}`).join('\n')}\n`);
}

// An interrupted run cleans up as well: the API server and the operator would live on.
const cleanups: (() => Promise<void>)[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.all(cleanups.map((clean) => clean())).finally(() => process.exit(130)));
}

const sleep = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));
const mib = (bytes: number): number => bytes / 2 ** 20;
const ms = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);

await main();
