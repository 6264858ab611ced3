import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { names } from '../../../src/api/names.ts';

import { sqlOnLeader, type Cluster } from './cluster.ts';
import { CLIENTS, longestGapMs, missingRows, parseWriterLog, type WriterLog } from './gaps.ts';
import { apply, exec, kubectl, waitCondition } from './kubectl.ts';
import { probePod } from './pods.ts';
import { waitFor } from './shell.ts';

const SCRIPT = readFileSync(fileURLToPath(new URL('writer.py', import.meta.url)), 'utf8');

export interface WriterOptions {
  /** Names the pod and its table. */
  readonly name: string;
  /** Run on this node. */
  readonly node?: string;
  /** Run on another node than this one. */
  readonly awayFrom?: string;
  /** Connect to the hosts in this URI of the Secret, one after the other, instead of the Service `<cluster>-rw`. */
  readonly uri?: 'failover-uri';
  /** Connect to this address instead of the Service `<cluster>-rw`. The host name cannot be checked then, the certificate is. */
  readonly address?: string;
}

/** Longest times in ms between two acknowledged rows. */
export interface Gaps {
  readonly held: number;
  readonly reconnecting: number;
  readonly worst: number;
  /** The window by the writer's clock. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A pod whose two clients write rows until it is removed. */
export interface Writer {
  readonly pod: string;
  log(): Promise<WriterLog>;
  /** Runs `body` and returns the longest gaps from its beginning until both clients have written again after its end. */
  gapsDuring(body: () => Promise<void>): Promise<Gaps>;
  /** Rows (`client/id`) that were acknowledged and are missing on the leader. */
  lostRows(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Starts a writer and returns when both clients have had a row acknowledged. */
export async function startWriter(cluster: Cluster, options: WriterOptions): Promise<Writer> {
  const { namespace } = cluster;
  const pod = `writer-${options.name}`;
  const writer = handle(cluster, pod, tableOf(options.name));
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: pod, namespace }, data: { 'writer.py': SCRIPT } }, podOf(cluster, pod, options));
  await waitCondition(namespace, `pod/${pod}`, 'Ready', 60_000);
  try {
    await waitFor(`first rows of ${pod}`, async () => (wroteAfter(await writer.log(), 0) ? true : undefined), { timeoutMs: 60_000 });
  } catch (error) {
    throw new Error(`${pod} wrote nothing; it said: ${await kubectl(['-n', namespace, 'logs', pod, '--tail=5'])}`, { cause: error });
  }
  return writer;
}

/** Starts a writer, runs `body`, and checks that every acknowledged row is in the table on the leader; the writer is removed in any case. */
export async function underWriteLoad(cluster: Cluster, options: WriterOptions, body: (writer: Writer) => Promise<void>): Promise<void> {
  const writer = await startWriter(cluster, options);
  try {
    await body(writer);
    const lost = await writer.lostRows();
    if (lost.length > 0) throw new Error(`${lost.length} acknowledged rows are missing on the leader: ${lost.slice(0, 20).join(' ')}`);
  } finally {
    await writer.remove();
  }
}

const tableOf = (name: string): string => `e2e_${name.replaceAll('-', '_')}`;

const wroteAfter = (log: WriterLog, atMs: number): boolean => CLIENTS.every((client) => log.acknowledged.some((row) => row.client === client && row.atMs > atMs));

const lastMs = (log: WriterLog): number => log.acknowledged.reduce((last, row) => Math.max(last, row.atMs), 0);

function podOf(cluster: Cluster, pod: string, options: WriterOptions): object {
  const environment = {
    WRITER_CREDENTIALS: '/credentials',
    WRITER_TABLE: tableOf(options.name),
    WRITER_LOG: '/log/acks',
    ...(options.uri === undefined ? {} : { WRITER_URI: options.uri }),
    ...(options.address === undefined ? {} : { WRITER_HOSTADDR: options.address, WRITER_PORT: '5432', WRITER_SSLMODE: 'verify-ca' }),
  };
  return probePod({
    name: pod,
    namespace: cluster.namespace,
    command: ['python3', '/script/writer.py'],
    environment,
    volumes: [
      { name: 'script', mountPath: '/script', source: { configMap: { name: pod } } },
      { name: 'credentials', mountPath: '/credentials', source: { secret: { secretName: names.applicationSecret(cluster.name), defaultMode: 0o440 } } },
      { name: 'log', mountPath: '/log', source: { emptyDir: {} } },
    ],
    ...(options.node === undefined ? {} : { node: options.node }),
    ...(options.awayFrom === undefined ? {} : { awayFrom: options.awayFrom }),
  });
}

function handle(cluster: Cluster, pod: string, table: string): Writer {
  const target = { namespace: cluster.namespace, pod };
  const log = async () => parseWriterLog(await exec(target, ['cat', '/log/acks']));
  return {
    pod,
    log,
    async gapsDuring(body) {
      const fromMs = lastMs(await log());
      await body();
      const toMs = await clock(target);
      let seen = await log();
      // A writer that does not come back is a result (a gap as long as the wait), not an error of the probe.
      await waitFor(`rows of ${pod} after the fault`, async () => (wroteAfter((seen = await log()), toMs) ? true : undefined), { timeoutMs: 60_000 }).catch(() => undefined);
      const window = { fromMs, toMs: wroteAfter(seen, toMs) ? toMs : await clock(target) };
      const [held, reconnecting] = [longestGapMs(seen, 'held', window), longestGapMs(seen, 'reconnecting', window)];
      return { held, reconnecting, worst: Math.max(held, reconnecting), ...window };
    },
    async lostRows() {
      const seen = await log();
      const rows = await sqlOnLeader(cluster, `SELECT client || '/' || id FROM ${table}`, 'app');
      return missingRows(seen, new Set(rows.split('\n')));
    },
    async remove() {
      await kubectl(['-n', cluster.namespace, 'delete', 'pod', pod, '--grace-period=0', '--force', '--ignore-not-found'], { timeoutMs: 30_000 });
      await kubectl(['-n', cluster.namespace, 'delete', 'configmap', pod, '--ignore-not-found']);
    },
  };
}

/** Time in ms by the clock that the writer's log is written by. */
async function clock(target: { readonly namespace: string; readonly pod: string }): Promise<number> {
  return Number(await exec(target, ['date', '+%s.%3N'])) * 1000;
}
