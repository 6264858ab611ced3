import { effectiveCluster, type EffectiveCluster } from '../../api/effective.ts';
import type { Manifest, PatroniClusterObject, PatroniOperationObject } from '../../api/objects.ts';
import { findCondition } from '../../api/conditions.ts';
import type { Problem } from '../../api/problem.ts';
import { missingReferences, parseCluster, validateCluster, type ParsedCluster } from '../../api/validate.ts';
import { checkConfig, type ConfigFindings } from '../../config/check.ts';
import { errorCode } from '../../errors.ts';
import { KINDS } from '../../kube/types.ts';
import { objectKey, type ClaimView, type Observed, type PodView } from '../../decide/observed.ts';
import { imagesInUse } from '../../decide/status.ts';

import { askPatroni } from './ask-patroni.ts';
import { patroniAccess, type PatroniAccess } from './patroni-access.ts';
import { CHILD_KINDS, type ChildKind, type ClusterControllerPorts } from './ports.ts';
import type { SecretReader } from './secret-reader.ts';
import { postgresAccess } from './superuser.ts';
import { claimView, podView } from './views.ts';

export interface Observation {
  readonly observed: Observed;
  readonly access: PatroniAccess;
}

/** Kinds that are read only to compare them with what is wanted. */
const ONLY_COMPARED: ReadonlySet<ChildKind> = new Set(['Service', 'PodDisruptionBudget', 'NetworkPolicy']);

export interface Asking {
  /** Whether to read the dynamic configuration too: a second request, so only when something may have changed. */
  readonly wantsConfig: boolean;
  /** Whether the objects were found as wanted before and nothing has changed since. */
  readonly isApplied: boolean;
}

/**
 * Gathers the world for one pass: children from the cache, Patroni's view from the first member that answers. Whatever cannot be read is absent, never guessed; the policy
 * does nothing disruptive then.
 */
export async function observe(ports: ClusterControllerPorts, secrets: SecretReader, raw: Manifest, asking: Asking, signal: AbortSignal): Promise<Observation> {
  const cluster = raw as unknown as PatroniClusterObject;
  const { name, namespace } = cluster.metadata;
  const objects = new Map<string, Manifest>();
  const pods: PodView[] = [];
  const claims: ClaimView[] = [];
  const operations: PatroniOperationObject[] = [];
  for (const kind of CHILD_KINDS) {
    if (asking.isApplied && ONLY_COMPARED.has(kind)) continue;
    for (const child of ports.cache.children(kind, namespace, name)) {
      if (kind === 'Pod') push(pods, podView(child));
      else if (kind === 'PersistentVolumeClaim') push(claims, claimView(child));
      else if (kind === 'PatroniOperation') operations.push(child as unknown as PatroniOperationObject);
      else objects.set(objectKey(kind, child.metadata.name), { ...child, kind });
    }
  }
  const base: Observed = { nowMs: ports.clock.nowMs(), cluster, problems: [], objects, pods, claims, operations, isApplied: asking.isApplied };
  const parsed = parseOnce(ports, raw);
  const { errors, warnings } = parsed.findings;
  const problems = [...parsed.problems, ...errors, ...(parsed.cluster === undefined ? [] : await contextProblems(ports, parsed.cluster, base))];
  const valid = problems.length === 0 ? parsed.cluster : undefined;
  // A spec that became invalid changes nothing, but what runs is still looked at; for that the names and ports of the raw spec do.
  const lookAt = effectiveOf(ports, parsed.cluster ?? cluster, base);
  if (lookAt === undefined) return { observed: { ...base, problems }, access: { member: () => undefined } };
  const access = await patroniAccess(ports, secrets, lookAt);
  const asked = await askPatroni({ ports, base, effective: lookAt, access, postgres: () => postgresAccess(ports, secrets, lookAt), wantsConfig: asking.wantsConfig, signal });
  return { observed: { ...base, ...asked, problems, warnings, nowMs: ports.clock.nowMs(), ...(valid === undefined ? {} : { cluster: valid, effective: lookAt }) }, access };
}

/** Parsing costs more than the rest of an idle pass; the cache gives the same object until the next version comes. */
const parsedClusters = new WeakMap<Manifest, Judged>();

interface Judged extends ParsedCluster {
  /** What the configuration in the spec asks of Patroni and PostgreSQL, judged. */
  readonly findings: ConfigFindings;
}

function parseOnce({ operator }: ClusterControllerPorts, raw: Manifest): Judged {
  const known = parsedClusters.get(raw);
  if (known !== undefined) return known;
  const read = parseCluster(raw);
  const parsed = { ...read, findings: read.cluster === undefined ? { errors: [], warnings: [] } : checkConfig(effectiveCluster(read.cluster, operator)) };
  parsedClusters.set(raw, parsed);
  return parsed;
}

/** Problems that only show beside the operator's configuration and the namespace. An image the cluster runs already needs no default. */
async function contextProblems(ports: ClusterControllerPorts, cluster: PatroniClusterObject, base: Observed): Promise<readonly Problem[]> {
  const pinned = imagesInUse(base)['postgres'] !== undefined;
  const found = validateCluster(cluster, ports.operator).filter((problem) => !(pinned && problem.code === 'ERR_SPEC_NO_IMAGE'));
  const wanted = cluster.spec.images.pullSecrets ?? [];
  // Secrets of the user carry no label of ours and so are not cached: they are looked up when the spec is new or was invalid.
  if (wanted.length === 0 || (cluster.status?.observedGeneration === cluster.metadata.generation && findCondition(cluster.status?.conditions, 'SpecValid')?.status === 'True')) return found;
  const { namespace } = cluster.metadata;
  const existing = await Promise.all(wanted.map(async (name) => ((await exists(ports, namespace, name)) ? [name] : [])));
  return [...found, ...missingReferences(cluster, new Set(existing.flat()))];
}

async function exists(ports: ClusterControllerPorts, namespace: string, name: string): Promise<boolean> {
  try {
    await ports.rest.getMetadata(KINDS.Secret, { namespace, name });
    return true;
  } catch (error) {
    if (errorCode(error) === 'ERR_KUBE_NOT_FOUND') return false;
    throw error;
  }
}

function effectiveOf(ports: ClusterControllerPorts, cluster: PatroniClusterObject, base: Observed): EffectiveCluster | undefined {
  try {
    return effectiveCluster(cluster, ports.operator, imagesInUse(base));
  } catch {
    return undefined; // the spec lacks what even looking needs; the problems say so
  }
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}
