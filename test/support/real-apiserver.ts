/**
 * A real Kubernetes API server (etcd + kube-apiserver, optionally a few controllers; no kubelets) on loopback, for the contract suite and the
 * benchmarks: `const real = await startRealApiServer(); … real.kubeconfig …; await real.stop()`.
 *
 * The programs come from the sandbox's cache (`$SANDBOX_CACHE`, default `~/.cache/patroni-operator-sandbox`), folder `bin`.
 * `realApiServerUnavailable()` tells why they cannot be used, so that a caller can skip with a reason.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants, accessSync, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';

export interface RealApiServerOptions {
  /** Controllers of kube-controller-manager to run, by its own names, e.g. `['garbage-collector-controller']`. None (the default) starts no manager. */
  readonly controllers?: readonly string[];
  /** How long to wait for /readyz. @default 60_000 ms */
  readonly startTimeoutMs?: number;
  /** Further kube-apiserver flags, e.g. `['--audit-policy-file=…']`. */
  readonly apiServerFlags?: readonly string[];
  /** etcd's data directory is put on tmpfs (/dev/shm) when there is one, for speed. @default true */
  readonly inMemory?: boolean;
}

export interface RealApiServer {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** Bearer token of a member of system:masters. */
  readonly token: string;
  /** Path of a kubeconfig file for that token. Removed by `stop`. */
  readonly kubeconfig: string;
  /** Folder with certificates and logs (etcd.log, kube-apiserver.log). Removed by `stop`. */
  readonly directory: string;
  /** Process id of kube-apiserver, for measuring its resources. */
  readonly pid: number;
  /** Ends the processes started here and removes the folder. */
  stop(): Promise<void>;
}

const cacheBin = (): string => join(process.env['SANDBOX_CACHE'] ?? join(homedir(), '.cache', 'patroni-operator-sandbox'), 'bin');

/** The path of one of the sandbox's programs (`etcd`, `kube-apiserver`, `kubectl` …), or undefined when it is not there. */
export const sandboxProgram = (name: string): string | undefined => {
  const path = join(cacheBin(), name);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
};

/** Why a real API server cannot be started here, or undefined when it can. */
export const realApiServerUnavailable = (): string | undefined => {
  const missing = ['etcd', 'kube-apiserver'].filter((name) => sandboxProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not found in ${cacheBin()} (built by \`npm run sandbox -- up\`)`;
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });

const program = (name: string): string => {
  const path = sandboxProgram(name);
  if (path === undefined) throw new Error(realApiServerUnavailable() ?? `${name} not found in ${cacheBin()}`);
  return path;
};

const start = (directory: string, name: string, flags: readonly string[]): ChildProcess => {
  const log = createWriteStream(join(directory, `${name}.log`));
  const child = spawn(program(name), [...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once('close', () => log.end());
  return child;
};

const end = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => resolve());
    // kube-apiserver drains for a minute on SIGTERM; nothing here is worth waiting for.
    child.kill('SIGKILL');
  });

const isReady = (port: number, token: string): Promise<boolean> =>
  new Promise((resolve) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path: '/readyz',
        headers: { authorization: `Bearer ${token}` },
        rejectUnauthorized: false,
        timeout: 2_000,
        agent: false,
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200));
        response.once('error', () => resolve(false));
      },
    );
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.end();
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const waitReady = async (child: ChildProcess, directory: string, port: number, token: string, timeoutMs: number): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (!(await isReady(port, token))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const log = await readFile(join(directory, 'kube-apiserver.log'), 'utf8').catch(() => '');
      throw new Error(`kube-apiserver did not become ready; its last words:\n${log.slice(-2_000)}`);
    }
    await pause(100);
  }
};

const kubeconfigFor = (url: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'real', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'admin' } }],
    'current-context': 'real',
  });

/** Starts etcd and kube-apiserver and waits until the latter is ready (about 5 s). */
export const startRealApiServer = async (options: RealApiServerOptions = {}): Promise<RealApiServer> => {
  const base = options.inMemory !== false && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = await mkdtemp(join(base, 'real-apiserver-'));
  const children: ChildProcess[] = [];
  // A runner that exits without stopping must not leave servers behind.
  const onExit = (): void => children.forEach((child) => void child.kill('SIGKILL'));
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    await Promise.all([...children].reverse().map(end));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
    const token = randomBytes(16).toString('hex');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(directory, 'sa.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
    await writeFile(join(directory, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    children.push(
      start(directory, 'etcd', [
        `--data-dir=${join(directory, 'etcd')}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        '--unsafe-no-fsync',
      ]),
    );
    const apiServer = start(directory, 'kube-apiserver', [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(directory, 'certs')}`,
      `--token-auth-file=${join(directory, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${join(directory, 'sa.key')}`,
      `--service-account-signing-key-file=${join(directory, 'sa.key')}`,
      '--service-cluster-ip-range=10.0.0.0/16',
      '--allow-privileged=true',
      // No controller makes the `default` service account here, and pods could not be created.
      '--disable-admission-plugins=ServiceAccount',
      // `advertise-address` is loopback, which the endpoint of the `kubernetes` Service may not be.
      '--endpoint-reconciler-type=none',
      ...(options.apiServerFlags ?? []),
    ]);
    children.push(apiServer);
    await waitReady(apiServer, directory, port, token, options.startTimeoutMs ?? 60_000);
    const url = `https://127.0.0.1:${port}`;
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigFor(url, token), { mode: 0o600 });
    if (options.controllers !== undefined && options.controllers.length > 0) {
      children.push(
        start(directory, 'kube-controller-manager', [
          `--kubeconfig=${kubeconfig}`,
          `--controllers=${options.controllers.join(',')}`,
          `--service-account-private-key-file=${join(directory, 'sa.key')}`,
          '--secure-port=0',
          '--leader-elect=false',
        ]),
      );
    }
    return { url, token, kubeconfig, directory, pid: apiServer.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
