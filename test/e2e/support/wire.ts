import type { PatroniClusterObject, PatroniOperationObject } from '../../../src/api/objects.ts';

/** Kubernetes objects as the wire carries them: the fields the tests read. */
export interface Item {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly resources?: { readonly requests?: Readonly<Record<string, string>>; readonly limits?: Readonly<Record<string, string>> };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Pod extends Item {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly automountServiceAccountToken?: boolean;
    readonly volumes?: readonly { readonly name: string; readonly projected?: { readonly sources: readonly { readonly serviceAccountToken?: unknown }[] } }[];
  };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly name: string; readonly restartCount: number }[];
  };
}

export interface StatefulSet extends Item {
  readonly spec: { readonly replicas: number; readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }; readonly spec: Pod['spec'] } };
  readonly status: { readonly updateRevision?: string; readonly currentRevision?: string; readonly readyReplicas?: number };
}

export interface Secret extends Item {
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface Event extends Item {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
}

export type ClusterItem = Item & Pick<PatroniClusterObject, 'spec' | 'status'>;
export type OperationItem = Item & Pick<PatroniOperationObject, 'spec' | 'status'>;

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && (pod.status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
