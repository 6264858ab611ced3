/** A leader and a replica of real Patroni and PostgreSQL, for suites about PostgreSQL itself. */
import { Client } from 'pg';
import { createPatroniClients, type PatroniClient } from '../../../src/patroni/client.ts';
import { leaderOf } from '../../../src/patroni/members.ts';
import type { PostgresTarget } from '../../../src/postgres/client.ts';
import { type RealMember, type RealPatroni, type RealPatroniOptions, startRealPatroni } from '../../support/real-patroni.ts';

export interface RealPair {
  readonly real: RealPatroni;
  readonly leader: RealMember;
  readonly replica: RealMember;
  clientOf(m: RealMember): PatroniClient;
  /** As the superuser over TLS. */
  targetOf(m: RealMember): PostgresTarget;
  stop(): Promise<void>;
}

/** Looks again until it is so. @throws after a minute */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not ${what} within a minute`);
}

/** Starts them; resolves once the replica streams. */
export async function startRealPair(options: Omit<RealPatroniOptions, 'members'> = {}): Promise<RealPair> {
  const real = await startRealPatroni({ ...options, members: 2 });
  const clients = createPatroniClients();
  const clientOf = (m: RealMember): PatroniClient =>
    clients
      .forCluster('real', { tls: { ca: real.ca, cert: real.clientCert, key: real.clientKey }, basic: real.rest })
      .member({ member: m.name, host: '127.0.0.1', port: m.restPort, serverName: m.serverName });
  let lead: string | undefined;
  await eventually('whole', async () => {
    const view = await clientOf(real.members[0]!).getCluster();
    lead = leaderOf(view)?.name;
    return lead !== undefined && view.members.some((m) => m.state === 'streaming');
  });
  return {
    real,
    leader: real.members.find((m) => m.name === lead)!,
    replica: real.members.find((m) => m.name !== lead)!,
    clientOf,
    targetOf: (m) => ({
      member: m.name,
      host: '127.0.0.1',
      port: m.postgresPort,
      serverName: m.serverName,
      ca: real.ca,
      user: real.superuser.username,
      password: real.superuser.password,
    }),
    stop: async () => {
      clients.close();
      await real.stop();
    },
  };
}

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Runs statements one after another in one connection; the rows of the last. */
export async function query({ ca }: RealPatroni, m: RealMember, login: Login, ...statements: readonly string[]): Promise<readonly unknown[]> {
  const client = new Client({ host: '127.0.0.1', port: m.postgresPort, ...login, ssl: { ca } });
  await client.connect();
  try {
    let rows: readonly unknown[] = [];
    for (const text of statements) ({ rows } = await client.query<Record<string, unknown>>(text));
    return rows;
  } finally {
    await client.end();
  }
}
