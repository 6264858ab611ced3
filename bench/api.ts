import { Agent, request } from 'undici';

import type { RealApiServer } from '../test/support/real-apiserver.ts';

/** Kubernetes object as the bench writes and reads it. */
export interface Item {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Item;
}

/** The few requests the bench makes, over connections that are kept. */
export interface Api {
  get<T = Item>(path: string): Promise<T>;
  /** Creates an object; one that exists already is left as it is. */
  create(path: string, object: object): Promise<void>;
  mergePatch(path: string, patch: object): Promise<void>;
  /** Lists, then watches for ever, from the beginning again when the watch ends. Resolves when `signal` aborts. */
  follow(path: string, onItem: (type: WatchEvent['type'], item: Item) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function createApi(server: Pick<RealApiServer, 'url' | 'token'>): Api {
  const agent = new Agent({ connections: 16, connect: { rejectUnauthorized: false }, bodyTimeout: 0, headersTimeout: 0 });
  const send = async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object, contentType = 'application/json') => {
    const response = await request(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': contentType, 'user-agent': 'bench' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      dispatcher: agent,
    });
    const text = await response.body.text();
    return { status: response.statusCode, text };
  };
  const expect = (path: string, { status, text }: { status: number; text: string }): string => {
    if (status >= 300) throw new Error(`${path}: HTTP ${status}: ${text.slice(0, 500)}`);
    return text;
  };
  return {
    get: async <T>(path: string) => JSON.parse(expect(path, await send('GET', path))) as T,
    async create(path, object) {
      const answer = await send('POST', path, object);
      if (answer.status !== 409) expect(path, answer);
    },
    async mergePatch(path, patch) {
      expect(path, await send('PATCH', path, patch, 'application/merge-patch+json'));
    },
    async follow(path, onItem, signal) {
      while (!signal.aborted) {
        const list = JSON.parse(expect(path, await send('GET', path))) as { items: Item[]; metadata: { resourceVersion: string } };
        for (const item of list.items) onItem('ADDED', item);
        await watch(`${path}?watch=1&timeoutSeconds=3600&resourceVersion=${list.metadata.resourceVersion}`, onItem, signal).catch(() => undefined);
      }
    },
    close: () => agent.destroy(),
  };

  async function watch(path: string, onItem: (type: WatchEvent['type'], item: Item) => void, signal: AbortSignal): Promise<void> {
    const response = await request(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}`, 'user-agent': 'bench' }, dispatcher: agent, signal });
    let rest = '';
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = JSON.parse(line) as WatchEvent;
        if (event.type === 'ERROR') return;
        if (event.type !== 'BOOKMARK') onItem(event.type, event.object);
      }
    }
  }
}
