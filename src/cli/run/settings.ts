import type { OperatorConfig } from '../../api/effective.ts';
import { operatorConfig } from '../operator-config.ts';
import {
  parseBoolean,
  parseChoice,
  parseCount,
  parseList,
  parsePort,
  parseText,
  settingValue,
  type Flags,
  type Setting,
} from '../options.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Settings of the running operator, beside those that every cluster shares. */
export const RUN_SETTINGS = {
  watchNamespaces: {
    flags: '--watch-namespaces <list>',
    env: 'PATRONI_OPERATOR_WATCH_NAMESPACES',
    describe: 'namespaces to watch, separated by commas',
    preset: [] as readonly string[],
    presetText: 'all',
    parse: parseList,
  },
  kubeconfig: {
    flags: '--kubeconfig <file>',
    describe: 'kubeconfig file',
    preset: '',
    presetText: '$KUBECONFIG, ~/.kube/config, or the service account of the pod',
    parse: parseText,
  },
  context: {
    flags: '--context <name>',
    env: 'PATRONI_OPERATOR_CONTEXT',
    describe: 'context of the kubeconfig',
    preset: '',
    presetText: 'its current one',
    parse: parseText,
  },
  leaderElection: {
    flags: '--leader-election <bool>',
    env: 'PATRONI_OPERATOR_LEADER_ELECTION',
    describe: 'let one of several replicas work at a time',
    preset: true,
    parse: parseBoolean,
  },
  leaseName: {
    flags: '--lease-name <name>',
    env: 'PATRONI_OPERATOR_LEASE_NAME',
    describe: 'Lease that the replicas compete for',
    preset: 'patroni-operator',
    parse: parseText,
  },
  leaseNamespace: {
    flags: '--lease-namespace <name>',
    env: 'POD_NAMESPACE',
    describe: 'namespace of that Lease',
    preset: '',
    presetText: "the kubeconfig context's",
    parse: parseText,
  },
  workers: {
    flags: '--workers <count>',
    env: 'PATRONI_OPERATOR_WORKERS',
    describe: 'clusters to work on at the same time',
    preset: 4,
    parse: parseCount,
  },
  metricsPort: {
    flags: '--metrics-port <port>',
    env: 'PATRONI_OPERATOR_METRICS_PORT',
    describe: 'port of /metrics, 0 for none',
    preset: 8080,
    parse: parsePort,
  },
  healthPort: {
    flags: '--health-port <port>',
    env: 'PATRONI_OPERATOR_HEALTH_PORT',
    describe: 'port of /healthz and /readyz, 0 for none',
    preset: 8081,
    parse: parsePort,
  },
  webhookPort: {
    flags: '--webhook-port <port>',
    env: 'PATRONI_OPERATOR_WEBHOOK_PORT',
    describe: 'port of the validating webhook, 0 for none',
    preset: 0,
    parse: parsePort,
  },
  webhookName: {
    flags: '--webhook-name <name>',
    env: 'PATRONI_OPERATOR_WEBHOOK_NAME',
    describe: 'name of the Service of the webhook; its Secret is called NAME-tls',
    preset: 'patroni-operator-webhook',
    parse: parseText,
  },
  webhookConfiguration: {
    flags: '--webhook-configuration <name>',
    env: 'PATRONI_OPERATOR_WEBHOOK_CONFIGURATION',
    describe: 'ValidatingWebhookConfiguration that gets the CA of the webhook',
    preset: 'patroni-operator',
    parse: parseText,
  },
  webhookCertificateFolder: {
    flags: '--webhook-certificate-folder <folder>',
    env: 'PATRONI_OPERATOR_WEBHOOK_CERTIFICATE_FOLDER',
    describe: 'folder with tls.crt and tls.key of the webhook, as cert-manager keeps them',
    preset: '',
    presetText: "none, a certificate of the operator's own",
    parse: parseText,
  },
  logLevel: {
    flags: '--log-level <level>',
    env: 'PATRONI_OPERATOR_LOG_LEVEL',
    describe: `least level to log: ${LOG_LEVELS.join(', ')}`,
    preset: 'info' as const,
    parse: parseChoice(LOG_LEVELS),
  },
} satisfies Record<string, Setting<unknown>>;

/** How the validating webhook is served. */
interface WebhookSettings {
  readonly port: number;
  /** Absent: a certificate of the operator's own. */
  readonly certificateFolder?: string;
  readonly service: string;
  readonly secret: string;
  readonly configuration: string;
}

/** Everything `run` needs to know. */
export interface RunSettings {
  readonly operator: OperatorConfig;
  /** Empty: every namespace. */
  readonly watchNamespaces: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly leaderElection: boolean;
  readonly leaseName: string;
  /** Absent: the namespace of the kubeconfig context or service account. */
  readonly leaseNamespace?: string;
  readonly workers: number;
  /** 0: not served. */
  readonly metricsPort: number;
  readonly healthPort: number;
  /** Absent: no webhook. */
  readonly webhook?: WebhookSettings;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Name of the operator's pod, for its identity in the Lease; absent outside a pod. */
  readonly podName?: string;
}

/**
 * The settings from flags and environment.
 * @throws ERR_CLI_OPTION
 */
export function runSettings(flags: Flags, env: Readonly<Record<string, string | undefined>>): RunSettings {
  const get = <T>(setting: Setting<T>): T => settingValue(setting, flags, env);
  return {
    operator: operatorConfig(flags, env),
    watchNamespaces: get(RUN_SETTINGS.watchNamespaces),
    ...present('kubeconfig', get(RUN_SETTINGS.kubeconfig)),
    ...present('context', get(RUN_SETTINGS.context)),
    leaderElection: get(RUN_SETTINGS.leaderElection),
    leaseName: get(RUN_SETTINGS.leaseName),
    ...present('leaseNamespace', get(RUN_SETTINGS.leaseNamespace)),
    workers: get(RUN_SETTINGS.workers),
    metricsPort: get(RUN_SETTINGS.metricsPort),
    healthPort: get(RUN_SETTINGS.healthPort),
    ...webhookSettings(get),
    logLevel: get(RUN_SETTINGS.logLevel),
    ...present('podName', env['POD_NAME'] ?? ''),
  };
}

function webhookSettings(get: <T>(setting: Setting<T>) => T): Pick<RunSettings, 'webhook'> {
  const port = get(RUN_SETTINGS.webhookPort);
  if (port === 0) return {};
  const service = get(RUN_SETTINGS.webhookName);
  const webhook = { port, service, secret: `${service}-tls`, configuration: get(RUN_SETTINGS.webhookConfiguration) };
  return { webhook: { ...webhook, ...present('certificateFolder', get(RUN_SETTINGS.webhookCertificateFolder)) } };
}

function present<K extends string>(key: K, value: string): Partial<Record<K, string>> {
  return value === '' ? {} : ({ [key]: value } as Record<K, string>);
}
