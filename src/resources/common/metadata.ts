import type { EffectiveCluster } from '../../api/effective.ts';
import { API_VERSION, type Component } from '../../api/meta.ts';
import { labels } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/objects.ts';

export interface MetadataOptions {
  readonly component?: Component;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Retained objects carry no owner, so that they survive `deletionPolicy: Retain`; with `Delete` the finalizer removes them by label. */
  readonly retained?: boolean;
}

/** Metadata of an object of the cluster: the standard labels, and the PatroniCluster as controller so that deletion cascades. */
export function metadata(c: EffectiveCluster, name: string, options: MetadataOptions = {}): ObjectMeta {
  const { component, annotations, retained = false } = options;
  return {
    name,
    namespace: c.namespace,
    labels: labels(c.name, component),
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(retained || c.uid === ''
      ? {}
      : {
          ownerReferences: [
            { apiVersion: API_VERSION, kind: 'PatroniCluster', name: c.name, uid: c.uid, controller: true, blockOwnerDeletion: true },
          ],
        }),
  };
}
