/** The two ways a client can be connected; they see different outages (a held connection may hang where a new one is refused, and the reverse). */
export const CLIENTS = ['held', 'reconnecting'] as const;
export type Client = (typeof CLIENTS)[number];

export interface Acknowledgement {
  readonly client: Client;
  readonly id: number;
  /** Milliseconds since the epoch, by the clock of the writer's pod. */
  readonly atMs: number;
}

export interface WriterLog {
  readonly acknowledged: readonly Acknowledgement[];
  /** Failed attempts, newest last. */
  readonly failures: readonly { readonly client: Client; readonly atMs: number; readonly reason: string }[];
}

const isClient = (word: string | undefined): word is Client => word === 'held' || word === 'reconnecting';

/** Lines of `writer.py`: `ack CLIENT ID SECONDS` and `err CLIENT ID SECONDS REASON`; a last line that is cut off is left out. */
export function parseWriterLog(text: string): WriterLog {
  const acknowledged: Acknowledgement[] = [];
  const failures: { client: Client; atMs: number; reason: string }[] = [];
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const [kind, client, id, seconds, ...reason] = line.split(' ');
    if (!isClient(client)) continue;
    const atMs = Number(seconds) * 1000;
    if (kind === 'ack') acknowledged.push({ client, id: Number(id), atMs });
    if (kind === 'err') failures.push({ client, atMs, reason: reason.join(' ') });
  }
  return { acknowledged, failures };
}

/**
 * The longest time between two acknowledged rows of one client that touches the window. Time from the start of the window without any row before it counts, and so
 * does the time up to the end of the window when no row follows: a writer that never comes back has an unbounded gap, not none.
 */
export function longestGapMs(log: WriterLog, client: Client, window: { readonly fromMs: number; readonly toMs: number }): number {
  const times = log.acknowledged.filter((row) => row.client === client).map((row) => row.atMs).sort((a, b) => a - b);
  const before = times.filter((at) => at <= window.fromMs).at(-1) ?? window.fromMs;
  const inside = times.filter((at) => at > window.fromMs && at < window.toMs);
  const after = times.find((at) => at >= window.toMs) ?? window.toMs;
  const points = [before, ...inside, after];
  return points.reduce((longest, at, i) => Math.max(longest, at - (points[i - 1] ?? at)), 0);
}

/** Ids (as `client/id`) that were acknowledged and are not in the table. */
export function missingRows(log: WriterLog, table: ReadonlySet<string>): readonly string[] {
  return log.acknowledged.map((row) => `${row.client}/${row.id}`).filter((key) => !table.has(key));
}
