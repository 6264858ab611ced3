import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { generatedFiles } from './files.ts';

/** `npm run generate` writes every generated file; with `--check` it writes nothing, prints what differs and fails. The current folder is the root of the repository. */
const isCheck = process.argv.includes('--check');
const drift: string[] = [];

for (const [path, wanted] of generatedFiles()) {
  const file = join(process.cwd(), path);
  const found = await readFile(file, 'utf8').catch(() => undefined);
  if (found === wanted) continue;
  if (isCheck) {
    drift.push(difference(path, found, wanted));
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, wanted);
    process.stdout.write(`wrote ${path}\n`);
  }
}

if (drift.length > 0) {
  process.stderr.write(`${drift.join('\n')}\nGenerated files are out of date: run \`npm run generate\` and commit the result.\n`);
  process.exitCode = 1;
}

/** The first lines that differ, enough to recognise what happened. */
function difference(path: string, found: string | undefined, wanted: string): string {
  if (found === undefined) return `${path}: is missing`;
  const [before, after] = [found.split('\n'), wanted.split('\n')];
  const first = after.findIndex((line, i) => line !== before[i]);
  const at = first === -1 ? after.length : first;
  const shown = (lines: readonly string[], sign: string) => lines.slice(at, at + 5).map((line) => `  ${sign} ${line}`);
  return [`${path}: differs from line ${at + 1}`, ...shown(before, '-'), ...shown(after, '+')].join('\n');
}
