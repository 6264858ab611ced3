import { Command, CommanderError } from 'commander';

import { ERRORS, isOperatorError } from '../errors.ts';
import { configCommand } from './config/command.ts';
import { processIo, type CliIo } from './io.ts';
import { connectAs, type Connect } from './kubernetes.ts';
import { renderCommand } from './render/command.ts';
import { runCommand } from './run/command.ts';
import type { RunSettings } from './run/settings.ts';
import { validateCommand } from './validate/command.ts';

export interface ProgramParts {
  readonly run: (settings: RunSettings) => Promise<void>;
  readonly version: string;
  readonly io?: CliIo;
  /** How commands reach the API server; by kubeconfig when absent. */
  readonly connect?: Connect;
}

export interface Program {
  /**
   * Runs the verb in `args` (without program and script) and gives the exit code; for `run` when the operator has stopped. Failures from the table are printed with their
   * remedy; anything else is thrown.
   */
  readonly execute: (args: readonly string[]) => Promise<number>;
}

/** The command line. */
export function buildProgram({ run, version, io = processIo, connect = connectAs(version) }: ProgramParts): Program {
  let exitCode = 0;
  const exit = (code: number): void => void (exitCode = code);
  const program = new Command('patroni-operator')
    .description('Kubernetes operator for highly available PostgreSQL under Patroni and etcd')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help for a verb');
  const commands = [runCommand(io, run), renderCommand(io, exit), validateCommand(io, exit), configCommand({ io, exit, connect })];
  for (const command of commands) program.addCommand(command);
  for (const command of withSubcommands(program))
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err, getOutHelpWidth: () => 120, getErrHelpWidth: () => 120 });
  return {
    execute: async (args) => {
      exitCode = 0;
      try {
        await program.parseAsync([...args], { from: 'user' });
        return exitCode;
      } catch (error) {
        if (error instanceof CommanderError) return error.exitCode;
        if (!isOperatorError(error)) throw error;
        io.err(`${error.message}\n${ERRORS[error.code].remedy} (${error.code})\n`);
        return 1;
      }
    },
  };
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
