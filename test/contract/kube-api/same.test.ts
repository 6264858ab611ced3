import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { startApiServer, type ApiServer } from '../../support/apiserver/server.ts';
import type { Body } from './body.ts';
import { Client, type Reply } from './client.ts';
import { samples } from './samples.ts';
import { realServer, type RealServer } from './target.ts';

/** What differs from one server, or one moment, to the next. */
const VARYING = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'time',
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'healthCheckNodePort',
  'managedFields',
]);
const steady = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(steady);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !VARYING.has(key))
      .map(([key, each]) => [key, steady(each)]),
  );
};
const ownership = (body: Body): object[] =>
  body.metadata.managedFields.map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }));

const namespace = `contract-${randomBytes(4).toString('hex')}`;
const real = realServer({ namespace });
if (typeof real === 'string') test.skip(`the double gives objects back as a real API server does: ${real}`, () => undefined);
else {
  describe('the double gives objects back as a real API server does', () => {
    let double: ApiServer;
    let target: RealServer;
    let clients: readonly [Client, Client];
    beforeAll(async () => {
      double = await startApiServer({ namespaces: [namespace] });
      target = await real();
      clients = [new Client(double.kubeconfig()), target.client];
    }, 60_000);
    afterAll(async () => {
      await clients[0].close();
      await Promise.all([double.stop(), target.stop()]);
    });

    for (const [where, sample] of samples) {
      const [root = '', plural = ''] = where.split(' ');
      const path = `/${root}/namespaces/${namespace}/${plural}`;

      test(`${sample.kind} ${sample.metadata.name}, created`, async () => {
        const [ours, theirs] = await Promise.all(clients.map((client) => client.post(path, sample)));
        expect(steady(ours?.body)).toEqual(steady(theirs?.body));
        expect(ours?.code).toBe(theirs?.code);
      });

      test(`${sample.kind} ${sample.metadata.name}, applied`, async () => {
        const name = `${sample.metadata.name}-applied`;
        const body = JSON.parse(JSON.stringify({ ...sample, metadata: { ...sample.metadata, name } })) as object;
        const [ours, theirs] = await Promise.all(clients.map((client) => client.apply(`${path}/${name}`, 'operator', body)));
        expect(steady(ours?.body)).toEqual(steady(theirs?.body));
        expect(ours === undefined ? [] : ownership(ours.body)).toEqual(theirs === undefined ? [] : ownership(theirs.body));
        const settle = (): Promise<Reply[]> => Promise.all(clients.map((client) => client.apply(`${path}/${name}`, 'operator', body)));
        // A real server rewrites a new claim once more at the next apply, with no visible change.
        const before = sample.kind === 'PersistentVolumeClaim' ? await settle() : [ours, theirs];
        const again = await settle();
        expect(again.map((each) => each.body.metadata.resourceVersion)).toEqual(before.map((each) => each?.body.metadata.resourceVersion));
      });
    }
  });
}
