import {
  boolYaml11Tag,
  floatCoreTag,
  intCoreTag,
  loadAll,
  mapTag,
  mergeTag,
  nullCoreTag,
  Schema,
  seqTag,
  strTag,
  YAMLException,
} from 'js-yaml';

import { OperatorError } from '../errors.ts';
import type { CliIo } from './io.ts';

/**
 * YAML as kubectl reads it (sigs.k8s.io/yaml): `yes`, `on` and their like are booleans and `<<` merges, which YAML 1.2 (js-yaml's default) knows neither of; times stay
 * texts, and `12:30` is no number.
 */
const KUBECTL_YAML = new Schema([strTag, seqTag, mapTag, mergeTag, nullCoreTag, boolYaml11Tag, intCoreTag, floatCoreTag]);

/**
 * The objects in a file of YAML documents (JSON is YAML); the items of a List count one by one, empty documents not at all.
 * @throws ERR_CLI_INPUT when the file cannot be read or parsed
 */
export async function readDocuments(io: CliIo, file: string): Promise<readonly unknown[]> {
  const text = await io.read(file).catch((cause: unknown) => {
    throw new OperatorError('ERR_CLI_INPUT', { file, problem: reason(cause) }, { cause });
  });
  try {
    return loadAll(text, { schema: KUBECTL_YAML }).flatMap(items);
  } catch (cause) {
    throw new OperatorError('ERR_CLI_INPUT', { file, problem: reason(cause) }, { cause });
  }
}

function items(document: unknown): readonly unknown[] {
  if (document === null || document === undefined) return [];
  const { kind, items: list } = document as { readonly kind?: unknown; readonly items?: unknown };
  return kind === 'List' && Array.isArray(list) ? (list as readonly unknown[]) : [document];
}

function reason(cause: unknown): string {
  if (cause instanceof YAMLException)
    return cause.mark === undefined ? cause.reason : `line ${cause.mark.line + 1}, column ${cause.mark.column + 1}: ${cause.reason}`;
  switch ((cause as { readonly code?: string }).code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'is a folder: name a file';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
