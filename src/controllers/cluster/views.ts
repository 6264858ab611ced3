import { CLUSTER_LABEL, type Component } from '../../api/meta.ts';
import { ordinalOf } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import type { ClaimView, PodView } from '../../decide/observed.ts';
import { parseQuantity } from '../../lib/quantity.ts';

/** From Kubernetes objects as cached to the few facts that decisions are made on. Pure. */

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly running?: unknown; readonly waiting?: { readonly reason?: string; readonly message?: string }; readonly terminated?: { readonly reason?: string } };
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly reason?: string } };
}

interface PodBody {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string; readonly resources?: { readonly limits?: Readonly<Record<string, string>>; readonly requests?: Readonly<Record<string, string>> } }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export function podView(pod: Manifest): PodView | undefined {
  const labels = pod.metadata.labels ?? {};
  const cluster = labels[CLUSTER_LABEL];
  const component = labels['app.kubernetes.io/component'];
  if (cluster === undefined || component === undefined) return undefined;
  const ordinal = ordinalOf(cluster, component as Component, pod.metadata.name);
  if (ordinal === undefined) return undefined;
  const { spec, status } = pod as unknown as PodBody;
  const container = status?.containerStatuses?.find((candidate) => candidate.name === component);
  const waiting = waitingOf(status, container);
  const resources = spec?.containers?.find((candidate) => candidate.name === component)?.resources;
  const memoryBytes = parseQuantity(resources?.limits?.['memory'] ?? resources?.requests?.['memory'] ?? '');
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    component,
    ordinal,
    ...(status?.podIP === undefined ? {} : { ip: status.podIP }),
    ...(spec?.nodeName === undefined ? {} : { node: spec.nodeName }),
    ready: status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true,
    running: container?.state?.running !== undefined,
    terminating: pod.metadata.deletionTimestamp !== undefined,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    createdAt: pod.metadata.creationTimestamp ?? '',
    revision: labels['controller-revision-hash'] ?? '',
    annotations: pod.metadata.annotations ?? {},
    ...(waiting === undefined ? {} : { waiting }),
  };
}

/** ContainerCreating is what every new pod says, so it is no reason worth telling. */
function waitingOf(status: PodBody['status'], container: ContainerStatus | undefined): PodView['waiting'] {
  const unscheduled = status?.conditions?.find((condition) => condition.type === 'PodScheduled' && condition.status === 'False');
  if (unscheduled !== undefined) return { reason: unscheduled.reason ?? 'Unschedulable', message: unscheduled.message ?? '' };
  const waiting = container?.state?.waiting;
  if (waiting?.reason === undefined || waiting.reason === 'ContainerCreating' || waiting.reason === 'PodInitializing') return undefined;
  // The message of a back-off counts upwards ("back-off 20s restarting …"), which would write the status again and again.
  return { reason: waiting.reason, message: waiting.reason === 'CrashLoopBackOff' ? 'see its log' : (waiting.message ?? '') };
}

export function claimView(claim: Manifest): ClaimView | undefined {
  const component = claim.metadata.labels?.['app.kubernetes.io/component'];
  if (component === undefined) return undefined;
  const spec = claim['spec'] as { resources?: { requests?: { storage?: string } } } | undefined;
  return {
    name: claim.metadata.name,
    component,
    requestBytes: parseQuantity(spec?.resources?.requests?.storage ?? '0') ?? 0,
    createdAt: claim.metadata.creationTimestamp ?? '',
  };
}
