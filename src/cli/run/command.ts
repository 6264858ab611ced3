import { Command } from 'commander';

import { addClusterSettings, addSettings } from '../flags.ts';
import type { CliIo } from '../io.ts';
import type { Flags } from '../options.ts';
import { RUN_SETTINGS, runSettings, type RunSettings } from './settings.ts';

/** `patroni-operator run`: the flags; what it does is wired in `main.ts`. */
export function runCommand(io: CliIo, run: (settings: RunSettings) => Promise<void>): Command {
  const command = new Command('run')
    .description('Run the operator')
    .addHelpText('after', '\nA flag wins over the environment variable in brackets. The Helm chart sets the variables.');
  addSettings(command, RUN_SETTINGS);
  addClusterSettings(command);
  return command.action((flags: Flags) => run(runSettings(flags, io.env)));
}
