import { describe, expect, test } from '@jest/globals';
import { InProcessDispatcher } from '../../test/support/member-http.ts';
import { createPatroniDouble } from '../../test/support/patroni/double.ts';
import { FakeClock } from '../lib/fake-clock.ts';
import { Secret } from '../lib/secret.ts';
import { createPatroniClients, type PatroniCredentials } from './client.ts';

/** Without sockets; what needs them is in test/contract/patroni. */
function clusterOf(options: { readonly requestMs?: number } = {}) {
  const clock = new FakeClock();
  const double = createPatroniDouble({ clock });
  const model = double.addCluster({ scope: 'pg', members: ['pg-0', 'pg-1', 'pg-2'], access: { basic: { username: 'u', password: 'p' } } });
  const clients = double.clients({ timeouts: options });
  const credentials: PatroniCredentials = { basic: { username: 'u', password: new Secret('p') } };
  const member = (name: string) =>
    clients.forCluster('shop/pg', credentials).member({ member: name, host: '10.0.0.1', port: 8008, serverName: name });
  /** Lets time pass until `promise` is settled. */
  const finish = async <T>(promise: Promise<T>): Promise<T> => {
    const state = { isSettled: false };
    const settled = promise.finally(() => (state.isSettled = true));
    settled.catch(() => undefined);
    for (let i = 0; i < 500 && !state.isSettled; i++) await clock.advance(100);
    return settled;
  };
  return { clock, double, model, member, finish };
}

describe('a switchover', () => {
  test('is answered when it is over', async () => {
    const { model, member, finish } = clusterOf();
    const reply = await finish(member('pg-1').postSwitchover({ leader: 'pg-0', candidate: 'pg-2' }));
    expect(reply).toMatchObject({ kind: 'accepted', leader: 'pg-2', isCandidate: true });
    expect(model.leader).toBe('pg-2');
  });

  test('that another member wins says so', async () => {
    const { model, member, finish } = clusterOf();
    model.switchoverScript = { wonBy: 'pg-1' };
    const reply = await finish(member('pg-0').postSwitchover({ leader: 'pg-0', candidate: 'pg-2' }));
    expect(reply).toMatchObject({ kind: 'accepted', leader: 'pg-1', isCandidate: false });
  });

  test('to a replica that lags too much fails without a reason, and nothing changes', async () => {
    const { model, member, finish } = clusterOf();
    model.setMember('pg-2', { lagBytes: 2_000_000 });
    expect(await finish(member('pg-0').postSwitchover({ leader: 'pg-0', candidate: 'pg-2' }))).toEqual({
      kind: 'failed',
      text: 'Switchover failed',
    });
    expect(model.leader).toBe('pg-0');
  });

  test('that takes too long for Patroni may still be carried out', async () => {
    const { clock, model, member, finish } = clusterOf();
    model.switchoverScript = 'stalls';
    const reply = await finish(member('pg-0').postSwitchover({ leader: 'pg-0', candidate: 'pg-2' }));
    expect(reply).toMatchObject({ kind: 'unknown', httpStatus: 503 });
    await clock.advance(5_000);
    expect(model.leader).toBe('pg-2');
  });
});

describe('failures', () => {
  test('nobody listens', async () => {
    const { model, member } = clusterOf();
    model.stopMember('pg-1');
    await expect(member('pg-1').getCluster()).rejects.toMatchObject({
      code: 'ERR_PATRONI_UNREACHABLE',
      message: 'GET /cluster on Patroni member pg-1 got no answer: connect ECONNREFUSED',
    });
  });

  test('nobody answers in time', async () => {
    const { model, member } = clusterOf({ requestMs: 20 });
    model.setMember('pg-1', { isCutOff: true });
    await expect(member('pg-1').getMember()).rejects.toMatchObject({ code: 'ERR_PATRONI_TIMEOUT', retry: 'transient' });
  });

  test('the caller gives up', async () => {
    const { model, member } = clusterOf();
    model.setMember('pg-1', { isCutOff: true });
    const stop = new AbortController();
    const pending = member('pg-1').getMember(stop.signal);
    stop.abort();
    await expect(pending).rejects.toMatchObject({ code: 'ERR_PATRONI_ABORTED' });
  });

  test('the DCS holds no configuration', async () => {
    const { model, member } = clusterOf();
    model.config = undefined;
    await expect(member('pg-0').getConfig()).rejects.toMatchObject({ code: 'ERR_PATRONI_CONFIG_MISSING' });
    await expect(member('pg-0').patchConfig({ ttl: 30 })).rejects.toMatchObject({ code: 'ERR_PATRONI_CONFIG_MISSING' });
  });

  test('no failure shows the password', async () => {
    const { double } = clusterOf();
    const clients = double.clients().forCluster('x', { basic: { username: 'u', password: new Secret('hunter2') } });
    const failure = await clients
      .member({ member: 'pg-0', host: '10.0.0.1', port: 8008, serverName: 'pg-0' })
      .reload()
      .catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'ERR_PATRONI_UNAUTHORIZED' });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hunter2');
  });
});

describe('clients of many clusters', () => {
  function setup(capacity: number) {
    const log: string[] = [];
    const double = createPatroniDouble();
    double.addCluster({ scope: 'pg', members: ['pg-0'] });
    const clients = createPatroniClients({
      capacity,
      createDispatcher: ({ tls }) => {
        const name = tls?.ca ?? 'plain';
        log.push(`open ${name}`);
        const dispatcher = new InProcessDispatcher(double.handle, { hasClientCertificate: false });
        return Object.assign(dispatcher, { close: () => Promise.resolve(void log.push(`close ${name}`)) });
      },
    });
    const ask = (key: string, ca: string) =>
      clients.forCluster(key, { tls: { ca } }).member({ member: 'pg-0', host: '10.0.0.1', port: 8008, serverName: 'pg-0' }).getMember();
    return { log, clients, ask };
  }

  test('open nothing before the first request, and once per cluster', async () => {
    const { log, clients, ask } = setup(2);
    clients.forCluster('a', {});
    expect(log).toEqual([]);
    await ask('a', 'ca1');
    await ask('a', 'ca1');
    expect(log).toEqual(['open ca1']);
  });

  test('take rotated certificates with the next request', async () => {
    const { log, ask } = setup(2);
    await ask('a', 'ca1');
    await ask('a', 'ca2');
    expect(log).toEqual(['open ca1', 'open ca2', 'close ca1']);
  });

  test('keep the state of so many clusters only, and none of a deleted one', async () => {
    const { log, clients, ask } = setup(2);
    for (const key of ['a', 'b', 'c']) await ask(key, key);
    clients.dispose('b');
    clients.close();
    expect(log).toEqual(['open a', 'open b', 'open c', 'close a', 'close b', 'close c']);
  });
});
