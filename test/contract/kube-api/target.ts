/**
 * Runs a suite against the double, and against a real API server when the environment offers one:
 *
 *   KUBE_CONTRACT_KUBECONFIG=FILE   a server that may be written to (namespaces `contract-…` and the CRD of `widgets.ts` come and go);
 *                                   with KUBE_CONTRACT_CONTROLLERS=1 its garbage collector is counted on
 *   KUBE_CONTRACT_REAL=1            each file starts etcd and kube-apiserver of the sandbox for itself (`real-apiserver.ts`, 3 s)
 */
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { startApiServer, type ApiServer } from '../../support/apiserver/server.ts';
import { realApiServerUnavailable, startRealApiServer } from '../../support/real-apiserver.ts';
import { Client } from './client.ts';
import { widgetCrd } from './widgets.ts';

export interface Target {
  readonly client: Client;
  /** A namespace of this suite's own. */
  readonly namespace: string;
  /** The double, for what only it can do (compaction on demand); undefined with a real server. */
  readonly double: ApiServer | undefined;
}

export interface Needs {
  /** Install the Widget CRD. */
  readonly widgets?: boolean;
  /** The garbage collector of kube-controller-manager runs. */
  readonly controllers?: boolean;
  /** Create this namespace, and remove it at the end. */
  readonly namespace?: string;
}

export interface RealServer {
  readonly client: Client;
  stop(): Promise<void>;
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const prepare = async (client: Client, needs: Needs): Promise<void> => {
  if (needs.namespace !== undefined) {
    const made = await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: needs.namespace } });
    if (made.code !== 201) throw new Error(`cannot create namespace: ${JSON.stringify(made.body)}`);
  }
  if (needs.widgets !== true) return;
  const crd = await client.post(CRDS, widgetCrd);
  if (crd.code !== 201 && crd.code !== 409) throw new Error(`cannot create the CRD: ${JSON.stringify(crd.body)}`);
  // The real server serves a new kind some moments after it is established.
  for (let tries = 0; tries < 100; tries++) {
    const list = await client.get(`/apis/contract.patroni-operator.dev/v1/widgets`);
    if (list.code === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the Widget kind was not served within 10 s');
};

const open = async (needs: Needs): Promise<RealServer> => {
  const kubeconfig = process.env['KUBE_CONTRACT_KUBECONFIG'];
  const own =
    kubeconfig === undefined
      ? await startRealApiServer(needs.controllers === true ? { controllers: ['garbage-collector-controller'] } : {})
      : undefined;
  const client = Client.fromFile(kubeconfig ?? own?.kubeconfig ?? '');
  await prepare(client, needs);
  return {
    client,
    stop: async () => {
      if (needs.namespace !== undefined) await client.delete(`/api/v1/namespaces/${needs.namespace}`);
      await client.close();
      await own?.stop();
    },
  };
};

/** How to get at a real server with what is needed, or why there is none. */
export const realServer = (needs: Needs): (() => Promise<RealServer>) | string => {
  const { KUBE_CONTRACT_KUBECONFIG: kubeconfig, KUBE_CONTRACT_REAL: wanted, KUBE_CONTRACT_CONTROLLERS: controllers } = process.env;
  if (kubeconfig === undefined && wanted === undefined) return 'neither KUBE_CONTRACT_KUBECONFIG nor KUBE_CONTRACT_REAL is set';
  if (kubeconfig === undefined) return realApiServerUnavailable() ?? (() => open(needs));
  if (needs.controllers === true && controllers === undefined) return 'KUBE_CONTRACT_CONTROLLERS is not set';
  return () => open(needs);
};

/** Declares a suite twice. Tests get the target through a function, since it exists only once they run. */
export const contract = (subject: string, wanted: Needs, suite: (target: () => Target) => void): void => {
  const namespace = `contract-${randomBytes(4).toString('hex')}`;
  const needs = { ...wanted, namespace };
  describe(`${subject} (double)`, () => {
    let target: Target | undefined;
    beforeAll(async () => {
      const double = await startApiServer();
      target = { client: new Client(double.kubeconfig()), namespace, double };
      await prepare(target.client, needs);
    });
    afterAll(async () => {
      await target?.client.close();
      await target?.double?.stop();
    });
    suite(() => target!);
  });
  const real = realServer(needs);
  if (typeof real === 'string') {
    test.skip(`${subject} (real API server): ${real}`, () => undefined);
    return;
  }
  describe(`${subject} (real API server)`, () => {
    let server: RealServer | undefined;
    let target: Target | undefined;
    beforeAll(async () => {
      server = await real();
      target = { client: server.client, namespace, double: undefined };
    }, 60_000);
    afterAll(() => server?.stop());
    suite(() => target!);
  });
};
