import { dump } from 'js-yaml';

import { effectiveCluster, type OperatorConfig } from '../../api/effective.ts';
import type { Manifest } from '../../api/objects.ts';
import { offlineObjects } from '../../resources/offline.ts';
import { readDocuments } from '../documents.ts';
import type { CliIo } from '../io.ts';
import { judgeDocuments, problemLines, warningLines } from '../manifests.ts';

export interface RenderOptions {
  readonly files: readonly string[];
  readonly output: 'yaml' | 'json';
  /** Namespace of manifests that name none. */
  readonly namespace?: string;
}

/**
 * Prints every object that the operator would create for the PatroniClusters in the files; the same input gives the same bytes. Secrets have placeholders, since what is in
 * them is generated once, in the cluster. Exit code 1, and nothing printed, when a manifest has problems; warnings go to standard error.
 * @throws ERR_CLI_INPUT
 */
export async function runRender(io: CliIo, options: RenderOptions, operator: OperatorConfig): Promise<number> {
  const objects: Manifest[] = [];
  const wrong: string[] = [];
  const odd: string[] = [];
  for (const file of options.files) {
    const judged = judgeDocuments(await readDocuments(io, file), operator, options.namespace);
    wrong.push(...problemLines(file, judged));
    odd.push(...warningLines(file, judged));
    const clusters = judged.flatMap(({ cluster, problems }) => (cluster === undefined || problems.length > 0 ? [] : [cluster]));
    if (clusters.length === 0 && problemLines(file, judged).length === 0) wrong.push(`${file}: holds no PatroniCluster: name another file`);
    objects.push(...clusters.flatMap((cluster) => offlineObjects(effectiveCluster(cluster, operator))));
  }
  io.err([...wrong, ...odd].map((line) => `${line}\n`).join(''));
  if (wrong.length > 0) return 1;
  io.out(options.output === 'json' ? asJson(objects) : asYaml(objects));
  return 0;
}

function asYaml(objects: readonly Manifest[]): string {
  return objects.map((object) => `---\n${dump(object, { noRefs: true, lineWidth: -1 })}`).join('');
}

function asJson(objects: readonly Manifest[]): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`;
}
