import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startApiServer, type ApiServer } from '../../support/apiserver/server.ts';
import { startWorkloads, type Workloads } from '../../support/apiserver/workloads.ts';
import { sandboxProgram } from '../../support/real-apiserver.ts';
import { statefulSet } from './objects.ts';
import { widget, widgetCrd } from './widgets.ts';

const kubectl = sandboxProgram('kubectl');
if (kubectl === undefined) test.skip('real kubectl works with the double: no kubectl in the sandbox cache', () => undefined);
else {
  describe('real kubectl works with the double', () => {
    let api: ApiServer;
    let workloads: Workloads;
    let directory: string;
    const run = async (...args: string[]): Promise<string> => {
      const env = { ...process.env, KUBECONFIG: join(directory, 'kubeconfig'), HOME: directory };
      const { stdout } = await promisify(execFile)(kubectl, args, { env });
      return stdout.trim();
    };
    beforeAll(async () => {
      api = await startApiServer({ crds: [widgetCrd] });
      workloads = startWorkloads(api);
      directory = await mkdtemp(join(tmpdir(), 'kubectl-'));
      await writeFile(join(directory, 'kubeconfig'), api.kubeconfig());
      await writeFile(join(directory, 'set.json'), JSON.stringify(statefulSet('web', { podManagementPolicy: 'Parallel' })));
      await writeFile(join(directory, 'widget.json'), JSON.stringify(widget('w')));
    });
    afterAll(async () => {
      workloads.stop();
      await api.stop();
      await rm(directory, { recursive: true, force: true });
    });

    test('apply creates, and says unchanged the second time', async () => {
      const apply = (): Promise<string> => run('apply', '-f', join(directory, 'set.json'), '-f', join(directory, 'widget.json'));
      expect(await apply()).toBe('statefulset.apps/web created\nwidget.contract.patroni-operator.dev/w created');
      expect(await apply()).toBe('statefulset.apps/web unchanged\nwidget.contract.patroni-operator.dev/w unchanged');
    });

    test('get prints tables, also for custom columns and short names', async () => {
      expect((await run('get', 'sts', 'web', '--no-headers')).split(/\s+/).slice(0, 2)).toEqual(['web', '2/2']);
      expect((await run('get', 'wd')).split('\n')[0]?.split(/\s+/)).toEqual(['NAME', 'MODE', 'READY', 'AGE']);
      expect(await run('get', 'all', '-o', 'name')).toContain('widget.contract.patroni-operator.dev/w');
    });

    test('scale, annotate, patch and wait', async () => {
      expect(await run('scale', 'wd/w', '--replicas=5')).toBe('widget.contract.patroni-operator.dev/w scaled');
      await run('annotate', 'wd', 'w', 'contract.patroni-operator.dev/do=it');
      await run(
        'patch',
        'wd',
        'w',
        '--subresource=status',
        '--type=merge',
        '-p',
        '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}',
      );
      expect(await run('wait', '--for=condition=Ready', 'wd/w', '--timeout=5s')).toBe(
        'widget.contract.patroni-operator.dev/w condition met',
      );
      expect(
        await run('get', 'wd', 'w', '-o', 'jsonpath={.spec.replicas} {.metadata.annotations.contract\\.patroni-operator\\.dev/do}'),
      ).toBe('5 it');
    });

    test('server-side apply reports conflicts and takes over when forced', async () => {
      const apply = (...more: string[]): Promise<string> =>
        run('apply', '--server-side', '--field-manager=other', '-f', join(directory, 'widget.json'), ...more);
      expect(await apply()).toBe('widget.contract.patroni-operator.dev/w serverside-applied');
      await writeFile(join(directory, 'widget.json'), JSON.stringify(widget('w', { replicas: 4 })));
      await expect(apply()).rejects.toThrow('.spec.replicas');
      expect(await apply('--force-conflicts')).toBe('widget.contract.patroni-operator.dev/w serverside-applied');
    });

    test('what the schema refuses is explained', async () => {
      await writeFile(join(directory, 'bad.json'), JSON.stringify(widget('bad', { replicas: 99 })));
      await expect(run('apply', '-f', join(directory, 'bad.json'))).rejects.toThrow(
        'spec.replicas in body should be less than or equal to 9',
      );
      await writeFile(join(directory, 'bad.json'), JSON.stringify(widget('bad', { nonsense: 1 })));
      await expect(run('apply', '-f', join(directory, 'bad.json'))).rejects.toThrow('unknown field "spec.nonsense"');
      expect(await run('explain', 'widget.spec.mode')).toMatch(/ENUM:\s+single\s+pair/);
    });

    test('create, delete and wait for the end', async () => {
      await run('create', 'secret', 'generic', 'pass', '--from-literal=a=b');
      expect(await run('get', 'secret', 'pass', '-o', 'jsonpath={.data.a}')).toBe('Yg==');
      expect(await run('delete', '-f', join(directory, 'set.json'), '--timeout=10s')).toContain('"web" deleted');
      await workloads.settled();
      expect(await run('get', 'pods', '-o', 'name')).toBe('');
    });
  });
}
