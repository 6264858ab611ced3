import { Command, Option } from 'commander';

import { addClusterSettings, addFiles, addSettings, filesOf } from '../flags.ts';
import type { CliIo } from '../io.ts';
import type { Connect, Kubernetes } from '../kubernetes.ts';
import { operatorConfig } from '../operator-config.ts';
import { settingValue, type Flags } from '../options.ts';
import { RUN_SETTINGS } from '../run/settings.ts';
import { diff } from './diff.ts';
import { explainCluster } from './explain-cluster.ts';
import { explainFiles } from './explain-file.ts';
import { type Format, FORMATS } from './output.ts';

export interface CommandParts {
  readonly io: CliIo;
  readonly exit: (code: number) => void;
  readonly connect: Connect;
}

/** `patroni-operator config explain` and `config diff`. */
export function configCommand(parts: CommandParts): Command {
  const command = new Command('config').description('Explain the configuration of Patroni and PostgreSQL, and what a change of it costs');
  return command.addCommand(explainCommand(parts)).addCommand(diffCommand(parts));
}

const { kubeconfig, context } = RUN_SETTINGS;

function explainCommand({ io, exit, connect }: CommandParts): Command {
  const command = new Command('explain')
    .description('List every key that a PatroniCluster sets, where it goes, and what became of it')
    .argument('[cluster]', 'PatroniCluster to ask the API server for; its status has the verdicts and what each member runs with')
    .option('--all', "with -f: show the operator's own values too, and where each comes from")
    .addHelpText(
      'after',
      '\nWith -f it works offline and tells what the manifest alone decides; with a cluster, what the operator has read back from the members.' +
        '\n\nExit codes: 0 everything is in force (-f: nothing is rejected); 1 failed; 2 something is rejected;' +
        '\n            3 something is not in force: pending restart, loading, drifted, ignored, unknown, or overridden by ALTER SYSTEM.',
    );
  addFiles(command, { isMandatory: false });
  addCommon(command);
  return command.action(async (cluster: string | undefined, flags: Flags) => {
    const files = filesOf(flags);
    if ((cluster === undefined) === (files.length === 0)) command.error('error: name either a cluster or a file with -f');
    const operator = operatorConfig(flags, io.env);
    const common = { output: flags['output'] as Format, ...namespaceOf(flags) };
    if (cluster === undefined) {
      exit(await explainFiles(io, { ...common, files, all: flags['all'] === true }, operator));
      return;
    }
    if (flags['all'] === true) command.error('error: --all needs -f');
    const kubernetes = connected(connect, flags, io);
    try {
      exit(await explainCluster(io, { ...common, name: cluster }, { kubernetes, operator }));
    } finally {
      await kubernetes.close();
    }
  });
}

function diffCommand({ io, exit, connect }: CommandParts): Command {
  const command = new Command('diff')
    .description('Show what a changed manifest would do, and which restarts it costs, before it is applied')
    .argument('[cluster]', 'PatroniCluster to compare with, where it is called otherwise than the manifest')
    .option('--against <file>', 'manifest to compare with instead of the cluster; nothing is asked then')
    .addHelpText(
      'after',
      '\nNothing is written. The plan of restarts is the one that the operator follows.' +
        '\n\nExit codes: 0 no difference; 1 failed; 2 the manifest would be refused; 3 it differs.',
    );
  addFiles(command);
  addCommon(command);
  return command.action(async (cluster: string | undefined, flags: Flags) => {
    const against = flags['against'] as string | undefined;
    const options = {
      files: filesOf(flags),
      output: flags['output'] as Format,
      ...namespaceOf(flags),
      ...(cluster === undefined ? {} : { cluster }),
      ...(against === undefined ? {} : { against }),
    };
    exit(await diff(io, options, { operator: operatorConfig(flags, io.env), connect: () => connected(connect, flags, io) }));
  });
}

function addCommon(command: Command): void {
  command
    .addOption(new Option('-o, --output <format>', 'format of the output').choices(FORMATS).default('text'))
    .option('-n, --namespace <namespace>', 'namespace of the cluster, and of manifests that name none');
  addSettings(command, { kubeconfig, context });
  addClusterSettings(command);
}

function namespaceOf(flags: Flags): { readonly namespace?: string } {
  const namespace = flags['namespace'] as string | undefined;
  return namespace === undefined ? {} : { namespace };
}

function connected(connect: Connect, flags: Flags, { env }: CliIo): Kubernetes {
  const [file, name] = [settingValue(kubeconfig, flags, env), settingValue(context, flags, env)];
  return connect({ ...(file === '' ? {} : { kubeconfig: file }), ...(name === '' ? {} : { context: name }) });
}
