import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { kubectl, waitCondition } from './kubectl.ts';
import { environment } from './environment.ts';
import { waitHealthy, type Cluster, type Health } from './cluster.ts';
import { createNamespace, namespacesFor, removeNamespace } from './namespaces.ts';

/**
 * The cluster that scenarios share, made from `deploy/samples/quickstart.yaml`: three members, and at the start of each scenario as healthy as a new one. A scenario that
 * breaks it costs the next one a new cluster, not its result.
 */
const PURPOSE = 'shared';

/** The sample's manifest in the namespace given. */
function quickstart(namespace: string): { readonly text: string; readonly name: string } {
  const text = readFileSync(join(environment().repository, 'deploy', 'samples', 'quickstart.yaml'), 'utf8');
  const name = /^metadata:\s*(?:\{\s*name:\s*|\n\s+name:\s*)([a-z0-9-]+)/m.exec(text)?.[1];
  if (name === undefined) throw new Error('deploy/samples/quickstart.yaml has no metadata.name');
  if (/^\s+namespace:/m.test(text)) throw new Error(`deploy/samples/quickstart.yaml names a namespace, so it cannot be applied to ${namespace}`);
  return { text, name };
}

/** Applies the quickstart as a user would; returns the cluster and the time from apply to Ready in ms. */
export async function applyQuickstart(purpose = PURPOSE): Promise<{ readonly cluster: Cluster; readonly readyMs: number }> {
  const namespace = await createNamespace(purpose);
  const { text, name } = quickstart(namespace);
  const startMs = Date.now();
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: text });
  await waitCondition(namespace, `patronicluster/${name}`, 'Ready', 180_000);
  return { cluster: { name, namespace }, readyMs: Date.now() - startMs };
}

/** The shared cluster, healthy; made, or made again, when there is none that gets healthy in time. */
export async function sharedCluster(): Promise<{ readonly cluster: Cluster; readonly health: Health }> {
  for (const namespace of await namespacesFor(PURPOSE)) {
    const cluster = { name: quickstart(namespace).name, namespace };
    const health = await waitHealthy(cluster, { timeoutMs: 60_000 }).catch((error: unknown) => {
      console.warn(`the shared cluster is given up: ${String(error)}`);
      return undefined;
    });
    if (health !== undefined) return { cluster, health };
    await removeNamespace(namespace);
  }
  const { cluster } = await applyQuickstart();
  return { cluster, health: await waitHealthy(cluster) };
}

