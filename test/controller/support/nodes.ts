import { load } from 'js-yaml';

import { CLUSTER_LABEL } from '../../../src/api/meta.ts';
import { names, podFqdn } from '../../../src/api/names.ts';
import type { FakeClock } from '../../../src/lib/fake-clock.ts';
import type { ApiServer } from '../../support/apiserver/server.ts';
import { startWorkloads, type PodView, type Workloads } from '../../support/apiserver/workloads.ts';
import type { PatroniDouble } from '../../support/patroni/double.ts';
import type { MemberModel } from '../../support/patroni/member.ts';
import type { PatroniModel } from '../../support/patroni/model.ts';

/**
 * What runs in the pods that `workloads.ts` plays: containers take a while to start and to stop, Postgres pods are members of a `PatroniModel`, etcd pods form a quorum, and
 * nothing starts before what it mounts exists. Level-based: `sync()` looks at what is and does what is due on the test's clock.
 */

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly state: { readonly running?: object } }[];
  };
}

interface PodSpec {
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    readonly env?: readonly { readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string } } }[];
  }[];
  readonly volumes?: readonly (Source & { readonly projected?: { readonly sources: readonly Source[] } })[];
}

interface Source {
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly name?: string; readonly secretName?: string };
}

interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
}

/** Durations in ms, of the order seen on real clusters. */
const START_MS = 800;
const READY_MS = 1_200;
const STOP_MS = 1_500;

/** An image of this name cannot be pulled. */
export const MISSING_IMAGE = 'example.org/missing:1';

/** What goes on in one pod, by its uid. */
interface Runtime {
  readonly name: string;
  readonly component: string;
  /** `namespace/name` of the cluster. */
  readonly cluster: string;
  readonly startsAtMs: number;
  /** Undefined until its containers run. */
  readyAtMs?: number;
  /** Undefined until it is told to stop. */
  endsAtMs?: number;
  /** Its Patroni has been started. */
  isMember: boolean;
}

export interface NodesOptions {
  readonly api: ApiServer;
  readonly clock: FakeClock;
  readonly patroni: PatroniDouble;
  readonly clusterDomain: string;
}

export class Nodes {
  readonly #options: NodesOptions;
  readonly #workloads: Workloads;
  readonly #runtimes = new Map<string, Runtime>();
  readonly #models = new Map<string, PatroniModel>();
  #lastSigns = '';
  /** Pods that do not become ready, whatever runs in them. */
  readonly unready = new Set<string>();

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#workloads = startWorkloads(options.api, {
      starts: (pod) => this.#starts(pod),
      ready: (pod) => this.#isReady(pod as unknown as Pod),
      ends: (pod) => this.#ends(pod as unknown as Pod),
    });
  }

  /** Patroni of a cluster; undefined until its first Postgres container has run. */
  model(cluster: string, namespace = 'shop'): PatroniModel | undefined {
    return this.#models.get(`${namespace}/${cluster}`);
  }

  /** What an operator did to PostgreSQL of any cluster and must never do, in words. */
  hazards(): readonly string[] {
    return [...this.#models.values()].flatMap((model) => model.hazards.found);
  }

  /** Does what is due; what comes of it is written to the API server in the next turns of the event loop. */
  sync(): void {
    const pods = this.#options.api.objects.list<Pod>('pods');
    this.#forget(new Set(pods.map((pod) => pod.metadata.uid)));
    for (const pod of pods) if (isRunning(pod) && pod.metadata.deletionTimestamp === undefined) this.#run(pod);
    for (const [key, model] of this.#models) model.isDcsDown = !this.#etcdAnswers(key);
    for (const pod of pods) if (componentOf(pod) === 'postgres') this.#runPatroni(pod);
    const signs = this.#signs();
    if (signs !== this.#lastSigns) this.#workloads.refresh();
    this.#lastSigns = signs;
  }

  /** Everything that the answers to `workloads.ts` depend on, besides the API server's objects: it need not ask again while this is the same. */
  #signs(): string {
    const nowMs = this.#options.clock.nowMs();
    const runtimes = [...this.#runtimes.values()].map(({ startsAtMs, readyAtMs = Infinity, endsAtMs = Infinity, isMember }) => [nowMs >= startsAtMs, nowMs >= readyAtMs, nowMs >= endsAtMs, isMember]);
    const members = [...this.#models.values()].flatMap((model) => [model.leader, model.isDcsDown, ...model.members().map(({ isUp, state, replicationState, replicationStateInKey }) => [isUp, state, replicationState, replicationStateInKey])]);
    return JSON.stringify([runtimes, members, [...this.unready]]);
  }

  /** A node is lost together with its pod's object: PostgreSQL and Patroni are gone without a goodbye. */
  killPod(name: string, namespace = 'shop'): void {
    const { api } = this.#options;
    const pod = api.objects.mustGet<Pod>('pods', name, namespace);
    this.#models.get(clusterKey(pod))?.killMember(name);
    api.objects.remove('pods', name, namespace);
  }

  stop(): void {
    this.#workloads.stop();
  }

  #starts(view: PodView): boolean {
    const { api, clock } = this.#options;
    const pod = view as unknown as Pod;
    const { uid, name, namespace } = pod.metadata;
    let runtime = this.#runtimes.get(uid);
    if (runtime === undefined) {
      runtime = { name, component: componentOf(pod), cluster: clusterKey(pod), startsAtMs: clock.nowMs() + START_MS, isMember: false };
      this.#runtimes.set(uid, runtime);
      this.#wake(START_MS);
    }
    const [container] = pod.spec.containers;
    if (container?.image !== MISSING_IMAGE) return clock.nowMs() >= runtime.startsAtMs && this.#canMount(pod);
    if (pod.status?.containerStatuses === undefined) {
      const waiting = { name: container.name, state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } };
      api.objects.putStatus('pods', name, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }], containerStatuses: [waiting] }, { namespace });
    }
    return false;
  }

  /** A container waits for everything that it mounts or reads its environment from. */
  #canMount(pod: Pod): boolean {
    const { api } = this.#options;
    const { namespace } = pod.metadata;
    const sources = (pod.spec.volumes ?? []).flatMap((volume) => [volume, ...(volume.projected?.sources ?? [])]);
    const env = pod.spec.containers.flatMap((container) => container.env ?? []);
    const maps = [...sources.map(({ configMap }) => configMap?.name), ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name)];
    const secrets = sources.map(({ secret }) => secret?.name ?? secret?.secretName);
    const exists = (kind: string) => (name: string | undefined) => name === undefined || api.objects.get(kind, name, namespace) !== undefined;
    return maps.every(exists('configmaps')) && secrets.every(exists('secrets'));
  }

  #ends(pod: Pod): boolean {
    const { clock } = this.#options;
    const runtime = this.#runtimes.get(pod.metadata.uid);
    if (runtime === undefined) return true;
    if (runtime.endsAtMs === undefined) {
      runtime.endsAtMs = clock.nowMs() + STOP_MS;
      this.#wake(STOP_MS);
      if (runtime.isMember) this.#models.get(runtime.cluster)?.stopMember(runtime.name);
    }
    return clock.nowMs() >= runtime.endsAtMs;
  }

  #run(pod: Pod): void {
    const runtime = this.#runtimes.get(pod.metadata.uid);
    if (runtime === undefined || runtime.readyAtMs !== undefined) return;
    runtime.readyAtMs = this.#options.clock.nowMs() + READY_MS;
    this.#wake(READY_MS);
  }

  /** Patroni opens its REST API once etcd answers; from then on the member is the model's. */
  #runPatroni(pod: Pod): void {
    const { name, namespace, uid, deletionTimestamp } = pod.metadata;
    const runtime = this.#runtimes.get(uid);
    if (runtime?.readyAtMs === undefined || runtime.isMember || deletionTimestamp !== undefined || !this.#etcdAnswers(runtime.cluster)) return;
    runtime.isMember = true;
    const model = this.#models.get(runtime.cluster) ?? this.#found(pod);
    if (this.#options.api.objects.get('pvc', names.volumeClaim(name), namespace) === undefined) model.setMember(name, { hasData: false });
    model.startMember(name);
    this.#readConfiguration(pod, model.member(name));
  }

  #found(pod: Pod): PatroniModel {
    const { patroni, api, clusterDomain } = this.#options;
    const { namespace } = pod.metadata;
    const cluster = clusterOf(pod);
    const text = api.objects.mustGet<ConfigMap>('configmaps', names.patroniConfigMap(cluster), namespace).data['20-bootstrap.yml'];
    const { bootstrap } = load(text ?? '') as { bootstrap: { dcs: Record<string, unknown> } };
    const credentials = api.objects.mustGet<ConfigMap>('secrets', names.restapiSecret(cluster), namespace).data;
    const decode = (key: string): string => Buffer.from(credentials[key] ?? '', 'base64').toString('utf8');
    const model = patroni.addCluster({
      scope: cluster,
      dynamicConfig: bootstrap.dcs,
      serverName: (member) => podFqdn(cluster, namespace, 'postgres', Number(member.split('-').at(-1)), clusterDomain),
      access: { basic: { username: decode('username'), password: decode('password') } },
      onReload: (member) => this.#readConfiguration(api.objects.mustGet<Pod>('pods', member.name, namespace), member),
    });
    this.#models.set(clusterKey(pod), model);
    return model;
  }

  /** What Patroni reads at its start and on reload: here only the tags. */
  #readConfiguration(pod: Pod, member: MemberModel | undefined): void {
    const { api } = this.#options;
    const text = api.objects.get<ConfigMap>('configmaps', names.patroniConfigMap(clusterOf(pod)), pod.metadata.namespace)?.data['10-patroni.yml'];
    const { tags = {} } = (load(text ?? '{}') ?? {}) as { tags?: Record<string, unknown> };
    if (member !== undefined) member.tags = { ...member.tags, ...tags };
  }

  #etcdAnswers(key: string): boolean {
    const { api, clock } = this.#options;
    const [namespace = '', cluster = ''] = key.split('/');
    const wanted = api.objects.get<{ spec: { replicas: number } }>('sts', names.workload(cluster, 'etcd'), namespace)?.spec.replicas ?? 1;
    const running = [...this.#runtimes.values()].filter((each) => each.cluster === key && each.component === 'etcd' && each.endsAtMs === undefined && (each.readyAtMs ?? Infinity) <= clock.nowMs());
    return running.length > wanted / 2;
  }

  #isReady(pod: Pod): boolean {
    const runtime = this.#runtimes.get(pod.metadata.uid);
    if (runtime?.readyAtMs === undefined || this.#options.clock.nowMs() < runtime.readyAtMs || this.unready.has(runtime.name)) return false;
    if (runtime.component === 'etcd') return this.#etcdAnswers(runtime.cluster);
    if (runtime.component !== 'postgres') return true;
    const model = this.#models.get(runtime.cluster);
    const member = runtime.isMember ? model?.member(runtime.name) : undefined;
    if (member?.isUp !== true || member.state !== 'running') return false;
    // The last probe was a while ago, as the last loop was.
    return model?.leader === member.name || (member.replicationState ?? member.replicationStateInKey) === 'streaming';
  }

  /** Pods whose objects were taken away, perhaps by force, while something ran in them. */
  #forget(alive: ReadonlySet<string>): void {
    for (const [uid, runtime] of this.#runtimes) {
      if (alive.has(uid)) continue;
      const successor = [...this.#runtimes].some(([other, { name, cluster, isMember }]) => other !== uid && name === runtime.name && cluster === runtime.cluster && isMember);
      if (runtime.isMember && runtime.endsAtMs === undefined && !successor) this.#models.get(runtime.cluster)?.stopMember(runtime.name);
      this.#runtimes.delete(uid);
    }
  }

  /** Makes the clock stop there, so that `sync` is called. */
  #wake(ms: number): void {
    this.#options.clock.setTimeout(() => undefined, ms);
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function isRunning(pod: Pod): boolean {
  return pod.status?.containerStatuses?.some(({ state }) => state.running !== undefined) === true;
}

function clusterOf(pod: Pod): string {
  return pod.metadata.labels?.[CLUSTER_LABEL] ?? '';
}

function clusterKey(pod: Pod): string {
  return `${pod.metadata.namespace}/${clusterOf(pod)}`;
}

export function componentOf(pod: Pod): string {
  return pod.metadata.labels?.['app.kubernetes.io/component'] ?? '';
}
