import { describe, expect } from '@jest/globals';

import { environment } from './support/environment.ts';
import { kubectl, list, waitCondition } from './support/kubectl.ts';
import { createCluster, SMALLEST, waitHealthy } from './support/cluster.ts';
import { inNamespace } from './support/namespaces.ts';
import { CHART, helm, operatorDeployment } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import type { Pod } from './support/wire.ts';

describe('chart', () => {
  for (const major of ['3', '4'] as const) {
    scenario(
      `passes helm lint --strict and installs with Helm ${major}, watching one namespace with a Role only`,
      async () => {
        expect(await helm(major, ['version', '--short'])).toMatch(new RegExp(`v${major}\\.`));
        await helm(major, ['lint', '--strict', CHART()]);
        await inNamespace(`helm${major}`, async (namespace) => {
          const release = `scoped${major}`;
          const container = ((await operatorDeployment()).spec as unknown as { template: { spec: Pod['spec'] } }).template.spec.containers[0];
          const [repository = '', tag = ''] = /^(.*):([^:/]+)$/.exec(container?.image ?? '')?.slice(1) ?? [];
          const images = container as unknown as { env: { name: string; value?: string }[] };
          const value = (name: string) => images.env.find((entry) => entry.name === name)?.value ?? '';
          try {
            await helm(major, [
              'install', release, CHART(), '--namespace', namespace, '--wait', '--timeout=120s',
              '--set', `image.repository=${repository},image.tag=${tag},image.pullPolicy=IfNotPresent,crds.install=false,watch.namespaces={${namespace}}`,
              '--set', `images.postgres.17=${environment().postgresImage},images.etcd=${value('PATRONI_OPERATOR_IMAGE_ETCD')},images.haproxy=${value('PATRONI_OPERATOR_IMAGE_HAPROXY')}`,
            ]);
            const [pod] = await list<Pod>(namespace, 'pods', `app.kubernetes.io/instance=${release}`);
            await waitCondition(namespace, `pod/${pod?.metadata.name ?? ''}`, 'Ready', 60_000);
            const account = `system:serviceaccount:${namespace}:${release}-patroni-operator`;
            expect((await kubectl(['auth', 'can-i', 'list', 'secrets', '-n', namespace, '--as', account])).trim()).toBe('yes');
            await expect(kubectl(['auth', 'can-i', 'list', 'secrets', '-n', 'kube-system', '--as', account])).rejects.toThrow();
          } finally {
            await helm(major, ['uninstall', release, '--namespace', namespace, '--wait']);
          }
        });
      },
      environment().helm[major] === undefined ? { skip: `Helm ${major} was not found` } : {},
    );
  }

  scenario('the samples are accepted, and the smallest cluster becomes healthy', async () => {
    await inNamespace('samples', async (namespace) => {
      for (const sample of ['quickstart', 'production', 'minimal']) {
        await kubectl(['-n', namespace, 'apply', '--dry-run=server', '-f', `${environment().repository}/deploy/samples/${sample}.yaml`]);
      }
      const cluster = { name: 'smallest', namespace };
      await createCluster(cluster, SMALLEST);
      await waitHealthy(cluster, { replicas: 1 });
    });
  });
});
