import { effectiveCluster, type OperatorConfig } from '../api/effective.ts';
import { API_VERSION, GROUP } from '../api/meta.ts';
import type { PatroniClusterObject } from '../api/objects.ts';
import { problem, problemText, type Problem } from '../api/problem.ts';
import { parseCluster, parseOperation, validateCluster } from '../api/validate.ts';
import { checkConfig } from '../config/check.ts';

/** One of our objects in a file, judged as the operator would. */
export interface Judged {
  /** `PatroniCluster/orders`. */
  readonly title: string;
  readonly cluster?: PatroniClusterObject;
  readonly problems: readonly Problem[];
  /** What is odd but not wrong. */
  readonly warnings: readonly Problem[];
}

/** Judges those of `documents` that are ours (by their API group or kind); all others pass by, since a file may well hold a Namespace or a Secret too. */
export function judgeDocuments(documents: readonly unknown[], operator: OperatorConfig, namespace?: string): readonly Judged[] {
  return documents.filter(isOurs).map((document) => judge(document, operator, namespace));
}

function isOurs(document: unknown): boolean {
  const { apiVersion, kind } = fields(document);
  return String(apiVersion).startsWith(`${GROUP}/`) || kind === 'PatroniCluster' || kind === 'PatroniOperation';
}

function judge(document: unknown, operator: OperatorConfig, namespace: string | undefined): Judged {
  const { kind, metadata } = fields(document);
  const name = fields(metadata)['name'];
  const title = `${String(kind)}/${typeof name === 'string' ? name : '?'}`;
  const options = namespace === undefined ? {} : { namespace };
  if (kind === 'PatroniOperation') return { title, problems: parseOperation(document, options).problems, warnings: [] };
  if (kind !== 'PatroniCluster') {
    return {
      title,
      problems: [
        problem('ERR_SPEC_NOT_A_CLUSTER', 'kind', `${API_VERSION} has the kinds PatroniCluster and PatroniOperation, not ${String(kind)}`),
      ],
      warnings: [],
    };
  }
  const { cluster, problems } = parseCluster(document, options);
  if (cluster === undefined) return { title, problems, warnings: [] };
  const { errors, warnings } = checkConfig(effectiveCluster(cluster, operator));
  return { title, cluster, problems: [...problems, ...validateCluster(cluster, operator), ...errors], warnings };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** One line per problem: `FILE: spec.etcd.replicas: …`, with the object in between where the file has several. */
export function problemLines(file: string, judged: readonly Judged[]): readonly string[] {
  return judged.flatMap(({ title, problems }) => problems.map((p) => `${place(file, title, judged)}${problemText(p)}`));
}

/** The same of warnings: `FILE: warning: spec.postgres.parameters.fsync: …`. */
export function warningLines(file: string, judged: readonly Judged[]): readonly string[] {
  return judged.flatMap(({ title, warnings }) => warnings.map((p) => `${place(file, title, judged)}warning: ${problemText(p)}`));
}

function place(file: string, title: string, judged: readonly Judged[]): string {
  return `${file === '-' ? 'stdin' : file}: ${judged.length > 1 ? `${title}: ` : ''}`;
}
