import type { OperatorConfig } from '../../api/effective.ts';
import { readDocuments } from '../documents.ts';
import type { CliIo } from '../io.ts';
import { judgeDocuments, problemLines, warningLines } from '../manifests.ts';

/**
 * Judges every PatroniCluster and PatroniOperation in `files`: a line per problem or warning to standard error, a line per valid object to standard output. The exit
 * code: 1 with problems, or when a file has nothing to judge; warnings do not change it.
 * @throws ERR_CLI_INPUT
 */
export async function runValidate(io: CliIo, files: readonly string[], operator: OperatorConfig): Promise<number> {
  let exitCode = 0;
  for (const file of files) {
    const judged = judgeDocuments(await readDocuments(io, file), operator);
    const lines =
      judged.length === 0 ? [`${file}: holds no PatroniCluster or PatroniOperation: name another file`] : problemLines(file, judged);
    for (const line of [...lines, ...warningLines(file, judged)]) io.err(`${line}\n`);
    for (const { title, problems } of judged) if (problems.length === 0) io.out(`${file}: ${title} is valid\n`);
    if (lines.length > 0) exitCode = 1;
  }
  return exitCode;
}
