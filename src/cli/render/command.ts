import { Command, Option } from 'commander';

import { addClusterSettings, addFiles, filesOf } from '../flags.ts';
import type { CliIo } from '../io.ts';
import { operatorConfig } from '../operator-config.ts';
import type { Flags } from '../options.ts';
import { runRender } from './run.ts';

/** `patroni-operator render -f FILE`. */
export function renderCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command('render')
    .description('Print every object that the operator would create for a PatroniCluster, offline')
    .addOption(new Option('-o, --output <format>', 'format of the output').choices(['yaml', 'json']).default('yaml'))
    .option('-n, --namespace <namespace>', 'namespace of manifests that name none', 'default')
    .addHelpText(
      'after',
      '\nThe same input gives the same bytes, so two releases or two specs can be compared with diff. Secrets hold placeholders.',
    );
  addFiles(command);
  addClusterSettings(command);
  return command.action(async (flags: Flags & { readonly output: 'yaml' | 'json'; readonly namespace: string }) => {
    const { output, namespace } = flags;
    exit(await runRender(io, { files: filesOf(flags), output, namespace }, operatorConfig(flags, io.env)));
  });
}
