import { buildProgram } from '../../src/cli/program.ts';
import type { KubernetesOptions } from '../../src/cli/kubernetes.ts';

export interface CliWorld {
  /** Contents of files by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the API server has, by `namespace/name`. */
  readonly stored?: Readonly<Record<string, unknown>>;
}

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** How the API server was reached, each time. */
  readonly connections: readonly KubernetesOptions[];
  /** Connections that were left open. */
  readonly open: number;
}

/** The program with files and an API server in memory, whose kubeconfig names the namespace `shop`. */
export async function cli(args: readonly string[], { files = {}, stored = {} }: CliWorld = {}): Promise<CliResult> {
  let [out, err, open] = ['', '', 0];
  const connections: KubernetesOptions[] = [];
  const program = buildProgram({
    version: '1.2.3',
    run: () => Promise.resolve(),
    io: {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      read: (file) =>
        files[file] === undefined ? Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' })) : Promise.resolve(files[file]),
      env: {},
    },
    connect: (options) => {
      open += 1;
      connections.push(options);
      return {
        namespace: 'shop',
        findCluster: ({ namespace, name }) => Promise.resolve(stored[`${namespace}/${name}`]),
        close: () => {
          open -= 1;
          return Promise.resolve();
        },
      };
    },
  });
  const code = await program.execute(args);
  return { code, out, err, connections, open };
}
