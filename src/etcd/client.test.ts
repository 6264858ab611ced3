import { describe, expect, test } from '@jest/globals';
import { createEtcdDouble } from '../../test/support/etcd/double.ts';

/** Without sockets; what needs them is in test/contract/etcd. */
function etcdOf(count: number, options: { readonly requestMs?: number } = {}) {
  const double = createEtcdDouble();
  const members = Array.from({ length: count }, (_, i) => `etcd-${i}`);
  const model = double.addCluster({ members });
  const cluster = double.clients(options).forCluster('c', {});
  return { model, member: (name: string) => cluster.member({ member: name, host: '10.0.0.1', port: 2379, serverName: name }) };
}

describe('hasQuorum', () => {
  test('is true while more than half of the members are there', async () => {
    const { model, member } = etcdOf(3);
    model.down.add('etcd-2');
    await expect(member('etcd-0').hasQuorum()).resolves.toBe(true);
  });

  test('is false when etcd says that it has no leader', async () => {
    const { model, member } = etcdOf(3);
    model.down.add('etcd-1');
    model.down.add('etcd-2');
    await expect(member('etcd-0').hasQuorum()).resolves.toBe(false);
    expect(await member('etcd-0').status()).toMatchObject({ errors: ['etcdserver: no leader'] });
    await expect(member('etcd-0').rangePrefix('/')).rejects.toMatchObject({ code: 'ERR_ETCD_NO_QUORUM', retry: 'transient' });
  });

  test('is false when there is no answer in time', async () => {
    const { model, member } = etcdOf(1, { requestMs: 20 });
    model.cutOff.add('etcd-0');
    await expect(member('etcd-0').hasQuorum()).resolves.toBe(false);
    await expect(member('etcd-0').status()).rejects.toMatchObject({ code: 'ERR_ETCD_TIMEOUT' });
  });

  test('is true when etcd answers that it wants a user', async () => {
    const { model, member } = etcdOf(1);
    model.isAuthOn = true;
    await expect(member('etcd-0').hasQuorum()).resolves.toBe(true);
    await expect(member('etcd-0').deleteKey('/x')).rejects.toMatchObject({
      code: 'ERR_ETCD_DENIED',
      facts: { detail: 'etcdserver: user name is empty' },
    });
  });

  test('fails when the member cannot be asked', async () => {
    const { model, member } = etcdOf(3);
    model.down.add('etcd-0');
    await expect(member('etcd-0').hasQuorum()).rejects.toMatchObject({
      code: 'ERR_ETCD_UNREACHABLE',
      message: 'POST /v3/kv/range on etcd member etcd-0 got no answer: connect ECONNREFUSED',
    });
  });
});

test('an aborted request is told apart from a slow one', async () => {
  const { model, member } = etcdOf(1);
  model.cutOff.add('etcd-0');
  const stop = new AbortController();
  const pending = member('etcd-0').memberList(stop.signal);
  stop.abort();
  await expect(pending).rejects.toMatchObject({ code: 'ERR_ETCD_ABORTED' });
});
