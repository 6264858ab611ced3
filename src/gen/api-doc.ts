import { API_VERSION } from '../api/meta.ts';
import type { Kind } from './crd.ts';
import { table } from './markdown.ts';
import { structuralSchema, type Schema } from './structural.ts';

/** `docs/reference/<kind>.md`: every field with its type, default, bounds and description. */
export function apiDoc(kind: Kind): string {
  const section = (name: 'spec' | 'status'): string => {
    const schema = structuralSchema(kind[name]);
    const head = name === 'spec' ? ['Field', 'Type', 'Default', 'Description'] : ['Field', 'Type', 'Description'];
    const rows = fields(schema, name).map(({ path, node }) => {
      const cells = [`\`${path}\``, typeText(node), defaultText(node), descriptionText(node)];
      return name === 'spec' ? cells : [cells[0] ?? '', cells[1] ?? '', cells[3] ?? ''];
    });
    return `## ${name}\n\n${schema.description ?? ''}\n\n${table(head, rows)}`;
  };
  return `# ${kind.kind}

\`${API_VERSION}\` · short names ${kind.shortNames.map((name) => `\`${name}\``).join(', ')} · ${kind.description}

\`kubectl explain ${kind.plural}.spec\` shows the same on the command line.

Unknown fields are refused, not ignored: by the API server for \`kubectl\` (\`--validate=strict\` is its default) and for every server-side apply; by
\`patroni-operator validate -f FILE\` everywhere, with a suggestion for typing errors. A client that does neither gets a warning from the API server, which drops the field;
where such a client leaves the manifest in \`kubectl.kubernetes.io/last-applied-configuration\` (Argo CD without server-side apply), the operator finds the field there
and says so in the condition \`SpecValid\`.

${section('spec')}
${section('status')}`;
}

interface Field {
  readonly path: string;
  readonly node: Schema;
}

/** Leaves and objects below `node`, in the order of the schema. Lists appear as `path[]`. */
function fields(node: Schema, path: string): readonly Field[] {
  if (node.type === 'array' && node.items !== undefined) return fields(node.items, `${path}[]`);
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => [
    { path: `${path}.${name}`, node: child },
    ...fields(child, `${path}.${name}`),
  ]);
}

function typeText(node: Schema): string {
  if (node['x-kubernetes-int-or-string'] === true) return 'string or integer';
  if (node['x-kubernetes-preserve-unknown-fields'] === true) return 'object';
  if (node.type === 'array') return `list of ${typeText(node.items ?? {})}`;
  if (node.additionalProperties !== undefined) return `map of ${typeText(node.additionalProperties)}`;
  return node.type ?? '';
}

/** Defaults of objects whose fields have defaults of their own say nothing new. */
function defaultText(node: Schema): string {
  const isRepeated = Object.values(node.properties ?? {}).some((child) => child.default !== undefined);
  if (node.default === undefined || isRepeated || JSON.stringify(node.default) === '{}') return '';
  return `\`${typeof node.default === 'string' ? node.default : JSON.stringify(node.default)}\``;
}

function descriptionText(node: Schema): string {
  const choices = Array.isArray(node['enum'])
    ? ` One of ${(node['enum'] as readonly unknown[]).map((choice) => `\`${String(choice)}\``).join(', ')}.`
    : '';
  const { minimum, maximum } = node as { readonly minimum?: number; readonly maximum?: number };
  const bounds = minimum === undefined || maximum === undefined ? '' : ` ${minimum} to ${maximum}.`;
  return `${node.description ?? ''}${choices}${bounds}`;
}
