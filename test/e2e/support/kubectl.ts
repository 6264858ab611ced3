import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { environment } from './environment.ts';
import { output, run, type RunOptions, type RunResult } from './shell.ts';
import type { Item } from './wire.ts';

const base = (): string[] => {
  const { kubeconfig, context } = environment();
  return ['--kubeconfig', kubeconfig, ...(context === undefined ? [] : ['--context', context])];
};

/** Runs kubectl, whatever its exit status. */
export function tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(environment().kubectl, [...base(), ...args], options);
}

/** Standard output of kubectl; throws with its error output when it fails. */
export function kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return output(environment().kubectl, [...base(), ...args], options);
}

/** One object; throws when it does not exist. */
export async function get<T = Item>(namespace: string, kind: string, name: string): Promise<T> {
  return JSON.parse(await kubectl(['-n', namespace, 'get', kind, name, '-o', 'json'])) as T;
}

/** One object, or undefined when it does not exist. */
export async function find<T = Item>(namespace: string, kind: string, name: string): Promise<T | undefined> {
  const text = await kubectl(['-n', namespace, 'get', kind, name, '-o', 'json', '--ignore-not-found']);
  return text.trim() === '' ? undefined : (JSON.parse(text) as T);
}

/** Objects of one or several kinds (`pods`, `statefulsets,services`), optionally by label. */
export async function list<T = Item>(namespace: string, kinds: string, selector?: string): Promise<readonly T[]> {
  const text = await kubectl(['-n', namespace, 'get', kinds, '-o', 'json', ...(selector === undefined ? [] : ['-l', selector])]);
  return (JSON.parse(text) as { items: T[] }).items;
}

/** `kubectl apply` of one or several objects. */
export async function apply(...objects: readonly object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
}

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
}

/** Runs a command in a container; standard output, or an error with what it said. */
export function exec(target: ExecTarget, command: readonly string[], options: RunOptions = {}): Promise<string> {
  return kubectl(
    ['-n', target.namespace, 'exec', ...(options.input === undefined ? [] : ['-i']), target.pod, ...(target.container === undefined ? [] : ['-c', target.container]), '--', ...command],
    options,
  );
}

const PATHS: Readonly<Record<string, string>> = {
  pods: '/api/v1',
  secrets: '/api/v1',
  configmaps: '/api/v1',
  statefulsets: '/apis/apps/v1',
  deployments: '/apis/apps/v1',
  patroniclusters: '/apis/patroni-operator.dev/v1alpha1',
  patronioperations: '/apis/patroni-operator.dev/v1alpha1',
};

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface WatchTarget {
  readonly namespace: string;
  /** Plural, one of those in the table above. */
  readonly resource: string;
  readonly name?: string;
  readonly selector?: string;
}

/** A watch that begins with the objects that exist. */
export interface Watch {
  stop(): void;
  /** Resolves when the watch ended, by `stop` or because the server closed it. */
  readonly ended: Promise<void>;
}

export function watch<T = Item>(target: WatchTarget, onEvent: (event: WatchEvent<T>) => void): Watch {
  const path = PATHS[target.resource];
  if (path === undefined) throw new Error(`no path known for ${target.resource}`);
  const query = new URLSearchParams({ watch: '1' });
  if (target.name !== undefined) query.set('fieldSelector', `metadata.name=${target.name}`);
  if (target.selector !== undefined) query.set('labelSelector', target.selector);
  const url = `${path}/namespaces/${target.namespace}/${target.resource}?${query.toString()}`;
  const child = spawn(environment().kubectl, [...base(), 'get', '--raw', url], { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const event = parseEvent<T>(line);
    if (event !== undefined) onEvent(event);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  return { stop: () => void child.kill('SIGKILL'), ended };
}

/** An event; undefined for the half line that is left when a watch is ended in the middle of one. */
function parseEvent<T>(line: string): WatchEvent<T> | undefined {
  try {
    return JSON.parse(line) as WatchEvent<T>;
  } catch {
    return undefined;
  }
}

/**
 * Watches until `decide` gives a value for an event, and returns it. Opens the watch again when the server ends it, until the time is over.
 * A deletion is an event like any other; an object that never existed causes none.
 */
export async function watchUntil<V, T = Item>(what: string, target: WatchTarget, decide: (event: WatchEvent<T>) => V | undefined, timeoutMs: number): Promise<V> {
  const deadline = Date.now() + timeoutMs;
  let last = 'no event';
  while (Date.now() < deadline) {
    const found = await new Promise<{ value: V } | undefined>((resolve) => {
      const stream = watch<T>(target, (event) => {
        last = `the last event was ${event.type} ${JSON.stringify((event.object as Partial<Item>).status ?? {}).slice(0, 1500)}`;
        const value = decide(event);
        if (value === undefined) return;
        resolve({ value });
        stream.stop();
      });
      const timer = setTimeout(() => stream.stop(), Math.max(0, deadline - Date.now()));
      void stream.ended.then(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    if (found !== undefined) return found.value;
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s; ${last}`);
}

/** `kubectl wait --for=condition=TYPE`. */
export async function waitCondition(namespace: string, object: string, condition: string, timeoutMs: number): Promise<void> {
  await kubectl(['-n', namespace, 'wait', object, `--for=condition=${condition}`, `--timeout=${Math.ceil(timeoutMs / 1000)}s`], { timeoutMs: timeoutMs + 10_000 });
}
