import type { EffectiveCluster } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from '../common/metadata.ts';

const KEY = 'dynamic-keys';
const RELEASED_KEY = 'released-settings';

/**
 * `<name>-patroni-owned`: paths in Patroni's dynamic configuration that the operator has set, one a line. Written before the keys are, so that a key whose spec went is
 * taken away even if the operator died in between. Paths only, since values may be secret. Without owner, as the configuration in etcd outlives the PatroniCluster too.
 * `released` are settings of PostgreSQL that were taken away from there and with which a member may still run, until it restarts.
 */
export function ownedKeysConfigMap(c: EffectiveCluster, paths: readonly string[], released: readonly string[] = []): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(c, names.ownedKeysConfigMap(c.name), { component: 'postgres', retained: true }),
    data: { [KEY]: lines(paths), ...(released.length === 0 ? {} : { [RELEASED_KEY]: lines(released) }) },
  };
}

/** The paths in a ConfigMap made by `ownedKeysConfigMap`; undefined when there is none yet. */
export function ownedKeysIn(live: Manifest | undefined): readonly string[] | undefined {
  return linesAt(live, KEY);
}

/** The settings in a ConfigMap made by `ownedKeysConfigMap` that are taken away and not proven to be gone. */
export function releasedSettingsIn(live: Manifest | undefined): readonly string[] {
  return linesAt(live, RELEASED_KEY) ?? [];
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

function linesAt(live: Manifest | undefined, key: string): readonly string[] | undefined {
  const text = (live?.['data'] as Readonly<Record<string, string>> | undefined)?.[key];
  return text?.split('\n').filter((line) => line !== '');
}
