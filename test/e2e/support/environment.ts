import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `scripts/e2e.mjs` (or `scripts/bench.mjs`) prepared, handed over in environment variables. */
export interface Environment {
  readonly repository: string;
  readonly kubeconfig: string;
  readonly context?: string;
  readonly kubectl: string;
  /** Helm programs by major version, those that were found. */
  readonly helm: Readonly<Partial<Record<'3' | '4', string>>>;
  /** Folder for diagnostics and figures. */
  readonly output: string;
  /** The sandbox's command, when the cluster is ours: only then can nodes be cut and the API server be frozen. */
  readonly sandbox?: string;
  /** Audit log of the API server, one JSON object in each line. */
  readonly auditLog?: string;
  readonly operator: { readonly namespace: string; readonly release: string };
  /** PostgreSQL image, which is also what the probe pods run (it holds psql, curl and Python with psycopg 3). */
  readonly postgresImage: string;
  /** Another build of the operator, for the upgrade scenario; absent: the scenario re-installs the same image under other settings. */
  readonly nextOperatorImage?: string;
}

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: run the e2e tests with \`npm run test:e2e\``);
  return value;
};

const optional = <K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> =>
  (value === undefined || value === '' ? {} : { [key]: value }) as Partial<Record<K, string>>;

let cached: Environment | undefined;

/** The environment; throws when the suite was not started by its script. */
export function environment(): Environment {
  cached ??= read();
  return cached;
}

function read(): Environment {
  const sandbox = process.env['E2E_SANDBOX'] === '1' ? join(repository, 'sandbox', 'sandbox') : undefined;
  const run = process.env['SANDBOX_RUN'] ?? '/run/patroni-operator-sandbox';
  const audit = process.env['E2E_AUDIT_LOG'] ?? (sandbox === undefined ? undefined : join(run, 'log', 'audit.log'));
  return {
    repository,
    kubeconfig: required('E2E_KUBECONFIG'),
    kubectl: process.env['E2E_KUBECTL'] ?? 'kubectl',
    helm: { ...optional('3', process.env['E2E_HELM3']), ...optional('4', process.env['E2E_HELM4']) },
    output: process.env['E2E_OUTPUT'] ?? join(repository, '.cache', 'e2e'),
    operator: { namespace: process.env['E2E_OPERATOR_NAMESPACE'] ?? 'patroni-operator', release: process.env['E2E_OPERATOR_RELEASE'] ?? 'patroni-operator' },
    postgresImage: required('E2E_POSTGRES_IMAGE'),
    ...optional('context', process.env['E2E_CONTEXT']),
    ...optional('sandbox', sandbox),
    ...optional('auditLog', audit !== undefined && existsSync(audit) ? audit : undefined),
    ...optional('nextOperatorImage', process.env['E2E_OPERATOR_NEXT_IMAGE']),
  };
}
