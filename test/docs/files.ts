import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

/** Files below a folder whose name ends with `ending`, as paths from the root, sorted. Nothing when the folder is not there. */
export function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(`${ROOT}${folder}`)) return [];
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Every page that people read. */
export const pages = (): string[] => [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...['docs', 'adr', 'charts'].flatMap((folder) => filesBelow(folder, '.md')),
];

/** Contents of the fenced blocks of a language. */
export const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'))].map((match) => match[1]!);
