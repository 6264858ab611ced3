import { Command } from 'commander';

import type { CliIo } from '../io.ts';
import { operatorConfig } from '../operator-config.ts';
import type { Flags } from '../options.ts';
import { addClusterSettings, addFiles, filesOf } from '../flags.ts';
import { runValidate } from './run.ts';

/** `patroni-operator validate -f FILE`. */
export function validateCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command('validate')
    .description('Check manifests offline, by every rule that the operator and the API server apply')
    .addHelpText(
      'after',
      '\nPrints a line per problem with the path of the field and what to do; exits with 1 when there is one.\nWarnings are told and do not change the exit code. Other kinds in the file are passed by.',
    );
  addFiles(command);
  addClusterSettings(command);
  return command.action(async (flags: Flags) => exit(await runValidate(io, filesOf(flags), operatorConfig(flags, io.env))));
}
