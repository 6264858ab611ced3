import { load } from 'js-yaml';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { JsonObject } from '../support/apiserver/json.ts';

const FOLDER = join(import.meta.dirname, '../../crds');

/** The committed CRDs: file name and parsed contents. */
export const CRDS: readonly { readonly file: string; readonly text: string; readonly crd: JsonObject }[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    return { file, text, crd: load(text) as JsonObject };
  });

interface CrdSpec {
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonObject } }[];
}

/** The schema of a kind, as it is served. */
export function schemaOf(kind: string): JsonObject {
  for (const { crd } of CRDS) {
    const { names, versions } = crd['spec'] as unknown as CrdSpec;
    const [version] = versions;
    if (names.kind === kind && version !== undefined) return version.schema.openAPIV3Schema;
  }
  throw new Error(`no CRD of kind ${kind}`);
}
