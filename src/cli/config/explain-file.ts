import { effectiveCluster, type OperatorConfig } from '../../api/effective.ts';
import { problemText } from '../../api/problem.ts';
import { explainKeys, type ExplainedKey, sourcedKeys, type SourcedKey } from '../../config/explain.ts';
import type { Effect } from '../../config/explain-effect.ts';
import type { CliIo } from '../io.ts';
import { cell, table, uniqueTable } from '../table.ts';
import { clustersInFile, type FoundCluster } from './clusters-in-file.ts';
import { type Document, EXIT, type Format, print } from './output.ts';

export interface ExplainFileOptions {
  readonly files: readonly string[];
  readonly output: Format;
  /** Namespace of manifests that name none. */
  readonly namespace?: string;
  /** Show the operator's own values as well. */
  readonly all: boolean;
}

/**
 * Explains the configuration of the PatroniClusters in the files, offline. The exit code: 0, 1 when a file has no PatroniCluster, 2 when something is rejected.
 * @throws ERR_CLI_INPUT
 */
export async function explainFiles(io: CliIo, options: ExplainFileOptions, operator: OperatorConfig): Promise<number> {
  const documents: Document[] = [];
  for (const file of options.files) {
    const found = await clustersInFile(io, file, operator, options.namespace);
    if (found.length === 0) {
      io.err(`${file}: holds no PatroniCluster: name another file\n`);
      return EXIT.failed;
    }
    documents.push(...found.map((one) => explained(one, operator, options.all)));
  }
  return print(io, options.output, documents);
}

function explained({ title, name, cluster, problems, warnings }: FoundCluster, operator: OperatorConfig, all: boolean): Document {
  const effective = cluster === undefined ? undefined : effectiveCluster(cluster, operator);
  const refused = problems.map(({ path, message }): ExplainedKey => ({ key: path, verdict: 'Rejected', message }));
  const keys = effective === undefined ? refused : explainKeys(effective, problems);
  const configuration = effective === undefined || !all ? [] : sourcedKeys(effective);
  const told = warnings.map(problemText);
  return {
    data: {
      kind: 'ConfigExplanation',
      name,
      ...(cluster === undefined ? {} : { namespace: cluster.metadata.namespace }),
      keys,
      ...(all ? { configuration } : {}),
      warnings: told,
    },
    text: [
      heading(title, keys),
      keyTable(keys),
      ...told.map((warning) => `warning: ${warning}\n`),
      ...(all ? [sourceTable(configuration, 'dynamic'), sourceTable(configuration, 'local')] : []),
    ]
      .filter((part) => part !== '')
      .join('\n'),
    exitCode: problems.length > 0 ? EXIT.rejected : EXIT.fine,
  };
}

function heading(title: string, keys: readonly ExplainedKey[]): string {
  const count = (verdict: ExplainedKey['verdict']) => keys.filter((key) => key.verdict === verdict).length;
  const notes = (['Rejected', 'Overridden'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `, ${String(count(verdict))} ${verdict.toLowerCase()}`);
  return keys.length === 0
    ? `${title}: sets no configuration; --all shows what the operator sets\n`
    : `${title}: ${String(keys.length)} ${keys.length === 1 ? 'key' : 'keys'}${notes.join('')}\n`;
}

/** Short forms for a column. */
export const EFFECT_WORDS: Readonly<Record<Effect | 'Same', string>> = {
  Reload: 'reload',
  Restart: 'restart',
  NewSessions: 'new sessions',
  CreationOnly: 'creation only',
  Never: 'never',
  ByExtension: 'by extension',
  Same: 'means the same',
};

function keyTable(keys: readonly ExplainedKey[]): string {
  return uniqueTable(
    ['KEY', 'VALUE', 'GOES TO', 'TAKES EFFECT', 'VERDICT', 'DETAIL'],
    keys.map(({ key, value, target = '-', takesEffect, verdict, by, message }) => [
      key,
      cell(value),
      target,
      takesEffect === undefined ? '-' : EFFECT_WORDS[takesEffect],
      verdict,
      message ?? (by === undefined ? '' : `by ${by}`),
    ]),
  );
}

function sourceTable(configuration: readonly SourcedKey[], target: SourcedKey['target']): string {
  const title = target === 'dynamic' ? 'DYNAMIC CONFIGURATION (etcd)' : 'LOCAL FILE';
  return table(
    [title, 'VALUE', 'FROM', 'TAKES EFFECT'],
    configuration
      .filter((one) => one.target === target)
      .map(({ path, value, source, takesEffect }) => [path, cell(value), source, EFFECT_WORDS[takesEffect]]),
  );
}
