import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { review, type ReviewOptions } from './review.ts';

/** What the server shows: PEM texts. */
export interface ServingCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface WebhookServerOptions extends ReviewOptions {
  /** @default all addresses */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly logger: Logger;
  readonly metrics?: Pick<Metrics, 'webhookRequests' | 'webhookLatency'>;
}

/** HTTPS server for the API server's admission requests. */
export interface WebhookServer {
  /** Begins to listen; resolves with the port. */
  start(): Promise<number>;
  /** Shows another certificate from the next connection on; those that are open go on. */
  useCertificate(certificate: ServingCertificate): void;
  stop(): Promise<void>;
}

export const WEBHOOK_PATH = '/validate-patronicluster';

/** An object in etcd has at most 1.5 MB; a review carries it twice. */
const MAX_BODY_BYTES = 4 * 2 ** 20;
/** Above the greatest `timeoutSeconds` of a webhook (30 s), nobody waits any more. */
const REQUEST_TIMEOUT_MS = 15_000;

/** POST of an AdmissionReview in JSON to `WEBHOOK_PATH`; everything else is refused: 404, 405, 413, 415, 400. A failure of our own is a 500, on which `failurePolicy` decides. */
export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  const { certificate, metrics } = options;
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem, minVersion: 'TLSv1.2' }, (request, response) => {
    const startMs = performance.now();
    response.once('close', () => {
      metrics?.webhookRequests.inc({ webhook: WEBHOOK_PATH, code: String(response.statusCode) });
      metrics?.webhookLatency.observe({ webhook: WEBHOOK_PATH }, (performance.now() - startMs) / 1000);
    });
    answer(options, request, response).catch((error: unknown) => {
      options.logger.error('admission request failed', { component: 'webhook', error });
      if (!response.headersSent) send(response, 500, 'text/plain', 'internal error\n');
      else response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = 60_000;
  return {
    start: () => listen(server, options),
    useCertificate: ({ certPem, keyPem }) => server.setSecureContext({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 2_000).unref();
      }),
  };
}

function listen(server: Server, { port, host }: WebhookServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function answer(options: WebhookServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refused = refusalOf(request);
  if (refused !== undefined) {
    send(response, refused.status, 'text/plain', refused.text);
    return;
  }
  const body = await bodyOf(request);
  const reply = body === undefined ? undefined : review(parsed(body), options);
  if (body === undefined) send(response, 413, 'text/plain', 'too large\n');
  else if (reply === undefined) send(response, 400, 'text/plain', 'not an AdmissionReview\n');
  else send(response, 200, 'application/json', JSON.stringify(reply));
  if (reply?.response.allowed === false) options.logger.debug('refused a PatroniCluster', { component: 'webhook', reason: reply.response.status?.message ?? '' });
}

function refusalOf({ url = '', method, headers }: IncomingMessage): { readonly status: number; readonly text: string } | undefined {
  if (url.split('?', 1)[0] !== WEBHOOK_PATH) return { status: 404, text: 'not found\n' };
  if (method !== 'POST') return { status: 405, text: 'only POST\n' };
  return /^application\/json\b/i.test(headers['content-type'] ?? '') ? undefined : { status: 415, text: 'only application/json\n' };
}

/** The whole body, or undefined when it is larger than any review can be; the rest is read and dropped, so that the answer arrives. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
  response.end(body);
}
