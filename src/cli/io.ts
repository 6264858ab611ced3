import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** Where a command reads and writes; tests give their own. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Contents of a file; `-` is standard input. Rejects as `fs.readFile` does. */
  readonly read: (file: string) => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const processIo: CliIo = {
  out: (t) => void process.stdout.write(t),
  err: (t) => void process.stderr.write(t),
  read: (file) => (file === '-' ? text(process.stdin) : readFile(file, 'utf8')),
  env: process.env,
};
