import { apply, kubectl, tryKubectl } from './kubectl.ts';

const LABEL = 'patroni-operator.dev/e2e';
let counter = 0;

/** A fresh namespace with the Pod Security level `restricted` enforced. */
export async function createNamespace(purpose: string): Promise<string> {
  counter += 1;
  const name = `e2e-${purpose}-${(Date.now() / 1000).toString(36).replace('.', '').slice(-5)}${counter}`;
  await apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        [LABEL]: purpose,
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': 'latest',
        'pod-security.kubernetes.io/warn': 'restricted',
      },
    },
  });
  return name;
}

/** Namespaces of this suite for a purpose that are not on their way out. */
export async function namespacesFor(purpose: string): Promise<readonly string[]> {
  const text = await kubectl(['get', 'namespaces', '-l', `${LABEL}=${purpose}`, '-o', 'json']);
  const { items } = JSON.parse(text) as { items: { metadata: { name: string; deletionTimestamp?: string } }[] };
  return items.filter((item) => item.metadata.deletionTimestamp === undefined).map((item) => item.metadata.name);
}

/** Removes a namespace and what is in it. The clusters go first, while the operator can still take their finalizers off. Does not wait for the pods. */
export async function removeNamespace(name: string): Promise<void> {
  await tryKubectl(['-n', name, 'delete', 'patroniclusters', '--all', '--wait=true', '--timeout=60s'], { timeoutMs: 70_000 });
  await tryKubectl(['-n', name, 'delete', 'pods', '--all', '--grace-period=0', '--force', '--wait=false'], { timeoutMs: 30_000 });
  await tryKubectl(['delete', 'namespace', name, '--wait=false'], { timeoutMs: 30_000 });
}

/** Runs `body` in a fresh namespace and removes that afterwards; a failed scenario's namespace too, once its diagnostics are taken. */
export async function inNamespace(purpose: string, body: (namespace: string) => Promise<void>): Promise<void> {
  const namespace = await createNamespace(purpose);
  try {
    await body(namespace);
  } finally {
    cleanups.push(() => removeNamespace(namespace));
  }
}

const cleanups: (() => Promise<void>)[] = [];

/** What `inNamespace` left to do; called when the scenario is over and diagnosed. */
export async function cleanUp(): Promise<void> {
  for (let next = cleanups.pop(); next !== undefined; next = cleanups.pop()) await next();
}
