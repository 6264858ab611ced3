/**
 * Every field of PatroniCluster with wrong and right values, at creation and at update: the double must find what a real API server finds
 * (schema, CEL rules, defaults), word for word. Runs with a real server only.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { asArray, asRecord, asString, canonical, type JsonObject } from '../../support/apiserver/json.ts';
import { startApiServer, type ApiServer } from '../../support/apiserver/server.ts';
import { Client, type Reply } from './client.ts';
import { mutated, mutationsOf, type Mutation } from './mutations.ts';
import { realServer, type RealServer } from './target.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const crd = load(readFileSync(new URL('../../../crds/patroni-operator.dev_patroniclusters.yaml', import.meta.url), 'utf8')) as JsonObject;
const version = asRecord(asArray(asRecord(crd['spec'])['versions'])[0]);
const schema = asRecord(asRecord(version['schema'])['openAPIV3Schema']);
const base: JsonObject = {
  apiVersion: `patroni-operator.dev/${asString(version['name'])}`,
  kind: 'PatroniCluster',
  metadata: { name: 'judged' },
  spec: { postgres: { replicas: 3, storage: { size: '1Gi' } } },
};
const mutations = mutationsOf(asRecord(asRecord(schema['properties'])['spec']), ['spec']);

const verdict = ({ code, body }: Reply): string => {
  if (code < 300) return `accepted ${canonical(body.spec as unknown as JsonObject)}`;
  const causes =
    'details' in body ? body.details.causes.map(({ field, message }) => `${field}: ${message}`) : [(body as { message: string }).message];
  return `${code} ${causes.sort().join('\n')}`;
};

const namespace = `contract-${randomBytes(4).toString('hex')}`;
const path = `/apis/patroni-operator.dev/${asString(version['name'])}/namespaces/${namespace}/patroniclusters`;
const real = realServer({ namespace });
if (typeof real === 'string') test.skip(`the double judges a PatroniCluster as a real API server does: ${real}`, () => undefined);
else {
  describe('the double judges a PatroniCluster as a real API server does', () => {
    let double: ApiServer;
    let target: RealServer;
    let clients: readonly [Client, Client];
    beforeAll(async () => {
      double = await startApiServer({ crds: [crd], namespaces: [namespace] });
      target = await real();
      clients = [new Client(double.kubeconfig()), target.client];
      await target.client.apply(`${CRDS}/${asString(asRecord(crd['metadata'])['name'])}`, 'contract', crd, { force: 'true' });
      for (let tries = 0; (await target.client.get(path)).code !== 200 && tries < 100; tries++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      for (const client of clients) expect((await client.post(path, base)).code).toBe(201);
    }, 60_000);
    afterAll(async () => {
      await target.client.delete(`${path}/judged`);
      await clients[0].close();
      await Promise.all([double.stop(), target.stop()]);
    });

    /** The mutations on which the two do not agree, with both verdicts. */
    const differences = async (send: (client: Client, object: JsonObject) => Promise<Reply>): Promise<string[]> => {
      const one = async (mutation: Mutation): Promise<string[]> => {
        const object = asRecord(mutated(schema, base, mutation.path, mutation.value));
        const [ours, theirs] = await Promise.all(clients.map((client) => send(client, object).then(verdict)));
        return ours === theirs
          ? []
          : [`${mutation.path.join('.')} = ${canonical(mutation.value).slice(0, 50)}\n  double: ${ours ?? ''}\n  real: ${theirs ?? ''}`];
      };
      const found: string[] = [];
      for (const mutation of mutations) found.push(...(await one(mutation)));
      return found;
    };

    test('at creation', async () => {
      const create = (client: Client, object: JsonObject): Promise<Reply> =>
        client.post(path, { ...object, metadata: { name: 'candidate' } }, { dryRun: 'All' });
      expect(await differences(create)).toEqual([]);
    }, 60_000);

    test('at update', async () => {
      const update = (client: Client, object: JsonObject): Promise<Reply> =>
        client.merge(`${path}/judged`, { spec: object['spec'] }, { dryRun: 'All' });
      expect(await differences(update)).toEqual([]);
    }, 60_000);
  });
}
