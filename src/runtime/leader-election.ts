import { isOperatorError, OperatorError } from '../errors.ts';
import { delay, type Clock, type TimerHandle } from '../lib/clock.ts';
import { microTime } from '../kube/micro-time.ts';
import type { KubeRest } from '../kube/rest.ts';
import { KINDS, type KubeObject, type ObjectMeta, type ObjectRef } from '../kube/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** `coordination.k8s.io/v1` Lease, as far as it is used. Times are MicroTime. */
export interface Lease extends KubeObject {
  readonly metadata: ObjectMeta;
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface LeaderElectorOptions {
  readonly rest: Pick<KubeRest, 'find' | 'create' | 'update'>;
  readonly lease: ObjectRef & { readonly namespace: string };
  /** Unique per process, such as pod name and a random part: two processes with one name would both lead. */
  readonly identity: string;
  readonly clock: Clock;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Called once, when leadership is gained. */
  readonly onStartedLeading: () => void;
  /** Called once, when leadership is lost against our will; the process should exit at once. The elector has stopped. */
  readonly onStoppedLeading: (error: OperatorError) => void;
  /** Others may take over this long after they saw the last renewal. @default 15_000 ms */
  readonly leaseDurationMs?: number;
  /** We stop leading this long after our last renewal was begun; less than leaseDurationMs. @default 10_000 ms */
  readonly renewDeadlineMs?: number;
  /** Pause between attempts. @default 2_000 ms */
  readonly retryPeriodMs?: number;
}

/** Takes part in the election of one leader among the replicas of the operator. */
export interface LeaderElector {
  start(): void;
  /** Whether this process leads now, by the time of its last renewal: also false when the event loop was stalled past the deadline. */
  isLeader(): boolean;
  /** Stops taking part; gives the lease back if held, so that a standby takes over within a retry period. Stop all work before. */
  stop(): Promise<void>;
}

/**
 * Election by a Lease, as client-go does it: no timestamp of another machine is compared with our clock. What counts is how long ago *we* saw the
 * lease change, on the monotonic clock, so that neither skew nor steps of clocks matter.
 */
export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  return new Elector(options);
}

class Elector implements LeaderElector {
  private readonly options: LeaderElectorOptions;
  private readonly leaseDurationMs: number;
  private readonly renewDeadlineMs: number;
  private readonly retryPeriodMs: number;
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  /** The lease as last seen or written, and when (monotonic) it last changed in our eyes. */
  private observed: { readonly lease: Lease; readonly changedAtMs: number } | undefined;
  /** Start (monotonic) of the last renewal that succeeded, while leading. */
  private renewedAtMs: number | undefined;
  private expiry: TimerHandle;

  constructor(options: LeaderElectorOptions) {
    this.options = options;
    this.leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.retryPeriodMs = options.retryPeriodMs ?? 2000;
    this.logger = options.logger.child({
      component: 'runtime',
      lease: `${options.lease.namespace}/${options.lease.name}`,
      identity: options.identity,
    });
    this.report(false);
  }

  start(): void {
    this.running ??= this.run();
  }

  isLeader(): boolean {
    return this.renewedAtMs !== undefined && this.nowMs() - this.renewedAtMs < this.renewDeadlineMs;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.options.clock.clearTimeout(this.expiry);
    this.renewedAtMs = undefined;
    this.report(false);
    await this.release();
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.isStopping()) {
      const beganAtMs = this.nowMs();
      try {
        const isHeld = await this.tryOnce();
        // Lost or told to stop meanwhile: too late to lead. stop() gives back what was written.
        if (this.isStopping()) return;
        if (isHeld) this.keep(beganAtMs);
        else if (this.renewedAtMs !== undefined) this.lose(`held by ${this.observed?.lease.spec?.holderIdentity ?? 'nobody'}`);
      } catch (error) {
        this.logger.debug('lease was not renewed or taken', { error });
      }
      // Standbys spread their attempts; the leader keeps its rhythm.
      const factor = this.renewedAtMs === undefined ? 1 + 0.2 * this.options.random() : 1;
      await delay(this.options.clock, this.retryPeriodMs * factor, this.stopping.signal);
    }
  }

  /** One attempt to take or renew. Whether the lease is ours now. @throws ERR_KUBE_… when the API server does not answer or refuses */
  private async tryOnce(): Promise<boolean> {
    if (this.renewedAtMs !== undefined && this.observed !== undefined) {
      const written = await this.tryWrite(this.observed.lease);
      if (written) return true;
      // Someone changed the lease: look at it before we give up, it may have been an annotation.
    }
    const beganAtMs = this.nowMs();
    const lease = await this.options.rest.find<Lease>(KINDS.Lease, this.options.lease, this.callOptions());
    if (lease === undefined) return this.tryWrite(undefined);
    if (this.observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) this.observed = { lease, changedAtMs: beganAtMs };
    return this.mayTake(lease) ? this.tryWrite(lease) : false;
  }

  private mayTake(lease: Lease): boolean {
    const { holderIdentity = '', leaseDurationSeconds } = lease.spec ?? {};
    if (holderIdentity === '' || holderIdentity === this.options.identity) return true;
    // The holder's word on how long its lease runs, in case it is configured otherwise; never less than our own.
    const durationMs = Math.max((leaseDurationSeconds ?? 0) * 1000, this.leaseDurationMs);
    return this.observed !== undefined && this.nowMs() - this.observed.changedAtMs >= durationMs;
  }

  /** Writes the lease as ours, on top of `previous`. False when another was faster. */
  private async tryWrite(previous: Lease | undefined): Promise<boolean> {
    const { rest, lease, identity, clock } = this.options;
    const before = previous?.spec;
    const isOurs = before?.holderIdentity === identity;
    const now = microTime(clock.nowMs());
    const wanted: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: previous?.metadata ?? { namespace: lease.namespace, name: lease.name },
      spec: {
        ...before,
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.leaseDurationMs / 1000),
        acquireTime: isOurs ? (before.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: previous === undefined ? 0 : (before?.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
      },
    };
    const beganAtMs = this.nowMs();
    try {
      const written =
        previous === undefined
          ? await rest.create(KINDS.Lease, wanted, this.callOptions())
          : await rest.update(KINDS.Lease, wanted, this.callOptions());
      this.observed = { lease: written, changedAtMs: beganAtMs };
      return true;
    } catch (e) {
      if (
        isOperatorError(e, 'ERR_KUBE_CONFLICT') ||
        isOperatorError(e, 'ERR_KUBE_ALREADY_EXISTS') ||
        isOperatorError(e, 'ERR_KUBE_NOT_FOUND')
      )
        return false;
      throw e;
    }
  }

  private callOptions(): { readonly timeoutMs: number; readonly signal: AbortSignal } {
    // Half the deadline, so that one request that hangs leaves time for another.
    return { timeoutMs: this.renewDeadlineMs / 2, signal: this.stopping.signal };
  }

  private keep(beganAtMs: number): void {
    const isNew = this.renewedAtMs === undefined;
    // From the start of the request: the others may have seen the write at any time since.
    this.renewedAtMs = beganAtMs;
    this.options.clock.clearTimeout(this.expiry);
    const leftMs = beganAtMs + this.renewDeadlineMs - this.nowMs();
    this.expiry = this.options.clock.setTimeout(() => this.lose(`not renewed within ${this.renewDeadlineMs} ms`), leftMs);
    if (!isNew) return;
    this.report(true);
    this.logger.info('leading');
    this.options.onStartedLeading();
  }

  private lose(detail: string): void {
    if (this.renewedAtMs === undefined || this.isStopping()) return;
    this.renewedAtMs = undefined;
    this.options.clock.clearTimeout(this.expiry);
    this.stopping.abort();
    this.report(false);
    const { namespace, name } = this.options.lease;
    const error = new OperatorError('ERR_RUNTIME_LEADERSHIP_LOST', { lease: `${namespace}/${name}`, detail });
    this.logger.error('leadership lost', { error });
    this.options.onStoppedLeading(error);
  }

  /** Best effort: if it fails, the others wait for the lease to run out. */
  private async release(): Promise<void> {
    const { rest, identity, clock, lease: ref } = this.options;
    if (this.observed?.lease.spec?.holderIdentity !== identity) return;
    const callOptions = { timeoutMs: this.renewDeadlineMs / 2 };
    try {
      // Read again: a renewal cut off by the stop may have been carried out, and then our resourceVersion is old.
      const lease = await rest.find<Lease>(KINDS.Lease, ref, callOptions);
      if (lease?.spec?.holderIdentity !== identity) return;
      // No holder, and the shortest duration that the API server accepts, as client-go does: whoever looks next may take it.
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.nowMs()) };
      await rest.update<Lease>(KINDS.Lease, { ...lease, spec }, callOptions);
      this.logger.info('lease given back');
    } catch (error) {
      this.logger.warn('lease could not be given back, it will run out', { error });
    }
  }

  private report(isLeading: boolean): void {
    this.options.metrics?.leaderElectionStatus.set({ name: this.options.lease.name }, isLeading ? 1 : 0);
  }
}
