import type { EffectiveCluster } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from '../common/metadata.ts';

const KEY = 'dynamic-keys';

/**
 * `<name>-patroni-owned`: paths in Patroni's dynamic configuration that the operator has set, one a line. Written before the keys are, so that a key whose spec went is
 * taken away even if the operator died in between. Paths only, since values may be secret. Without owner, as the configuration in etcd outlives the PatroniCluster too.
 */
export function ownedKeysConfigMap(c: EffectiveCluster, paths: readonly string[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(c, names.ownedKeysConfigMap(c.name), { component: 'postgres', retained: true }),
    data: { [KEY]: paths.map((path) => `${path}\n`).join('') },
  };
}

/** The paths in a ConfigMap made by `ownedKeysConfigMap`; undefined when there is none yet. */
export function ownedKeysIn(live: Manifest | undefined): readonly string[] | undefined {
  const text = (live?.['data'] as Readonly<Record<string, string>> | undefined)?.[KEY];
  return text?.split('\n').filter((line) => line !== '');
}
