import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { CRDS } from '../../test/conformance/crds.ts';
import { startApiServer, type ApiServer } from '../../test/support/apiserver/server.ts';
import { buildProgram } from './program.ts';

let api: ApiServer;
let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  api = await startApiServer({ crds: CRDS.map(({ crd }) => crd), namespaces: ['shop'] });
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, api.kubeconfig());
  api.objects.put({
    apiVersion: 'patroni-operator.dev/v1alpha1',
    kind: 'PatroniCluster',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: { postgres: { parameters: { work_mem: '8MB' } } },
  });
});

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

/** What the program prints and how it ends, with its own way to the API server. */
async function cli(...args: readonly string[]) {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    read: (_file: string) =>
      Promise.resolve(
        'apiVersion: patroni-operator.dev/v1alpha1\nkind: PatroniCluster\nmetadata: {name: orders, namespace: shop}\nspec: {}\n',
      ),
    env: {},
  };
  const code = await buildProgram({ version: '1', run: () => Promise.resolve(), io }).execute(args);
  return { code, out, err };
}

test('a command reads the cluster by kubeconfig, and nothing else', async () => {
  const { code, out, err } = await cli('config', 'explain', 'orders', '-n', 'shop', '--kubeconfig', kubeconfig);
  expect({ code, err }).toEqual({ code: 3, err: '' });
  expect(out).toMatch(/^spec\.postgres\.parameters\.work_mem +8MB +- +Unknown +no verdict yet$/m);
  const diff = await cli('config', 'diff', '-f', '-', '--kubeconfig', kubeconfig);
  expect(diff.out).toMatch(/^postgresql\.parameters\.work_mem +8MB +- +reload$/m);
  expect(api.requests.writes()).toEqual([]);
});

test('a command tells why it cannot ask', async () => {
  expect(await cli('config', 'explain', 'orders', '--kubeconfig', join(folder, 'none'))).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('(ERR_KUBE_CONFIG)'),
  });
});
