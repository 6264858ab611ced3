import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { KubeRest } from '../kube/rest.ts';
import type { Clock, TimerHandle } from '../lib/clock.ts';
import { ensureOwnCertificate, ensureTrusted } from './own-certificate.ts';
import { createWebhookServer, type ServingCertificate, type WebhookServer, type WebhookServerOptions } from './server.ts';

export interface WebhookSettings {
  readonly port: number;
  /** Folder with `tls.crt` and `tls.key`, kept by somebody else (cert-manager). Absent: a certificate of the operator's own. */
  readonly certificateFolder?: string;
  /** Name of the Service that the API server calls, of the Secret for the operator's own certificate, and of the ValidatingWebhookConfiguration. */
  readonly service: string;
  readonly secret: string;
  readonly configuration: string;
}

export interface WebhookOptions extends Omit<WebhookServerOptions, 'port' | 'certificate'> {
  readonly settings: WebhookSettings;
  /** Namespace of the operator. */
  readonly namespace: string;
  readonly rest: Pick<KubeRest, 'find' | 'create' | 'patch'>;
  readonly clock: Clock;
}

/** The webhook of one replica: every replica serves, whoever leads. */
export interface Webhook {
  /** Resolves after the first attempt. Nothing else waits for a webhook that cannot be opened: the loop refuses what it would refuse, so it is tried again and the log says why. */
  start(): Promise<void>;
  /** Port it listens on; undefined while it does not. */
  port(): number | undefined;
  stop(): Promise<void>;
}

/** Certificates are looked at this often; a leaf is renewed a month before it ends, and cert-manager renews as early. */
const LOOK_MS = 300_000;
const RETRY_MS = 15_000;

export function createWebhook(options: WebhookOptions): Webhook {
  const { settings, clock } = options;
  const logger = options.logger.child({ component: 'webhook' });
  let server: WebhookServer | undefined;
  let shown: ServingCertificate | undefined;
  let port: number | undefined;
  let timer: TimerHandle;
  let isStopped = false;

  const look = async (): Promise<void> => {
    let nextMs = LOOK_MS;
    try {
      const certificate = await certificateNow(options);
      if (server === undefined) {
        const opened = createWebhookServer({ ...options, port: settings.port, certificate, logger });
        port = await opened.start();
        server = opened;
        logger.info('the webhook listens', { port });
      } else if (certificate.certPem !== shown?.certPem || certificate.keyPem !== shown.keyPem) {
        server.useCertificate(certificate);
        logger.info('the webhook shows another certificate');
      }
      shown = certificate;
    } catch (error) {
      nextMs = RETRY_MS;
      logger.warn('the webhook or its certificate could not be had, trying again', { error });
    }
    if (!isStopped) timer = clock.setTimeout(() => void look(), nextMs);
  };

  return {
    start: look,
    port: () => port,
    async stop() {
      isStopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
      await server?.stop();
    },
  };
}

async function certificateNow({ settings, namespace, rest, clock }: WebhookOptions): Promise<ServingCertificate> {
  const { certificateFolder, service, secret, configuration } = settings;
  if (certificateFolder !== undefined) {
    const [certPem, keyPem] = await Promise.all(['tls.crt', 'tls.key'].map((file) => readFile(join(certificateFolder, file), 'utf8')));
    return { certPem: certPem ?? '', keyPem: keyPem ?? '' };
  }
  const dnsNames = [`${service}.${namespace}.svc`, `${service}.${namespace}`];
  const own = await ensureOwnCertificate({ rest, secret: { namespace, name: secret }, dnsNames, nowMs: clock.nowMs() });
  await ensureTrusted(rest, configuration, own.caPem);
  return { certPem: own.certPem, keyPem: own.keyPem };
}
