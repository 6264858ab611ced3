import { findCondition, setCondition } from '../../api/conditions.ts';
import { FIELD_MANAGER } from '../../api/meta.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import type { PatroniClusterStatus } from '../../api/status.ts';
import type { Decision } from '../../decide/actions.ts';
import { announcements } from '../../decide/announcements.ts';
import { BUSY_RECHECK_MS, decide } from '../../decide/decide.ts';
import type { Observed } from '../../decide/observed.ts';
import { toOperatorError, type OperatorError } from '../../errors.ts';
import { KINDS, refOf } from '../../kube/types.ts';
import { canonicalJson, shortHash } from '../../lib/canonical-json.ts';
import type { Outcome } from '../../runtime/controller.ts';

import { act } from './act.ts';
import { note, type ActContext } from './act-context.ts';
import { observe, type Observation } from './observe.ts';
import { CHILD_KINDS, type ClusterControllerPorts } from './ports.ts';
import { recheckAfterMs } from './recheck.ts';
import { createSecretReader } from './secret-reader.ts';

/** The dynamic configuration is read again after this time even when nothing seems to have changed: somebody may have edited it. */
const CONFIG_RECHECK_MS = { least: 60_000, perCluster: 300 } as const;
/** After the API server refused an object. */
const REFUSED_RECHECK_MS = 60_000;

/**
 * What earlier passes found, to save work only: losing it costs one full pass.
 * `settled` is the state of Kubernetes in which every object was as wanted; `config` the state in which the dynamic configuration was.
 */
interface Memo {
  settled?: string;
  config?: { readonly state: string; readonly atMs: number };
}

export interface ClusterReconciler {
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>;
}

/** One pass for one cluster: observe → decide → act → status. */
export function createClusterReconciler(ports: ClusterControllerPorts): ClusterReconciler {
  const secrets = createSecretReader(ports.rest);
  const memos = new Map<string, Memo>();
  return {
    async reconcile(key, signal) {
      const { namespace = '', name } = refOf(key);
      const raw = ports.cache.cluster(namespace, name);
      if (raw === undefined) {
        memos.delete(key);
        secrets.forget(namespace, name);
        ports.patroni.dispose(key);
        return { kind: 'settled' };
      }
      const memo = memos.get(key) ?? {};
      memos.set(key, memo);
      const state = fingerprint(ports, raw);
      const configAgeMs = Math.max(CONFIG_RECHECK_MS.least, ports.cache.clusterCount() * CONFIG_RECHECK_MS.perCluster);
      const isConfigKnown = memo.config !== undefined && !isConfigOnItsWay((raw['status'] as PatroniClusterStatus | undefined)?.conditions) && memo.config.state === configState(state, raw) && ports.clock.nowMs() - memo.config.atMs < configAgeMs;
      const observation = await observe(ports, secrets, raw, { wantsConfig: !isConfigKnown, isApplied: memo.settled === state }, signal);
      const decision = decide(observation.observed);
      const context: ActContext = { ports, secrets, access: observation.access, observed: observation.observed, signal };
      const carried = await carryOut(context, decision);
      const { failure } = carried;
      remember(memo, state, observation, decision, carried.isQuiet, raw);
      await writeStatus(context, finalStatus(context.observed, decision.status, carried));
      if (failure?.retry === 'terminal') {
        // What refuses (a quota, a policy) changes without an event for us, so waiting for a change would wait for ever.
        ports.logger.error('an object was refused', { cluster: key, error: failure });
        return { kind: 'recheck', afterMs: REFUSED_RECHECK_MS, reason: failure.code };
      }
      if (failure !== undefined) throw failure;
      const afterMs = carried.isApplied ? BUSY_RECHECK_MS : recheckAfterMs(decision.recheckAfterMs, { key, clusters: ports.cache.clusterCount(), nowMs: ports.clock.nowMs() });
      return { kind: 'recheck', afterMs, reason: decision.status.phase ?? 'Unknown' };
    },
  };
}

interface Carried {
  readonly failure?: OperatorError;
  readonly application?: NonNullable<PatroniClusterStatus['application']>;
  /** Whether nothing had to be changed. */
  readonly isQuiet: boolean;
  /** Whether an object of the cluster was written: what comes of it (a rollout, say) shows only in a later pass. */
  readonly isApplied: boolean;
}

async function carryOut(context: ActContext, decision: Decision): Promise<Carried> {
  let application: Carried['application'];
  let isQuiet = true;
  let isApplied = false;
  for (const action of decision.actions) {
    try {
      const result = await act(context, action);
      isQuiet &&= !result.changed;
      isApplied ||= action.kind === 'apply' && result.changed;
      application = result.application ?? application;
    } catch (error) {
      const failure = toOperatorError(error);
      note(context, failure.code, action.kind, failure.message);
      return { failure, isQuiet: false, isApplied, ...(application === undefined ? {} : { application }) };
    }
  }
  return { isQuiet, isApplied, ...(application === undefined ? {} : { application }) };
}

/** State of Kubernetes as far as builders depend on it: versions of all children, and of the cluster everything but its status. */
function fingerprint(ports: ClusterControllerPorts, raw: Manifest): string {
  const { namespace = '', name, generation = 0, annotations = {}, finalizers = [], deletionTimestamp = '', uid = '' } = raw.metadata;
  const children = CHILD_KINDS.flatMap((kind) => ports.cache.versions(kind, namespace, name).map((version) => `${kind}/${version}`));
  return shortHash(canonicalJson([uid, generation, annotations, finalizers, deletionTimestamp, children.sort()]), 24);
}

function configState(state: string, raw: Manifest): string {
  const status = raw['status'] as PatroniClusterStatus | undefined;
  return `${state}/${status?.leader ?? ''}/${String(status?.timeline ?? 0)}`;
}

/**
 * While members have yet to load something or to restart, the next pass asks them again. The status counts as well as what this process remembers: a pass with an older status in its cache may
 * have written that one back.
 */
function isConfigOnItsWay(conditions: PatroniClusterStatus['conditions']): boolean {
  const reason = findCondition(conditions, 'ConfigApplied')?.reason;
  return reason === 'Loading' || reason === 'RestartPending';
}

function remember(memo: Memo, state: string, { observed }: Observation, decision: Decision, isQuiet: boolean, raw: Manifest): void {
  if (!isQuiet) {
    delete memo.settled;
    delete memo.config;
    return;
  }
  if (isAsWanted(observed, decision)) memo.settled = state;
  if (observed.dynamicConfig === undefined) return;
  if (isConfigOnItsWay(decision.status.conditions)) delete memo.config;
  else memo.config = { state: configState(state, raw), atMs: observed.nowMs };
}

/**
 * Whether a pass that changed nothing proves that every object is as the spec wants it: not while the spec is invalid, for then nothing was compared (and it may become valid
 * without any event), nor while a scale-down that waits keeps more members than the spec has.
 */
function isAsWanted({ effective, isApplied }: Observed, decision: Decision): boolean {
  if (effective === undefined) return false;
  const name = names.workload(effective.name, 'postgres');
  const members = decision.actions.find((action) => action.kind === 'apply' && action.manifest.kind === 'StatefulSet' && action.manifest.metadata.name === name);
  if (members?.kind !== 'apply') return isApplied;
  return (members.manifest['spec'] as { replicas: number }).replicas === effective.spec.postgres.replicas;
}

/** The status as decided, with what acting brought to light: what failed, and that the effect of what was applied is still to be seen (or `Settled` would be too early). */
function finalStatus(observed: Observed, status: PatroniClusterStatus, { application, failure, isApplied }: Carried): PatroniClusterStatus {
  const { generation } = observed.cluster.metadata;
  const common = { nowMs: observed.nowMs, ...(generation === undefined ? {} : { observedGeneration: generation }) };
  const withApplication = application === undefined ? status : { ...status, application };
  const conditions = status.conditions ?? [];
  if (failure?.retry === 'terminal') {
    const stalled = { type: 'Stalled', reason: 'ApplyRefused', message: `${failure.code}: ${failure.message}`, ...common } as const;
    return { ...withApplication, phase: 'ApplyRefused', conditions: setCondition(conditions, stalled) };
  }
  if ((failure === undefined && !isApplied) || findCondition(conditions, 'Reconciling')?.reason !== 'Settled') return withApplication;
  const message = failure === undefined ? 'Changes were applied; what comes of them shows in a moment.' : `The latest pass failed (${failure.code}) and is tried again.`;
  return { ...withApplication, conditions: setCondition(conditions, { type: 'Reconciling', reason: 'Progressing', message, ...common }) };
}

/** Writes the status when it differs from what is there, and tells people what changed; one request, and none in a settled cluster. */
async function writeStatus(context: ActContext, status: PatroniClusterStatus): Promise<void> {
  const { namespace, name, uid } = context.observed.cluster.metadata;
  if (canonicalJson(status) === canonicalJson(context.observed.cluster.status ?? {})) return;
  if (context.observed.cluster.metadata.deletionTimestamp !== undefined && context.ports.cache.cluster(namespace, name) === undefined) return;
  const body = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'add', path: '/status', value: status },
  ];
  try {
    await context.ports.rest.patchStatus(KINDS.PatroniCluster, { namespace, name }, { type: 'json', body }, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (toOperatorError(error).code !== 'ERR_KUBE_NOT_FOUND') throw error;
  }
  context.ports.logger.debug('status written', { cluster: `${namespace}/${name}`, phase: status.phase });
  for (const { reason, message } of announcements(context.observed.cluster.status ?? {}, status)) note(context, reason, 'Observe', message);
}
