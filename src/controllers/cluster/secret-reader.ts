import type { Manifest } from '../../api/objects.ts';
import { KINDS, type KubeObject } from '../../kube/types.ts';
import type { KubeRest } from '../../kube/rest.ts';
import { Secret } from '../../lib/secret.ts';

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Reads contents of Secrets, each once for every version of it. Only what the operator itself needs passes through here. */
export interface SecretReader {
  /** Values of `keys`, decoded; undefined when the Secret or one of the keys does not exist. `metadata` is the cached one and names the version. */
  read(metadata: Manifest | undefined, keys: readonly string[]): Promise<Readonly<Record<string, Secret<string>>> | undefined>;
  forget(namespace: string, cluster: string): void;
}

/**
 * @param capacity how many Secrets are remembered, the least recently used go first. Three are read for each cluster that is polled.
 */
export function createSecretReader(rest: KubeRest, capacity = 4096): SecretReader {
  const remembered = new Map<string, { readonly version: string; readonly values: Readonly<Record<string, Secret<string>>> }>();
  return {
    async read(metadata, keys) {
      if (metadata === undefined) return undefined;
      const { name, namespace } = metadata.metadata;
      const key = `${namespace ?? ''}/${name}#${keys.join(',')}`;
      const version = metadata.metadata.resourceVersion ?? '';
      const known = remembered.get(key);
      if (known?.version === version) {
        remembered.delete(key);
        remembered.set(key, known);
        return known.values;
      }
      const live = await rest.find<SecretObject>(KINDS.Secret, { name, ...(namespace === undefined ? {} : { namespace }) });
      const values: Record<string, Secret<string>> = {};
      for (const wanted of keys) {
        const encoded = live?.data?.[wanted];
        if (encoded === undefined) return undefined;
        values[wanted] = new Secret(Buffer.from(encoded, 'base64').toString('utf8'));
      }
      remembered.set(key, { version, values });
      for (const oldest of remembered.keys()) {
        if (remembered.size <= capacity) break;
        remembered.delete(oldest);
      }
      return values;
    },
    forget(namespace, cluster) {
      for (const key of remembered.keys()) if (key.startsWith(`${namespace}/${cluster}-`)) remembered.delete(key);
    },
  };
}
