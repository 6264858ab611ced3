import { OperatorError } from '../errors.ts';
import { kubeApiError } from './api-error.ts';
import type { Transport, TransportRequest } from './transport.ts';
import type { KubeObject } from './types.ts';

/** An event of a watch. A bookmark's object holds little more than a resourceVersion. ERROR events are thrown instead. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** Longest line accepted: etcd limits objects to 1.5 MiB, and managedFields do not triple that. */
const MAX_LINE_BYTES = 16 * 1_048_576;

const NEWLINE = 0x0a;

/**
 * Opens a watch and yields its events. Ends when the server ends it; throws the ERR_KUBE_… error of a refusal, of an ERROR event
 * (ERR_KUBE_GONE for 410) or of the network; ERR_KUBE_PROTOCOL for what is not a watch event, also when the stream stops inside one.
 */
export async function* readWatch<T extends KubeObject>(
  transport: Transport,
  request: TransportRequest,
  convert?: (object: KubeObject) => KubeObject,
): AsyncGenerator<WatchEvent<T>> {
  const target = { method: request.method, path: request.path.split('?', 1)[0] ?? '' };
  const stream = await transport.stream(request);
  if (stream.status < 200 || stream.status > 299) throw kubeApiError(target, stream.status, parse(await stream.text()));
  for await (const line of readLines(stream.chunks, target)) {
    const event = readEvent(line, target);
    const object = convert === undefined || event.type === 'BOOKMARK' ? event.object : convert(event.object);
    yield { type: event.type, object: object as T };
  }
}

/** Splits at newline bytes before decoding, so that a character cut by a chunk border stays whole. */
async function* readLines(
  chunks: AsyncIterable<Buffer>,
  target: { readonly method: string; readonly path: string },
): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = decode(held, chunk.subarray(start, end));
      held = [];
      heldBytes = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start === chunk.length) continue;
    // Copied: a subarray would keep the whole pooled chunk alive.
    held.push(Buffer.from(chunk.subarray(start)));
    heldBytes += chunk.length - start;
    if (heldBytes > MAX_LINE_BYTES) throw new OperatorError('ERR_KUBE_PROTOCOL', { ...target, detail: 'a watch event is too long' });
  }
  const rest = decode(held, Buffer.alloc(0));
  if (rest.trim() !== '') throw new OperatorError('ERR_KUBE_PROTOCOL', { ...target, detail: 'the watch stopped inside an event' });
}

function decode(held: readonly Buffer[], last: Buffer): string {
  return held.length === 0 ? last.toString('utf8') : Buffer.concat([...held, last]).toString('utf8');
}

function readEvent(line: string, target: { readonly method: string; readonly path: string }): WatchEvent<KubeObject> {
  const event = parse(line);
  const { type, object } = (typeof event === 'object' && event !== null ? event : {}) as {
    readonly type?: unknown;
    readonly object?: unknown;
  };
  if (type === 'ERROR') {
    const { code } = (object ?? {}) as { readonly code?: unknown };
    throw kubeApiError(target, typeof code === 'number' ? code : 500, object);
  }
  const isKnown = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
  if (!isKnown || typeof object !== 'object' || object === null || !('metadata' in object)) {
    throw new OperatorError('ERR_KUBE_PROTOCOL', { ...target, detail: 'not a watch event' });
  }
  return { type, object: object as KubeObject };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
