import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';

/** A Kubernetes object as rendered: plain JSON, read with the paths below. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly securityContext: Record<string, unknown>;
  readonly affinity?: Record<string, unknown>;
  readonly [field: string]: unknown;
  readonly containers: readonly [
    {
      readonly image: string;
      readonly env: readonly { readonly name: string; readonly value?: string }[];
      readonly securityContext: Record<string, unknown>;
      readonly [field: string]: unknown;
    },
  ];
}

/** Objects of a file below the repository's root. The committed files are what Helm renders: `scripts/deploy.mjs --check` sees to that. */
export function renderedFile(path: string): Rendered[] {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  return loadAll(text).filter((object): object is Rendered => object !== null && object !== undefined);
}

/** Objects that the chart gives with the values of `test/chart/cases/NAME.yaml`, without its CRDs. */
export const renderedCase = (name: string): Rendered[] => renderedFile(`test/chart/rendered/${name}.yaml`);

export const kinds = (objects: readonly Rendered[]): string[] => objects.map((object) => object.kind).sort();

export function only(objects: readonly Rendered[], kind: string): Rendered {
  const found = objects.filter((object) => object.kind === kind);
  if (found.length !== 1) throw new Error(`expected one ${kind}, found ${found.length}`);
  return found[0]!;
}

export function podOf(objects: readonly Rendered[]): { readonly labels: Record<string, string>; readonly spec: PodSpec } {
  const { template } = only(objects, 'Deployment')['spec'] as { template: { metadata: { labels: Record<string, string> }; spec: PodSpec } };
  return { labels: template.metadata.labels, spec: template.spec };
}

export function envOf(objects: readonly Rendered[]): Record<string, string | undefined> {
  return Object.fromEntries(podOf(objects).spec.containers[0].env.map(({ name, value }) => [name, value]));
}

export const rulesOf = (role: Rendered): readonly Rule[] => role['rules'] as readonly Rule[];
