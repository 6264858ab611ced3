/**
 * Plays the controllers and kubelets that the API server double lacks: StatefulSets and Deployments get their pods, pods get a node, an address
 * and become Ready, deleted pods end, volume claims are bound and grow, disruption budgets count.
 *
 *   const workloads = startWorkloads(api, { ready: (pod) => !sick.has(pod.metadata.name) });
 *   … the operator applies a StatefulSet …
 *   await workloads.settled();                 // nothing left to do
 *   sick.add('orders-postgres-0'); workloads.refresh();          // ask `ready` again
 *   workloads.restart('orders-postgres-1');    // its container restarts: same pod, restartCount + 1
 *   workloads.stop();
 *
 * It reacts to changes in the store by itself, between requests, and uses the server's clock for timestamps only.
 */
import { asArray, asRecord, asString, equal, type Draft, type JsonObject, type JsonValue } from './json.ts';
import type { Resource } from './registry.ts';
import { remove } from './remove.ts';
import { selectorPredicate } from './selectors.ts';
import type { ApiServer } from './server.ts';
import { metaOf, nameOf } from './store.ts';
import { isReady, isTerminating, PODS, setStatus } from './workloads-common.ts';
import { reconcileDeployment } from './workloads-deployment.ts';
import { reconcileStatefulSet } from './workloads-statefulset.ts';
import { timestamp, type World } from './world.ts';

/** What the callbacks see of a pod. */
export interface PodView extends JsonObject {
  readonly metadata: JsonObject & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: JsonObject & { readonly nodeName?: string };
  readonly status: JsonObject & { readonly podIP?: string };
}

export interface WorkloadOptions {
  /** Whether a running pod is Ready. Asked at every change and at `refresh()`. @default always */
  readonly ready?: (pod: PodView) => boolean;
  /** Whether a pod may be placed on a node and start; else it stays Pending. @default always */
  readonly starts?: (pod: PodView) => boolean;
  /** Whether a pod marked for deletion has ended; else it stays Terminating. @default at once */
  readonly ends?: (pod: PodView) => boolean;
  /** Nodes, taken in turn. @default node-1, node-2, node-3 */
  readonly nodes?: readonly string[];
}

export interface Workloads {
  /** Asks the callbacks again for every pod. */
  refresh(): void;
  /** Resolves when no controller has anything left to do. */
  settled(): Promise<void>;
  /** Restarts the containers of a pod: same uid and address, restartCount + 1. */
  restart(pod: string, namespace?: string): void;
  /** From now on nothing happens any more. */
  stop(): void;
}

const CLAIMS = '/persistentvolumeclaims';
const BUDGETS = 'policy/poddisruptionbudgets';

class Player implements Workloads {
  readonly #api: ApiServer;
  readonly #world: World;
  readonly #options: WorkloadOptions;
  readonly #pods: Resource;
  readonly #unsubscribe: () => void;
  #scheduled = false;
  #stopped = false;
  #addresses = 0;
  #placed = 0;

  constructor(api: ApiServer, options: WorkloadOptions) {
    this.#api = api;
    this.#world = api.world;
    this.#options = options;
    const pods = api.world.registry.findNamed('pods');
    if (pods === undefined) throw new Error('the double serves no pods');
    this.#pods = pods;
    this.#unsubscribe = api.world.store.onChange(() => this.#schedule());
    this.#schedule();
  }

  refresh(): void {
    this.#schedule();
  }

  async settled(): Promise<void> {
    await this.#api.settled();
  }

  restart(name: string, namespace = 'default'): void {
    const pod = this.#world.store.get(PODS, namespace, name);
    if (pod === undefined) throw new Error(`no pod ${namespace}/${name}`);
    const containerStatuses = asArray(asRecord(pod['status'])['containerStatuses']).map((each): JsonObject => {
      const one = asRecord(each);
      return {
        ...one,
        restartCount: Number(one['restartCount'] ?? 0) + 1,
        lastState: { terminated: { exitCode: 137, reason: 'Error', finishedAt: timestamp(this.#world.now()) } },
      };
    });
    setStatus(this.#world, PODS, pod, { ...asRecord(pod['status']), containerStatuses });
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#world.later(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#pass();
    });
  }

  #pass(): void {
    const { store } = this.#world;
    for (const set of store.list('apps/statefulsets', '')) reconcileStatefulSet(this.#world, this.#pods, set);
    for (const deployment of store.list('apps/deployments', '')) reconcileDeployment(this.#world, this.#pods, deployment);
    for (const pod of store.list(PODS, '')) this.#kubelet(pod);
    for (const claim of store.list(CLAIMS, '')) this.#volume(claim);
    for (const budget of store.list(BUDGETS, '')) this.#budget(budget);
  }

  #kubelet(pod: JsonObject): void {
    const view = pod as PodView;
    if (isTerminating(pod)) {
      if (this.#options.ends?.(view) ?? true) remove(this.#world, this.#pods, pod, { gracePeriodSeconds: 0 });
      return;
    }
    const spec = asRecord(pod['spec']);
    if (asString(spec['nodeName']) === '') {
      if (!(this.#options.starts?.(view) ?? true)) return;
      const nodes = this.#options.nodes ?? ['node-1', 'node-2', 'node-3'];
      this.#world.store.write(PODS, { ...pod, spec: { ...spec, nodeName: nodes[this.#placed++ % nodes.length] ?? 'node-1' } }, pod);
      return;
    }
    const status = this.#running(pod, asRecord(pod['status']), this.#options.ready?.(view) ?? true);
    setStatus(this.#world, PODS, pod, status);
  }

  #running(pod: JsonObject, before: JsonObject, ready: boolean): JsonObject {
    const now = timestamp(this.#world.now());
    const had = asArray(before['conditions']).map(asRecord);
    const condition = (type: string, value: boolean): JsonObject => {
      const status = value ? 'True' : 'False';
      const old = had.find((each) => each['type'] === type);
      return old?.['status'] === status ? old : { type, status, lastProbeTime: null, lastTransitionTime: now };
    };
    const statuses = asArray(before['containerStatuses']).map(asRecord);
    const containers = asArray(asRecord(pod['spec'])['containers']).map((each): JsonObject => {
      const { name = '', image = '' } = asRecord(each);
      const old = statuses.find((one) => one['name'] === name);
      const fresh: Draft = {
        name,
        image,
        imageID: image,
        restartCount: 0,
        started: true,
        state: { running: { startedAt: now } },
        lastState: {},
      };
      return { ...(old ?? fresh), ready };
    });
    const ip = asString(before['podIP']) || this.#address();
    return {
      ...before,
      phase: 'Running',
      hostIP: '10.0.0.1',
      podIP: ip,
      podIPs: [{ ip }],
      startTime: before['startTime'] ?? now,
      conditions: [
        condition('PodScheduled', true),
        condition('Initialized', true),
        condition('ContainersReady', ready),
        condition('Ready', ready),
      ],
      containerStatuses: containers,
    };
  }

  #address(): string {
    this.#addresses++;
    return `10.244.${this.#addresses >> 8}.${this.#addresses & 255}`;
  }

  /** Claims are bound, grow to what is asked for, and go when no pod uses them. */
  #volume(claim: JsonObject): void {
    const { store } = this.#world;
    if (isTerminating(claim)) {
      const used = store
        .list(PODS, '')
        .some((pod) =>
          asArray(asRecord(pod['spec'])['volumes']).some(
            (volume) =>
              asRecord(asRecord(volume)['persistentVolumeClaim'])['claimName'] === nameOf(claim) &&
              metaOf(pod)['namespace'] === metaOf(claim)['namespace'],
          ),
        );
      const resource = this.#world.registry.findNamed('persistentvolumeclaims');
      const finalizers = asArray(metaOf(claim)['finalizers']).filter((each) => each !== 'kubernetes.io/pvc-protection');
      if (used || resource === undefined || finalizers.length > 0) return;
      const free = store.write(CLAIMS, { ...claim, metadata: { ...metaOf(claim), finalizers: [] } }, claim);
      remove(this.#world, resource, free, {});
      return;
    }
    const spec = asRecord(claim['spec']);
    const wanted = asRecord(asRecord(spec['resources'])['requests'])['storage'] ?? '1Gi';
    const status = asRecord(claim['status']);
    if (status['phase'] === 'Bound' && equal(asRecord(status['capacity'])['storage'], wanted)) return;
    const bound: JsonObject = { ...spec, volumeName: spec['volumeName'] ?? `pvc-${asString(metaOf(claim)['uid'])}` };
    store.write(
      CLAIMS,
      {
        ...claim,
        spec: bound,
        status: { ...status, phase: 'Bound', accessModes: spec['accessModes'] ?? [], capacity: { storage: wanted } },
      },
      claim,
    );
  }

  #budget(budget: JsonObject): void {
    const spec = asRecord(budget['spec']);
    const covers = selectorPredicate(spec['selector']);
    const pods = this.#world.store.list(PODS, asString(metaOf(budget)['namespace'])).filter(covers);
    const healthy = pods.filter((pod) => isReady(pod) && !isTerminating(pod)).length;
    const share = (value: JsonValue | undefined): number =>
      typeof value === 'string' ? Math.ceil((pods.length * Number(value.replace('%', ''))) / 100) : Number(value ?? 0);
    const desired =
      spec['minAvailable'] === undefined ? Math.max(0, pods.length - share(spec['maxUnavailable'])) : share(spec['minAvailable']);
    setStatus(this.#world, BUDGETS, budget, {
      observedGeneration: Number(metaOf(budget)['generation'] ?? 1),
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: Math.max(0, healthy - desired),
      expectedPods: pods.length,
    });
  }
}

/** Starts playing against a double. Stop it before the server. */
export const startWorkloads = (api: ApiServer, options: WorkloadOptions = {}): Workloads => new Player(api, options);
