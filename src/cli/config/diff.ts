import { effectiveCluster, type OperatorConfig } from '../../api/effective.ts';
import type { PatroniClusterObject } from '../../api/objects.ts';
import { type Problem, problemText } from '../../api/problem.ts';
import { parseCluster, validateUpdate } from '../../api/validate.ts';
import { OperatorError } from '../../errors.ts';
import { impactOf, isWithoutEffect } from '../../resources/impact.ts';
import type { CliIo } from '../io.ts';
import type { Kubernetes } from '../kubernetes.ts';
import { problemLines, warningLines } from '../manifests.ts';
import { clustersInFile, type FoundCluster } from './clusters-in-file.ts';
import { impactText } from './impact-text.ts';
import { type Document, EXIT, type Format, print } from './output.ts';

export interface DiffOptions {
  readonly files: readonly string[];
  /** Name of the cluster to compare with, where it is not that of the manifest. */
  readonly cluster?: string;
  /** Manifest to compare with instead of what is stored in Kubernetes. */
  readonly against?: string;
  /** Namespace of manifests that name none. Absent: that of the kubeconfig context. */
  readonly namespace?: string;
  readonly output: Format;
}

export interface DiffParts {
  readonly operator: OperatorConfig;
  /** Not called when a file is compared with a file. */
  readonly connect: () => Kubernetes;
}

/**
 * Tells what the manifests would change, and which restarts that costs. Nothing is written. The exit code: 0 without a difference, 1 when it cannot be told, 2 when a manifest would be
 * refused, 3 with differences.
 * @throws ERR_CLI_INPUT, ERR_KUBE_…
 */
export async function diff(io: CliIo, options: DiffOptions, parts: DiffParts): Promise<number> {
  const kubernetes = options.against === undefined ? parts.connect() : undefined;
  try {
    const namespace = options.namespace ?? kubernetes?.namespace ?? 'default';
    const judged: FoundCluster[] = [];
    for (const file of options.files) judged.push(...(await clustersInFile(io, file, parts.operator, namespace)));
    if (judged.length === 0 || (judged.length > 1 && options.cluster !== undefined)) {
      io.err(
        judged.length === 0
          ? `${options.files.join(', ')}: holds no PatroniCluster: name another file\n`
          : `${options.files.join(', ')}: holds several PatroniClusters: name none to compare each with its own\n`,
      );
      return EXIT.failed;
    }
    const documents: Document[] = [];
    for (const next of judged) {
      if (next.cluster === undefined || next.problems.length > 0) documents.push(refused(io, next, next.problems));
      else documents.push(await compared(io, next.cluster, { ...options, ...parts, kubernetes, next, namespace }));
    }
    return print(io, options.output, documents);
  } finally {
    await kubernetes?.close();
  }
}

interface Comparison extends DiffOptions, DiffParts {
  readonly kubernetes: Kubernetes | undefined;
  readonly next: FoundCluster;
  readonly namespace: string;
}

function refused(io: CliIo, next: FoundCluster, problems: readonly Problem[]): Document {
  for (const line of problemLines(next.file, [{ ...next, problems }])) io.err(`${line}\n`);
  return {
    data: { kind: 'ConfigDiff', name: next.name, rejected: problems.map(({ path, message }) => ({ key: path, message })) },
    text: `${next.title}: would be refused\n`,
    exitCode: EXIT.rejected,
  };
}

async function compared(io: CliIo, next: PatroniClusterObject, comparison: Comparison): Promise<Document> {
  const { operator, next: found } = comparison;
  const old = await storedCluster(io, next, comparison);
  // Under another name or uid everything would differ by it.
  const target: PatroniClusterObject =
    old === undefined ? next : { ...next, metadata: { ...next.metadata, name: old.metadata.name, namespace: old.metadata.namespace, ...(old.metadata.uid === undefined ? {} : { uid: old.metadata.uid }) } };
  const forbidden = old === undefined ? [] : validateUpdate(old, target);
  if (forbidden.length > 0) return refused(io, found, forbidden);
  for (const line of warningLines(found.file, [found])) io.err(`${line}\n`);
  // What the cluster runs, not what this program would choose: an upgrade of the operator changes no image.
  const pinned = old?.status?.versions?.images ?? {};
  const effective = effectiveCluster(target, operator, pinned);
  const impact = impactOf(old === undefined ? undefined : effectiveCluster(old, operator, pinned), effective, {
    leader: old?.status?.leader,
  });
  const waiting = (old?.status?.members ?? []).filter(({ pendingRestart }) => pendingRestart === true).map(({ name }) => name);
  const { name, namespace } = target.metadata;
  return {
    data: { kind: 'ConfigDiff', name, namespace, ...impact, restartsAlreadyPending: waiting, warnings: found.warnings.map(problemText) },
    text: impactText(effective, impact, waiting),
    exitCode: isWithoutEffect(impact) ? EXIT.fine : EXIT.differs,
  };
}

/** What the manifest would replace; undefined when it would be new. */
async function storedCluster(
  io: CliIo,
  next: PatroniClusterObject,
  { against, cluster, kubernetes, operator, namespace }: Comparison,
): Promise<PatroniClusterObject | undefined> {
  if (against !== undefined) {
    const candidates = await clustersInFile(io, against, operator, namespace);
    const one =
      candidates.find(({ name }) => name === (cluster ?? next.metadata.name)) ??
      (candidates.length === 1 ? candidates[0] : undefined);
    if (one?.cluster !== undefined) return one.cluster;
    throw new OperatorError('ERR_CLI_INPUT', {
      file: against,
      problem: one === undefined ? `holds no PatroniCluster ${cluster ?? next.metadata.name}` : one.problems.map(problemText).join('; '),
    });
  }
  const ref = { namespace: next.metadata.namespace, name: cluster ?? next.metadata.name };
  const stored = await kubernetes?.findCluster(ref);
  if (stored === undefined) {
    if (cluster === undefined) return undefined;
    throw new OperatorError('ERR_CLI_OPTION', { option: cluster, problem: `is no PatroniCluster in namespace ${ref.namespace}` });
  }
  const parsed = parseCluster(stored);
  if (parsed.cluster !== undefined) return parsed.cluster;
  throw new OperatorError('ERR_CLI_INPUT', { file: `PatroniCluster/${ref.name}`, problem: parsed.problems.map(problemText).join('; ') });
}
