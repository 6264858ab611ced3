import { createHash } from 'node:crypto';

import type { Api, Item } from './api.ts';

interface WorkloadBody {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> }; readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }; readonly spec: object }[];
  };
}

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly image: string }[];
  readonly volumes?: readonly object[];
}

/** Where a pod of the bench "runs": an address of its own on the loopback interface, which needs no network set-up. */
export interface FakePod {
  readonly namespace: string;
  readonly name: string;
  readonly cluster: string;
  readonly component: string;
  readonly ordinal: number;
  readonly address: string;
}

/** The StatefulSet controller and all kubelets in one: pods appear and are ready at once. Pods that are deleted do not come back; nothing here deletes any. */
export interface FakeNodes {
  readonly podByAddress: ReadonlyMap<string, FakePod>;
  readonly podsOf: (namespace: string, cluster: string) => readonly FakePod[];
  stop(): Promise<void>;
}

const PARALLEL = 12;
const CLUSTER_LABEL = 'patroni-operator.dev/cluster';
const STARTED = '2026-01-01T00:00:00Z';

export function startFakeNodes(api: Api): FakeNodes {
  const podByAddress = new Map<string, FakePod>();
  const podsByCluster = new Map<string, FakePod[]>();
  const pending = new Map<string, Item>();
  const busy = new Set<string>();
  const stop = new AbortController();
  let active = 0;

  const followed = api.follow(
    '/apis/apps/v1/statefulsets',
    (type, item) => {
      if (type === 'DELETED' || item.metadata.labels?.[CLUSTER_LABEL] === undefined) return;
      pending.set(`${item.metadata.namespace ?? ''}/${item.metadata.name}`, item);
      pump();
    },
    stop.signal,
  );
  return {
    podByAddress,
    podsOf: (namespace, cluster) => podsByCluster.get(`${namespace}/${cluster}`) ?? [],
    async stop() {
      stop.abort();
      await followed.catch(() => undefined);
    },
  };

  function pump(): void {
    for (const [key, item] of pending) {
      if (active >= PARALLEL) return;
      if (busy.has(key)) continue;
      pending.delete(key);
      busy.add(key);
      active += 1;
      void serve(item)
        .catch((error: unknown) => {
          if (!stop.signal.aborted) console.error(`fake nodes: ${key}: ${String(error)}`);
        })
        .finally(() => {
          busy.delete(key);
          active -= 1;
          pump();
        });
    }
  }

  async function serve(item: Item): Promise<void> {
    const { spec } = item as unknown as WorkloadBody;
    const revision = `${item.metadata.name}-${createHash('sha256').update(JSON.stringify(spec.template)).digest('hex').slice(0, 10)}`;
    const before = item['status'] as { readonly observedGeneration?: number; readonly readyReplicas?: number } | undefined;
    if (before?.observedGeneration === item.metadata.generation && before?.readyReplicas === spec.replicas) return;
    for (let ordinal = 0; ordinal < spec.replicas; ordinal += 1) await startPod(item, spec, ordinal, revision);
    const { replicas } = spec;
    await api.mergePatch(`/apis/apps/v1/namespaces/${item.metadata.namespace ?? ''}/statefulsets/${item.metadata.name}/status`, {
      status: {
        observedGeneration: item.metadata.generation,
        replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
        currentReplicas: replicas,
        updatedReplicas: replicas,
        currentRevision: revision,
        updateRevision: revision,
      },
    });
  }

  async function startPod(owner: Item, spec: WorkloadBody['spec'], ordinal: number, revision: string): Promise<void> {
    const namespace = owner.metadata.namespace ?? '';
    const name = `${owner.metadata.name}-${ordinal}`;
    const cluster = owner.metadata.labels?.[CLUSTER_LABEL] ?? '';
    const component = owner.metadata.labels?.['app.kubernetes.io/component'] ?? '';
    const siblings = podsByCluster.get(`${namespace}/${cluster}`) ?? [];
    podsByCluster.set(`${namespace}/${cluster}`, siblings);
    if (siblings.some((pod) => pod.name === name)) return;
    const pod = { namespace, name, cluster, component, ordinal, address: nextAddress() };
    siblings.push(pod);
    podByAddress.set(pod.address, pod);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      await api.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
        metadata: { name: `${claim.metadata.name}-${name}`, namespace, labels: { ...claim.metadata.labels, ...spec.selector.matchLabels } },
        spec: claim.spec,
      });
    }
    await api.create(`/api/v1/namespaces/${namespace}/pods`, podObject(owner, spec, pod, revision));
    await api.mergePatch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { status: podStatus(spec, pod) });
  }

  /** 127.1.0.1, 127.1.0.2, …: unique for each pod of the bench. */
  function nextAddress(): string {
    const n = podByAddress.size + 1;
    return `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  }
}

function podObject(owner: Item, spec: WorkloadBody['spec'], pod: FakePod, revision: string): object {
  const { template, volumeClaimTemplates = [] } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      labels: {
        ...template.metadata.labels,
        'controller-revision-hash': revision,
        'statefulset.kubernetes.io/pod-name': pod.name,
        'apps.kubernetes.io/pod-index': String(pod.ordinal),
      },
      annotations: template.metadata.annotations ?? {},
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      ...template.spec,
      nodeName: 'bench',
      hostname: pod.name,
      volumes: [
        ...(template.spec.volumes ?? []),
        ...volumeClaimTemplates.map((claim) => ({ name: claim.metadata.name, persistentVolumeClaim: { claimName: `${claim.metadata.name}-${pod.name}` } })),
      ],
    },
  };
}

function podStatus(spec: WorkloadBody['spec'], pod: FakePod): object {
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: STARTED });
  return {
    phase: 'Running',
    podIP: pod.address,
    podIPs: [{ ip: pod.address }],
    hostIP: '127.0.0.1',
    startTime: STARTED,
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition),
    containerStatuses: spec.template.spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: STARTED } },
    })),
  };
}
