/**
 * A real Patroni cluster on loopback: one etcd (TLS, client certificates), N Patroni with PostgreSQL (TLS, SCRAM, basic authentication of the REST API).
 * `const real = await startRealPatroni(); … real.members …; await real.stop()`. It returns as soon as all is started; wait for a leader yourself.
 *
 * Needs etcd of the sandbox's cache (`$SANDBOX_CACHE`, default `~/.cache/patroni-operator-sandbox`, folder `bin`), Patroni in a Python environment
 * (`$PATRONI_VENV`, default `<cache>/patroni-venv`: `python3 -m venv`, then `pip install 'patroni[etcd3]' 'psycopg[binary]'`) and PostgreSQL of the
 * distribution in /usr/lib/postgresql. PostgreSQL refuses to run as root, so root starts everything as the user `postgres`.
 * `realPatroniUnavailable()` tells what is missing, so that a caller can skip with a reason.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/lib/secret.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';

export interface RealPatroniOptions {
  /** @default 3 */
  readonly members?: number;
  /** Laid over `bootstrap.dcs`. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
}

export interface RealMember {
  readonly name: string;
  readonly restPort: number;
  readonly postgresPort: number;
  /** Name in the member's certificate. */
  readonly serverName: string;
}

export interface RealPatroni {
  readonly scope: string;
  readonly members: readonly RealMember[];
  readonly etcd: { readonly name: string; readonly port: number; readonly serverName: string; readonly prefix: string };
  /** PEM of the CA of everything here, and a client certificate without a common name. */
  readonly ca: string;
  readonly authority: TestAuthority;
  readonly clientCert: string;
  readonly clientKey: Secret<string>;
  readonly rest: { readonly username: string; readonly password: Secret<string> };
  readonly superuser: { readonly username: string; readonly password: Secret<string> };
  /** Folder with configurations, data and logs (`<member>.log`). Removed by `stop`. */
  readonly directory: string;
  /** Ends a member gracefully (SIGTERM: Patroni stops PostgreSQL and gives up the leader key). */
  readonly stopMember: (name: string) => Promise<void>;
  /** SIGKILL of Patroni and the postmaster, as when a node is lost; its keys in the DCS live on until the ttl. */
  readonly killMember: (name: string) => Promise<void>;
  readonly startMember: (name: string) => void;
  /** etcd stands still (SIGSTOP) until thawed. */
  readonly freezeEtcd: () => void;
  readonly thawEtcd: () => void;
  /** Rewrites the member's `tags`; takes effect at the next reload. */
  readonly setTags: (name: string, tags: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const cache = (): string => process.env['SANDBOX_CACHE'] ?? join(homedir(), '.cache', 'patroni-operator-sandbox');
const etcdProgram = (): string => join(cache(), 'bin', 'etcd');
const patroniProgram = (): string => join(process.env['PATRONI_VENV'] ?? join(cache(), 'patroni-venv'), 'bin', 'patroni');

const postgresBin = (): string | undefined => {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).filter((v) => existsSync(join(root, v, 'bin', 'initdb'))) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(root, newest, 'bin');
};

/** Why a real Patroni cluster cannot be started here, or undefined when it can. */
export function realPatroniUnavailable(): string | undefined {
  if (!existsSync(etcdProgram())) return `${etcdProgram()} not found (built by \`npm run sandbox -- up\`)`;
  if (!existsSync(patroniProgram()))
    return `${patroniProgram()} not found (python3 -m venv, then pip install 'patroni[etcd3]' 'psycopg[binary]')`;
  if (postgresBin() === undefined) return 'PostgreSQL not found in /usr/lib/postgresql (apt-get install postgresql)';
  return undefined;
}

const isRoot = (): boolean => process.getuid?.() === 0;
const postgresId = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));

/** As the user postgres when we are root. The one capability lets it read programs below root's home, where the cache may be. */
function spawnUnprivileged(
  log: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const as = isRoot()
    ? [
        'setpriv',
        '--reuid=postgres',
        '--regid=postgres',
        '--clear-groups',
        '--inh-caps=+dac_read_search',
        '--ambient-caps=+dac_read_search',
      ]
    : [];
  const [command = program, ...rest] = [...as, program, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', ...env },
    cwd: '/',
  });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  child.once('close', () => file.end());
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(address !== null && typeof address === 'object' ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Kills a postmaster that outlived its Patroni, and removes the System V segment that it cannot remove itself then. */
async function killPostmaster(dataDirectory: string): Promise<void> {
  const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
    const segment = lines[6]?.trim().split(/\s+/)[1];
    if (segment !== undefined) execFileSync('/usr/bin/ipcrm', ['-m', segment], { stdio: 'ignore' });
  } catch {
    // It has ended meanwhile.
  }
}

const REST_USER = 'patroni';
const PASSWORDS = { rest: 'rest-secret', superuser: 'super-secret', replication: 'repl-secret', rewind: 'rewind-secret' } as const;
const TIMING = { ttl: 20, loop_wait: 2, retry_timeout: 3 } as const;

export async function startRealPatroni(options: RealPatroniOptions = {}): Promise<RealPatroni> {
  const count = options.members ?? 3;
  const directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'real-patroni-'));
  const scope = 'real';
  const authority = await createTestAuthority();
  const ports = await freePorts(2 * count + 2);
  const members = Array.from({ length: count }, (_, i): RealMember => {
    const name = `pg-${i}`;
    return { name, serverName: `${name}.pg.test.svc.cluster.local`, restPort: ports[2 * i] ?? 0, postgresPort: ports[2 * i + 1] ?? 0 };
  });
  const [etcdPort = 0, etcdPeerPort = 0] = ports.slice(2 * count);
  const etcdName = 'etcd-0';
  const etcdServerName = `${etcdName}.etcd.test.svc.cluster.local`;
  const client = await authority.issue({ usages: ['client'] });
  const children = new Map<string, ChildProcess>();
  const tags = new Map<string, Readonly<Record<string, unknown>>>();

  const own = async (path: string): Promise<void> => {
    if (isRoot()) await chown(path, postgresId('-u'), postgresId('-g'));
  };
  const put = async (path: string, text: string): Promise<string> => {
    const full = join(directory, path);
    await writeFile(full, text, { mode: 0o600 });
    await own(full);
    return full;
  };
  const data = (name: string): string => join(directory, name, 'data');
  const memberOf = (name: string): RealMember => {
    const member = members.find((m) => m.name === name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  };
  const writeConfig = async (member: RealMember): Promise<void> => {
    const context = { directory, scope, etcdPort, dynamicConfig: options.dynamicConfig ?? {}, tags: tags.get(member.name) ?? {} };
    // JSON is YAML.
    await put(join(member.name, 'patroni.yml'), JSON.stringify(patroniConfig(member, context), null, 1));
  };
  const startMember = (name: string): void => {
    const child = spawnUnprivileged(join(directory, `${name}.log`), patroniProgram(), [join(directory, name, 'patroni.yml')]);
    children.set(name, child);
  };
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(name);
    if (child === undefined) return;
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended(child);
    clearTimeout(patience);
    children.delete(name);
    await killPostmaster(data(name));
  };
  const stop = async (): Promise<void> => {
    // SIGTERM, so that PostgreSQL leaves nothing in shared memory.
    await Promise.all(members.map((m) => end(m.name, 'SIGTERM')));
    await end('etcd', 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  };

  try {
    await own(directory);
    await put('ca.crt', authority.certPem);
    await put('client.crt', client.certPem);
    await put('client.key', client.keyPem);
    for (const { name, serverName } of [...members, { name: etcdName, serverName: etcdServerName }]) {
      await mkdir(join(directory, name), { mode: 0o700 });
      await own(join(directory, name));
      const leaf = await authority.issue({ dnsNames: [serverName, name, 'localhost'], ipAddresses: ['127.0.0.1'] });
      await put(join(name, 'tls.crt'), leaf.certPem);
      await put(join(name, 'tls.key'), leaf.keyPem);
    }
    const url = `https://127.0.0.1:${etcdPort}`;
    const peerUrl = `http://127.0.0.1:${etcdPeerPort}`;
    const etcdFiles = (flag: string, file: string): string => `--${flag}=${join(directory, file)}`;
    children.set(
      'etcd',
      spawnUnprivileged(join(directory, 'etcd.log'), etcdProgram(), [
        `--name=${etcdName}`,
        etcdFiles('data-dir', join(etcdName, 'data')),
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=${etcdName}=${peerUrl}`,
        '--client-cert-auth',
        etcdFiles('trusted-ca-file', 'ca.crt'),
        etcdFiles('cert-file', join(etcdName, 'tls.crt')),
        etcdFiles('key-file', join(etcdName, 'tls.key')),
        '--unsafe-no-fsync',
      ]),
    );
    for (const member of members) await writeConfig(member);
    for (const { name } of members) startMember(name);
    return {
      scope,
      members,
      etcd: { name: etcdName, port: etcdPort, serverName: etcdServerName, prefix: `/service/${scope}/` },
      ca: authority.certPem,
      authority,
      clientCert: client.certPem,
      clientKey: new Secret(client.keyPem),
      rest: { username: REST_USER, password: new Secret(PASSWORDS.rest) },
      superuser: { username: 'postgres', password: new Secret(PASSWORDS.superuser) },
      directory,
      stopMember: (name) => end(name, 'SIGTERM'),
      killMember: async (name) => {
        const child = children.get(name);
        child?.kill('SIGKILL');
        await killPostmaster(data(name));
        await end(name, 'SIGKILL');
      },
      startMember,
      freezeEtcd: () => void children.get('etcd')?.kill('SIGSTOP'),
      thawEtcd: () => void children.get('etcd')?.kill('SIGCONT'),
      setTags: async (name, wanted) => {
        tags.set(name, wanted);
        await writeConfig(memberOf(name));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ConfigContext {
  readonly directory: string;
  readonly scope: string;
  readonly etcdPort: number;
  readonly dynamicConfig: Readonly<Record<string, unknown>>;
  readonly tags: Readonly<Record<string, unknown>>;
}

function patroniConfig(member: RealMember, { directory, scope, etcdPort, dynamicConfig, tags }: ConfigContext): unknown {
  const file = (...path: string[]): string => join(directory, ...path);
  const tls = { certfile: file(member.name, 'tls.crt'), keyfile: file(member.name, 'tls.key'), cafile: file('ca.crt') };
  const login = { sslmode: 'verify-full', sslrootcert: file('ca.crt') };
  return {
    scope,
    name: member.name,
    restapi: {
      listen: `127.0.0.1:${member.restPort}`,
      connect_address: `127.0.0.1:${member.restPort}`,
      ...tls,
      verify_client: 'optional',
      authentication: { username: REST_USER, password: PASSWORDS.rest },
    },
    ctl: { cacert: file('ca.crt'), certfile: file('client.crt'), keyfile: file('client.key') },
    etcd3: {
      hosts: [`127.0.0.1:${etcdPort}`],
      protocol: 'https',
      cacert: file('ca.crt'),
      cert: file('client.crt'),
      key: file('client.key'),
    },
    bootstrap: {
      dcs: {
        ...TIMING,
        member_slots_ttl: 0,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          parameters: { fsync: 'off', wal_level: 'replica', max_connections: 30, shared_buffers: '16MB' },
        },
        ...dynamicConfig,
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
    },
    postgresql: {
      listen: `127.0.0.1:${member.postgresPort}`,
      connect_address: `127.0.0.1:${member.postgresPort}`,
      data_dir: file(member.name, 'data'),
      bin_dir: postgresBin(),
      pgpass: file(member.name, 'pgpass'),
      authentication: {
        superuser: { username: 'postgres', password: PASSWORDS.superuser, ...login },
        replication: { username: 'replicator', password: PASSWORDS.replication, ...login },
        rewind: { username: 'rewind', password: PASSWORDS.rewind, ...login },
      },
      parameters: {
        unix_socket_directories: file(member.name),
        // In files of the data directory, which are removed with it, even after a SIGKILL.
        dynamic_shared_memory_type: 'mmap',
        ssl: 'on',
        ssl_cert_file: tls.certfile,
        ssl_key_file: tls.keyfile,
        ssl_ca_file: tls.cafile,
      },
      pg_hba: ['hostssl all all 127.0.0.1/32 scram-sha-256', 'hostssl replication replicator 127.0.0.1/32 scram-sha-256'],
      basebackup: ['no-password', { checkpoint: 'fast' }],
    },
    watchdog: { mode: 'off' },
    tags,
  };
}
