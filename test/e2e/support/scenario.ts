import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { test } from '@jest/globals';

import { patronictlList } from './cluster.ts';
import { environment } from './environment.ts';
import { kubectl, tryKubectl } from './kubectl.ts';
import { cleanUp } from './namespaces.ts';
import { operatorLog } from './operator.ts';

export interface ScenarioOptions {
  /** @default 300_000 ms */
  readonly timeoutMs?: number;
  /** Why it cannot run here; then it is reported as skipped. */
  readonly skip?: string | undefined;
}

/** A test whose failure leaves diagnostics in `<output>/<name>/` and prints the essence. */
export function scenario(name: string, body: () => Promise<void>, options: ScenarioOptions = {}): void {
  if (options.skip !== undefined) {
    test.skip(`${name} (${options.skip})`, body);
    return;
  }
  test(
    name,
    async () => {
      try {
        await body();
      } catch (error) {
        await diagnose(name).catch((e: unknown) => console.error('no diagnostics:', e));
        throw error;
      } finally {
        await cleanUp();
      }
    },
    options.timeoutMs ?? 300_000,
  );
}

/** What a person would type first, for every namespace of the suite and the operator's. */
async function diagnose(name: string): Promise<void> {
  const folder = join(environment().output, name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 80));
  mkdirSync(folder, { recursive: true });
  const save = async (file: string, text: Promise<string>): Promise<void> => writeFileSync(join(folder, file), await text.catch((e: unknown) => String(e)));
  const namespaces = (await kubectl(['get', 'namespaces', '-l', 'patroni-operator.dev/e2e', '-o', 'name'])).split('\n').filter(Boolean).map((line) => line.replace('namespace/', ''));
  await save('operator.log', operatorLog());
  await save('operator-pods.txt', kubectl(['-n', environment().operator.namespace, 'describe', 'pods']));
  await save('nodes.txt', kubectl(['get', 'nodes', '-o', 'wide']));
  const essence: string[] = [];
  for (const namespace of namespaces) {
    await save(`${namespace}-all.txt`, kubectl(['-n', namespace, 'get', 'all,pvc,configmaps,secrets,patroniclusters,patronioperations', '-o', 'wide']));
    await save(`${namespace}-clusters.yaml`, kubectl(['-n', namespace, 'get', 'patroniclusters,patronioperations,statefulsets', '-o', 'yaml']));
    await save(`${namespace}-describe.txt`, kubectl(['-n', namespace, 'describe', 'pods']));
    await save(`${namespace}-events.txt`, kubectl(['-n', namespace, 'get', 'events', '--sort-by=.lastTimestamp']));
    const pods = (await kubectl(['-n', namespace, 'get', 'pods', '-o', 'name'])).split('\n').filter(Boolean);
    for (const pod of pods) {
      const file = `${namespace}-${pod.replace('pod/', '')}.log`;
      await save(file, kubectl(['-n', namespace, 'logs', pod, '--all-containers', '--timestamps']));
      const previous = await tryKubectl(['-n', namespace, 'logs', pod, '--all-containers', '--timestamps', '--previous']);
      if (previous.code === 0 && previous.stdout !== '') writeFileSync(join(folder, file.replace('.log', '.previous.log')), previous.stdout);
    }
    essence.push(`--- ${namespace}`, await kubectl(['-n', namespace, 'get', 'patroniclusters,patronioperations,pods', '-o', 'wide']).catch(String));
    const clusters = (await kubectl(['-n', namespace, 'get', 'patroniclusters', '-o', 'name'])).split('\n').filter(Boolean).map((line) => line.replace(/^.*\//, ''));
    for (const cluster of clusters) essence.push(await patronictlList({ namespace, name: cluster }).catch(String));
  }
  essence.push('--- operator', await operatorLog(15).catch(String));
  const text = essence.join('\n');
  writeFileSync(join(folder, 'essence.txt'), text);
  console.error(`scenario failed: ${name}\ndiagnostics in ${folder}\n${text.slice(-8000)}`);
}
