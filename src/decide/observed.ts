import type { EffectiveCluster } from '../api/effective.ts';
import type { Manifest, PatroniClusterObject, PatroniOperationObject } from '../api/objects.ts';
import type { Problem } from '../api/problem.ts';
import type { ClusterView, MemberProbe } from '../patroni/cluster-view.ts';
import type { RunningSettings } from '../postgres/settings.ts';

/** The world as the controller gathered it for one pass: plain data, no client, no clock. */
export interface Observed {
  readonly nowMs: number;
  readonly cluster: PatroniClusterObject;
  /** Absent when the spec is invalid; then nothing is changed. */
  readonly effective?: EffectiveCluster;
  readonly problems: readonly Problem[];
  /** Live child objects by `Kind/name`, as cached (trimmed). Secrets as metadata only. */
  readonly objects: ReadonlyMap<string, Manifest>;
  readonly pods: readonly PodView[];
  readonly claims: readonly ClaimView[];
  readonly operations: readonly PatroniOperationObject[];
  /** Whether an earlier pass found every object as wanted in exactly this state of Kubernetes: then nothing needs to be built and compared again. */
  readonly isApplied: boolean;
  /** `GET /cluster` of the first member that answered; absent when none did. */
  readonly view?: ClusterView;
  /** `GET /patroni` of the leader, when it was asked and answered. */
  readonly leaderProbe?: MemberProbe;
  /** `GET /config` of the leader, when it was asked and answered: the dynamic configuration in the DCS. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
  /** What the members said of their own configuration, by name, when they were asked: those that answered. */
  readonly memberConfigs?: ReadonlyMap<string, MemberConfig>;
  /** What the validator finds odd but not wrong. */
  readonly warnings?: readonly Problem[];
}

/** What one member said of its configuration. */
export interface MemberConfig {
  /** `GET /config`: the dynamic configuration that it has loaded. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
  /** What PostgreSQL runs with; only the settings that were asked for. */
  readonly settings?: RunningSettings;
}

/** What the operator reads of a pod. */
export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly component: string;
  readonly ordinal: number;
  readonly ip?: string;
  readonly node?: string;
  readonly ready: boolean;
  /** Whether its main container runs. A pod that does not run cannot be interrupted. */
  readonly running: boolean;
  readonly terminating: boolean;
  /** Memory limit of its main container, or what it requests where it has no limit. */
  readonly memoryBytes?: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Label controller-revision-hash. */
  readonly revision: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Why a container waits (ImagePullBackOff, CrashLoopBackOff, ...) or the pod cannot be scheduled. */
  readonly waiting?: { readonly reason: string; readonly message: string };
}

export interface ClaimView {
  readonly name: string;
  readonly component: string;
  readonly requestBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** Key of `Observed.objects`. */
export function objectKey(kind: string, name: string): string {
  return `${kind}/${name}`;
}
