import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const SRC = join(import.meta.dirname, '../../src');

export interface Import {
  /** What stands between the quotes. */
  readonly from: string;
  /** Path below `src/` of a file of ours. */
  readonly file?: string;
  readonly isTypeOnly: boolean;
}

export interface Source {
  /** Path below `src/`, such as `kube/rest.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Every file that ships, without unit tests and their fakes. */
export const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    return { path, text, imports: importsOf(path, text) };
  });

/** Imports, re-exports and dynamic imports. A clause whose every name says `type` counts as type-only. */
function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const statements = [...code.matchAll(/^\s*(?:import|export)\b(?<clause>[^'";]*?)\bfrom\s*['"](?<from>[^'"]+)['"]/gm)];
  const bare = [...code.matchAll(/^\s*import\s*['"](?<from>[^'"]+)['"]/gm), ...code.matchAll(/\bimport\(\s*['"](?<from>[^'"]+)['"]\s*\)/g)];
  return [...statements, ...bare].map((match) => {
    const { clause = '', from = '' } = match.groups ?? {};
    const file = from.startsWith('.') ? normalize(join(dirname(path), from)).replaceAll('\\', '/') : undefined;
    return { from, isTypeOnly: isTypeOnly(clause), ...(file === undefined ? {} : { file }) };
  });
}

function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true;
  const names = /\{(?<names>[^}]*)\}/.exec(clause)?.groups?.['names'];
  const list = names?.split(',').filter((name) => name.trim() !== '') ?? [];
  return list.length > 0 && list.every((name) => /^\s*type\s/.test(name));
}

/** Comments may quote import statements. Strings that hold `//` (addresses) stay as they are, since only blanks and line starts begin a comment here. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}
