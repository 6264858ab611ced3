import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Written to standard input; secrets go here, never into arguments. */
  readonly input?: string;
  /** The program is killed after this time. @default 60_000 ms */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit status; 124 when it ran out of time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit status. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? 60_000);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(err).toString();
      resolve({ code: timedOut ? 124 : (code ?? 1), stdout: Buffer.concat(out).toString(), stderr: timedOut ? `${stderr}(ran out of time)` : stderr });
    });
    // A program that ends without reading its input closes the pipe; its exit status tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Standard output of a program; throws with its error output when it fails. */
export async function output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(program, args, options);
  if (result.code !== 0) {
    throw new Error(`${program.replace(/^.*\//, '')} ${args.join(' ').slice(0, 300)} failed (${result.code}): ${(result.stderr || result.stdout).trim().slice(-1500)}`);
  }
  return result.stdout;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Time between two looks. @default 500 ms */
  readonly everyMs?: number;
}

/**
 * Looks until `look` gives a value, and returns it. A look that throws counts as "not yet"; when time runs out, its last words are in the error. For what Kubernetes
 * knows, use `watchUntil` instead.
 */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last = '';
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined) return value;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${options.timeoutMs / 1000} s${last === '' ? '' : `; the last error was: ${last}`}`);
    await pause(options.everyMs ?? 500);
  }
}
