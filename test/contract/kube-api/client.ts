/** The smallest client that can speak to an API server: one function, no retries, no types. What it sends is what the test says. */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { Agent, request } from 'undici';

import type { Body } from './body.ts';

export interface Reply {
  readonly code: number;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Call {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly accept?: string;
  readonly userAgent?: string;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

export interface Watching {
  /** The next event; rejects after 10 s. `undefined` when the server has ended the stream. */
  next(): Promise<WatchEvent | undefined>;
  close(): void;
}

/** The parts of a kubeconfig that are looked at: one cluster, one user with a token. */
interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string } }];
  readonly users: readonly [{ readonly user: { readonly token?: string } }];
}

const PATIENCE_MS = 10_000;

export class Client {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #agent: Agent;

  constructor(kubeconfig: string) {
    const config = load(kubeconfig) as Kubeconfig;
    const token = config.users[0].user.token;
    this.#url = config.clusters[0].cluster.server;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#agent = new Agent({ connect: { rejectUnauthorized: false }, connections: 32 });
  }

  static fromFile(path: string): Client {
    return new Client(readFileSync(path, 'utf8'));
  }

  async call(method: string, path: string, call: Call = {}): Promise<Reply> {
    const response = await this.#send(method, path, call);
    const text = await response.body.text();
    return { code: response.statusCode, body: JSON.parse(text.startsWith('{') ? text : '{}') as Body, headers: response.headers };
  }

  get = (path: string, query: Readonly<Record<string, string>> = {}): Promise<Reply> => this.call('GET', path, { query });
  post = (path: string, body: unknown, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    this.call('POST', path, { body, query });
  put = (path: string, body: unknown, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    this.call('PUT', path, { body, query });
  delete = (path: string, body?: unknown, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    this.call('DELETE', path, { body, query });
  merge = (path: string, body: unknown, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    this.call('PATCH', path, { body, query, contentType: 'application/merge-patch+json' });
  jsonPatch = (path: string, body: unknown): Promise<Reply> =>
    this.call('PATCH', path, { body, contentType: 'application/json-patch+json' });
  strategic = (path: string, body: unknown): Promise<Reply> =>
    this.call('PATCH', path, { body, contentType: 'application/strategic-merge-patch+json' });
  apply = (path: string, manager: string, body: unknown, query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    this.call('PATCH', path, { body, query: { fieldManager: manager, ...query }, contentType: 'application/apply-patch+yaml' });

  async watch(path: string, query: Readonly<Record<string, string>>, accept = 'application/json'): Promise<Watching> {
    const stop = new AbortController();
    const response = await this.#send('GET', path, { query: { watch: 'true', ...query }, accept }, stop.signal);
    if (response.statusCode !== 200) throw new Error(`watch: ${response.statusCode} ${await response.body.text()}`);
    const lines = linesOf(response.body);
    return {
      next: async () => {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error('no watch event within 10 s')), PATIENCE_MS);
        });
        try {
          const { value, done } = await Promise.race([lines.next(), late]);
          return done === true ? undefined : (JSON.parse(value) as WatchEvent);
        } finally {
          clearTimeout(timer);
        }
      },
      close: () => stop.abort(),
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #send(method: string, path: string, call: Call, signal?: AbortSignal): ReturnType<typeof request> {
    const query = new URLSearchParams(call.query).toString();
    return request(`${this.#url}${path}${query === '' ? '' : `?${query}`}`, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...this.#headers,
        accept: call.accept ?? 'application/json',
        'user-agent': call.userAgent ?? 'contract/1.0',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(signal === undefined ? {} : { signal, bodyTimeout: 0 }),
    });
  }
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, undefined> {
  let rest = '';
  try {
    for await (const chunk of body) {
      rest += chunk.toString('utf8');
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        yield rest.slice(0, end);
        rest = rest.slice(end + 1);
      }
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  }
  return undefined;
}
