import type { OperatorConfig } from '../../api/effective.ts';
import { readDocuments } from '../documents.ts';
import type { CliIo } from '../io.ts';
import { judgeDocuments, type Judged } from '../manifests.ts';

/** A PatroniCluster of a file, judged as the operator would. */
export interface FoundCluster extends Judged {
  /** Name of the resource; `?` when it has none. */
  readonly name: string;
  readonly file: string;
}

const TITLE = 'PatroniCluster/';

/**
 * The PatroniClusters in a file; everything else in it passes by.
 * @param namespace of manifests that name none
 * @throws ERR_CLI_INPUT
 */
export async function clustersInFile(io: CliIo, file: string, operator: OperatorConfig, namespace?: string): Promise<readonly FoundCluster[]> {
  return judgeDocuments(await readDocuments(io, file), operator, namespace)
    .filter(({ title }) => title.startsWith(TITLE))
    .map((judged) => ({ ...judged, name: judged.title.slice(TITLE.length), file }));
}
