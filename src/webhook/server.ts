import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';

import { OperatorError } from '../errors.ts';
import { delay, type Clock } from '../lib/clock.ts';
import { listen } from '../lib/listen.ts';
import { networkErrorCode, networkErrorDetail } from '../lib/network-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createBodyReader, type BodyReader } from './body.ts';
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
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Pick<Metrics, 'webhookRequests' | 'webhookLatency'>;
  /** How long a client may take for the TLS handshake, and for a request. @default 10_000 ms */
  readonly patienceMs?: number;
  /** How long it still serves after `stop`: until no API server sends anything new to this pod. @default 3_000 ms */
  readonly lingerMs?: number;
}

/** HTTPS server for the API server's admission requests. */
export interface WebhookServer {
  /** Begins to listen; resolves with the port. */
  start(): Promise<number>;
  /**
   * Shows another certificate from the next connection on; those that are open go on.
   * @throws ERR_WEBHOOK_CERTIFICATE; then the one before stays
   */
  useCertificate(certificate: ServingCertificate): void;
  /** Serves on for `lingerMs`, asking clients to come back elsewhere, then lets requests under way end. */
  stop(): Promise<void>;
}

export const WEBHOOK_PATH = '/validate-patronicluster';

/** Somebody who may connect but is no API server must not be able to hold the operator up. */
const PATIENCE_MS = 10_000;
const MAX_CONNECTIONS = 256;
/** The API server lets go of an idle connection after 90 s. Were we first, its next request could meet a closing connection, and a POST is not sent twice. */
const KEEP_ALIVE_MS = 120_000;
/** Endpoints of a terminating pod vanish at once, but the news takes a moment. */
const LINGER_MS = 3000;
const LAST_REQUESTS_MS = 2000;

/**
 * POST of an AdmissionReview in JSON to `WEBHOOK_PATH`; everything else is refused: 404, 405, 413, 415, 400. A failure of our own is a 500, on which `failurePolicy` decides.
 * @throws ERR_WEBHOOK_CERTIFICATE
 */
export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  const { clock } = options;
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const lingerMs = options.lingerMs ?? LINGER_MS;
  const bodies = createBodyReader();
  let isStopping = false;
  const limits = {
    handshakeTimeout: patienceMs,
    headersTimeout: patienceMs,
    requestTimeout: patienceMs,
    // Node looks for the two above this often; its default is half a minute.
    connectionsCheckingInterval: Math.min(1000, patienceMs / 2),
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = usable(() =>
    createServer({ ...secureContext(options.certificate), ...limits }, (request, response) => {
      if (isStopping) response.setHeader('connection', 'close');
      void serve(options, bodies, request, response);
    }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  return {
    start: () => listen(server, options),
    useCertificate: (certificate) => usable(() => server.setSecureContext(secureContext(certificate))),
    async stop() {
      isStopping = true;
      if (!server.listening) return;
      if (lingerMs > 0) await delay(clock, lingerMs);
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS);
        server.close(() => {
          clock.clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

const secureContext = ({ certPem, keyPem }: ServingCertificate) => ({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' as const });

/** The text of OpenSSL names what is wrong, never the key. */
function usable<T>(build: () => T): T {
  try {
    return build();
  } catch (cause) {
    throw new OperatorError('ERR_WEBHOOK_CERTIFICATE', { problem: networkErrorDetail(cause) }, { cause });
  }
}

async function serve(options: WebhookServerOptions, bodies: BodyReader, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock, logger, metrics } = options;
  const refused = refusalOf(request);
  if (refused?.status === 404) {
    send(response, refused);
    return;
  }
  const startMs = clock.monotonicMs();
  response.once('finish', () => {
    metrics?.webhookRequests.inc({ webhook: WEBHOOK_PATH, code: String(response.statusCode) });
    metrics?.webhookLatency.observe({ webhook: WEBHOOK_PATH }, (clock.monotonicMs() - startMs) / 1000);
  });
  try {
    send(response, refused ?? (await answer(options, bodies, request)));
  } catch (error) {
    // A client that went away is its own affair; whoever waits for an answer still gets one.
    if (request.destroyed && networkErrorCode(error) === 'ECONNRESET') logger.debug('an admission request was broken off', { component: 'webhook' });
    else logger.error('admission request failed', { component: 'webhook', error });
    if (response.headersSent) response.destroy();
    else send(response, { status: 500, text: 'internal error\n' });
  }
}

interface Reply {
  readonly status: number;
  readonly text: string;
  /** @default text/plain */
  readonly type?: string;
}

async function answer(options: WebhookServerOptions, bodies: BodyReader, request: IncomingMessage): Promise<Reply> {
  const body = await bodies.read(request);
  if (body.kind === 'too-large') return { status: 413, text: 'too large\n' };
  if (body.kind === 'too-many') return { status: 503, text: 'too many requests at once\n' };
  const reply = review(parsed(body.text), options);
  if (reply === undefined) return { status: 400, text: 'not an AdmissionReview\n' };
  if (!reply.response.allowed) options.logger.debug('refused a PatroniCluster', { component: 'webhook', reason: reply.response.status?.message ?? '' });
  return { status: 200, text: JSON.stringify(reply), type: 'application/json' };
}

function refusalOf({ url = '', method, headers }: IncomingMessage): Reply | undefined {
  if (url.split('?', 1)[0] !== WEBHOOK_PATH) return { status: 404, text: 'not found\n' };
  if (method !== 'POST') return { status: 405, text: 'only POST\n' };
  return /^application\/json(?:$|[\s;])/i.test(headers['content-type'] ?? '') ? undefined : { status: 415, text: 'only application/json\n' };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, text, type = 'text/plain' }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store', ...(status === 405 ? { allow: 'POST' } : {}) });
  response.end(text);
}
