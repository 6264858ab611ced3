import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { listen } from '../lib/listen.ts';
import type { Logger } from '../telemetry/logger.ts';

/** A named check: true when well, or a text that says what is not. */
export type Check = () => boolean | string | Promise<boolean | string>;

export interface HealthServerOptions {
  /** @default all addresses */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** Answers /healthz and /livez: failing means "restart me". Nothing that depends on other systems belongs here. */
  readonly live: Readonly<Record<string, Check>>;
  /** Answers /readyz: failing means "not yet" or "not now". */
  readonly ready: Readonly<Record<string, Check>>;
  /** Prometheus registry for /metrics. */
  readonly registry: { readonly contentType: string; metrics(): Promise<string> };
  readonly logger: Logger;
}

/** HTTP server for probes and metrics. */
export interface HealthServer {
  /** Begins to listen; resolves with the port. */
  start(): Promise<number>;
  stop(): Promise<void>;
}

const CHECK_TIMEOUT_MS = 2000;

/** Paths: `/healthz`, `/livez`, `/readyz` (200 or 503, a line per check) and `/metrics`. GET and HEAD only. */
export function createHealthServer(options: HealthServerOptions): HealthServer {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.logger.error('health request failed', { component: 'runtime', path: pathOf(request), error });
      if (!response.headersSent) send(response, 500, 'text/plain', 'internal error\n');
      else response.destroy();
    });
  });
  // Probes come one at a time; idle connections must not hold up the end of the process.
  server.keepAliveTimeout = 5000;
  server.requestTimeout = 10_000;
  return {
    start: () => listen(server, options),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: HealthServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'only GET\n');
    return;
  }
  switch (pathOf(request)) {
    case '/healthz':
    case '/livez':
      await runChecks(options.live, response);
      return;
    case '/readyz':
      await runChecks(options.ready, response);
      return;
    case '/metrics':
      send(response, 200, options.registry.contentType, await options.registry.metrics());
      return;
    default:
      send(response, 404, 'text/plain', 'not found\n');
  }
}

async function runChecks(checks: Readonly<Record<string, Check>>, response: ServerResponse): Promise<void> {
  const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => ({ name, problem: await problemOf(check) })));
  const isWell = results.every((result) => result.problem === undefined);
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+] ${name}\n` : `[-] ${name}: ${problem}\n`));
  send(response, isWell ? 200 : 503, 'text/plain', `${lines.join('')}${isWell ? 'ok' : 'not ok'}\n`);
}

async function problemOf(check: Check): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  });
  try {
    const result = await Promise.race([Promise.resolve(check()), overdue]);
    if (result === true) return undefined;
    return result === false ? 'not yet' : result;
  } catch {
    // The text of an unknown error may hold anything, and this page needs no login.
    return 'check failed';
  } finally {
    clearTimeout(timer);
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
