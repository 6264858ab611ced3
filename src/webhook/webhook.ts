import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OperatorError } from '../errors.ts';
import type { KubeRest } from '../kube/rest.ts';
import type { TimerHandle } from '../lib/clock.ts';
import { networkErrorDetail } from '../lib/network-error.ts';
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
}

/** The webhook of one replica: every replica serves, whoever leads. */
export interface Webhook {
  /** Resolves after the first attempt. Nothing else waits for a webhook that cannot be opened: the loop refuses what it would refuse, so it is tried again and the log says why. */
  start(): Promise<void>;
  /** Port it listens on; undefined while it does not. */
  port(): number | undefined;
  stop(): Promise<void>;
}

/** The operator's own certificate is looked at this often: it is renewed a month before it ends, and all that a look costs is two small reads. */
const LOOK_MS = 300_000;
/** Files cost nothing to read. cert-manager may have the API server trust a new certificate alone, from the moment it is made: what is shown must follow. */
const LOOK_AT_FILES_MS = 10_000;
const RETRY_MS = 15_000;

export function createWebhook(options: WebhookOptions): Webhook {
  const { settings, clock } = options;
  const logger = options.logger.child({ component: 'webhook' });
  let server: WebhookServer | undefined;
  let shown: ServingCertificate | undefined;
  let port: number | undefined;
  let timer: TimerHandle;
  let isStopped = false;

  const show = async (certificate: ServingCertificate): Promise<void> => {
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
  };

  const look = async (): Promise<void> => {
    let nextMs = RETRY_MS;
    try {
      nextMs = settings.certificateFolder === undefined ? await showOwn(options, show) : await showFiles(settings.certificateFolder, show);
    } catch (error) {
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

type Show = (certificate: ServingCertificate) => Promise<void>;

/** @returns after how many ms to look again: soon while there is nothing to write the CA into (Helm makes the configuration after the Deployment) */
async function showOwn({ settings, namespace, rest, clock }: WebhookOptions, show: Show): Promise<number> {
  const { service, secret, configuration } = settings;
  const dnsNames = [`${service}.${namespace}.svc`, `${service}.${namespace}`];
  const own = await ensureOwnCertificate({ rest, secret: { namespace, name: secret }, dnsNames, nowMs: clock.nowMs() });
  // First trusted, then shown: a leaf of a new CA must not reach an API server that does not know that CA yet.
  const isTrusted = await ensureTrusted(rest, configuration, own.caPem);
  await show({ certPem: own.certPem, keyPem: own.keyPem });
  return isTrusted ? LOOK_MS : RETRY_MS;
}

async function showFiles(folder: string, show: Show): Promise<number> {
  const [certPem, keyPem] = await Promise.all([fileText(folder, 'tls.crt'), fileText(folder, 'tls.key')]);
  await show({ certPem, keyPem });
  return LOOK_AT_FILES_MS;
}

async function fileText(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (cause) {
    throw new OperatorError('ERR_WEBHOOK_CERTIFICATE', { problem: networkErrorDetail(cause) }, { cause });
  }
}
