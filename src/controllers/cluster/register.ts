import type { PatroniOperationObject } from '../../api/objects.ts';
import { CLUSTER_LABEL } from '../../api/meta.ts';
import type { KubeObject } from '../../kube/types.ts';

/** Which queue key an object of a watched kind belongs to; the event itself is dropped here. Undefined: not ours. */
export function keyOfChild(object: KubeObject): string | undefined {
  const cluster = object.kind === 'PatroniOperation' ? (object as unknown as PatroniOperationObject).spec.cluster : object.metadata.labels?.[CLUSTER_LABEL];
  return cluster === undefined ? undefined : `${object.metadata.namespace ?? ''}/${cluster}`;
}
