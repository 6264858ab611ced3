import { Option, type Command } from 'commander';

import { CLUSTER_SETTINGS } from './operator-config.ts';
import { settingHelp, type Flags, type Setting } from './options.ts';

/** Adds a flag per setting; the values are read by `settingValue`, so commander knows neither defaults nor variables. */
export function addSettings(command: Command, settings: Readonly<Record<string, Setting<unknown>>>): void {
  for (const setting of Object.values(settings)) command.addOption(new Option(setting.flags, settingHelp(setting)));
}

export function addClusterSettings(command: Command): void {
  addSettings(command, CLUSTER_SETTINGS);
}

/** `-f FILE`, more than once if wanted. */
export function addFiles(command: Command, { isMandatory }: { readonly isMandatory: boolean } = { isMandatory: true }): void {
  const collect = (file: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), file];
  command.addOption(
    new Option('-f, --file <file>', 'file with manifests in YAML or JSON, - for standard input; may be given more than once')
      .argParser(collect)
      .makeOptionMandatory(isMandatory),
  );
}

export function filesOf(flags: Flags): readonly string[] {
  return (flags['file'] as readonly string[] | undefined) ?? [];
}
