import * as z from 'zod';

import type { OperatorConfig } from './effective.ts';
import { API_VERSION } from './meta.ts';
import type { ObjectMeta, PatroniClusterObject, PatroniOperationObject } from './objects.ts';
import { patroniClusterSpec } from './patronicluster.ts';
import { patroniOperationSpec } from './patronioperation.ts';
import { problem, type Problem } from './problem.ts';
import type { Rule } from './rule.ts';
import * as rules from './rules.ts';
import { brokenRules, pathText, withoutNulls } from './schema-walk.ts';
import { schemaProblems, unknownField, valueAt } from './schema-problems.ts';

/**
 * The one validator: the loop (always) and the command line call it. It applies the schema and every rule of the CRD in code, and the few rules that need more than the
 * object. Whatever the CRD refuses is refused here too (`test/conformance/cel-agrees.test.ts`), so a manifest that passes offline passes at admission.
 */

/** What parsing gives: the object with all defaults when it can be read at all, and every problem that was found. `problems` empty ⇔ the object is valid. */
export interface Parsed<T> {
  readonly object?: T;
  readonly problems: readonly Problem[];
}

export interface ParsedCluster {
  /** The cluster with every default applied; absent when its shape is wrong. It may be present beside problems (a broken rule). */
  readonly cluster?: PatroniClusterObject;
  readonly problems: readonly Problem[];
}

export interface ParseOptions {
  /** Namespace of a manifest that names none. @default 'default' */
  readonly namespace?: string;
}

/** Reads a PatroniCluster as it came from YAML or the API server. Unknown fields are problems. Never throws. */
export function parseCluster(raw: unknown, options: ParseOptions = {}): ParsedCluster {
  const { object, problems } = parse<PatroniClusterObject>('PatroniCluster', patroniClusterSpec, raw, options, rules.clusterName);
  return object === undefined ? { problems } : { cluster: object, problems: [...problems, ...droppedFields(object)] };
}

/** Reads a PatroniOperation, as `parseCluster` does a cluster. */
export function parseOperation(raw: unknown, options: ParseOptions = {}): Parsed<PatroniOperationObject> {
  return parse<PatroniOperationObject>('PatroniOperation', patroniOperationSpec, raw, options);
}

/** What is wrong with a parsed cluster beyond the rules of the CRD: what depends on the configuration of the operator and on what the cluster runs already. */
export function validateCluster(cluster: PatroniClusterObject, operator: OperatorConfig): readonly Problem[] {
  const { images, versions } = cluster.spec;
  const known = Object.keys(operator.images.postgres);
  if (images.postgres !== undefined || operator.images.postgres[versions.postgres] !== undefined) return [];
  const has = known.length === 0 ? 'no image at all' : `images for ${known.join(', ')} only`;
  return [
    problem(
      'ERR_SPEC_NO_IMAGE',
      'spec.versions.postgres',
      `the operator has ${has}: choose one of these versions or set spec.images.postgres`,
    ),
  ];
}

/** Which changes from `old` to `next` are forbidden (immutable fields, shrinking volumes). Both must have been parsed. */
export function validateUpdate(old: PatroniClusterObject, next: PatroniClusterObject): readonly Problem[] {
  const node = { schema: patroniClusterSpec, self: next.spec, path: ['spec'] };
  const always = new Set(brokenRules(node).map((p) => `${p.code} ${p.path} ${p.message}`));
  return brokenRules({ ...node, old: old.spec }).filter((p) => !always.has(`${p.code} ${p.path} ${p.message}`));
}

/** Secrets that the spec names and that are not among `existing` (names in the namespace of the cluster). */
export function missingReferences(cluster: PatroniClusterObject, existing: ReadonlySet<string>): readonly Problem[] {
  return (cluster.spec.images.pullSecrets ?? []).flatMap((name, i) =>
    existing.has(name)
      ? []
      : [
          problem(
            'ERR_SPEC_REFERENCE_MISSING',
            `spec.images.pullSecrets[${i}]`,
            `Secret ${name} does not exist: create it or correct the name`,
          ),
        ],
  );
}

const envelope = z.looseObject({
  apiVersion: z.literal(API_VERSION),
  metadata: z.looseObject({
    name: z.string().min(1).max(253),
    namespace: z.string().max(63).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

const TOP_LEVEL = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

function parse<T>(kind: string, specSchema: z.ZodType, raw: unknown, options: ParseOptions, nameRule?: Rule): Parsed<T> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return { problems: [problem('ERR_SPEC_NOT_A_CLUSTER', '', `is not a ${kind}: a manifest is an object`)] };
  const manifest = raw as Readonly<Record<string, unknown>>;
  if (manifest['kind'] !== kind)
    return { problems: [problem('ERR_SPEC_NOT_A_CLUSTER', 'kind', `must be ${kind}, not ${String(manifest['kind'])}`)] };
  if (manifest['apiVersion'] !== API_VERSION) {
    return { problems: [problem('ERR_SPEC_NOT_A_CLUSTER', 'apiVersion', `must be ${API_VERSION}, not ${String(manifest['apiVersion'])}`)] };
  }
  const unknown = Object.keys(manifest)
    .filter((key) => !TOP_LEVEL.includes(key))
    .map((key) => problem('ERR_SPEC_UNKNOWN_FIELD', pathText([key]), unknownField(key, TOP_LEVEL)));
  const head = envelope.safeParse(manifest);
  const spec = withoutNulls(specSchema, manifest['spec']);
  const body = specSchema.safeParse(spec);
  const problems = [
    ...unknown,
    ...(head.success ? nameProblems(head.data.metadata.name, nameRule) : schemaProblems(envelope, manifest, head.error, [])),
    ...(body.success ? [] : schemaProblems(specSchema, spec, body.error, ['spec'])),
    // A misspelt field must not hide what else is wrong.
    ...rulesBroken(specSchema, body.success ? body : specSchema.safeParse(withoutUnknown(spec, body.error))),
  ];
  if (!head.success || !body.success) return { problems };
  const metadata = { ...(manifest['metadata'] as ObjectMeta), namespace: head.data.metadata.namespace ?? options.namespace ?? 'default' };
  return { object: { ...manifest, metadata, spec: body.data } as T, problems };
}

function rulesBroken(schema: z.ZodType, body: z.ZodSafeParseResult<unknown>): readonly Problem[] {
  return body.success ? brokenRules({ schema, self: body.data, path: ['spec'] }) : [];
}

/** `value` without the fields that `error` calls unknown. */
function withoutUnknown(value: unknown, error: z.ZodError): unknown {
  const copy = structuredClone(value);
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) Reflect.deleteProperty(valueAt(copy, issue.path) as object, key);
  }
  return copy;
}

function nameProblems(name: string, r: Rule | undefined): readonly Problem[] {
  return r === undefined || r.holds({ metadata: { name } }, undefined) ? [] : [problem(r.code, 'metadata.name', r.message.replace(/^metadata.name /, ''))];
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Unknown fields that the API server dropped before anybody could refuse them. It refuses them for kubectl and for every server-side apply, but a client that applies
 * from its own side without strict validation (Argo CD, `kubectl apply --validate=false`) only gets a warning. Such clients leave the manifest as it was written in an
 * annotation, where the field is still to be seen.
 */
function droppedFields(cluster: PatroniClusterObject): readonly Problem[] {
  const text = cluster.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return [];
  const written = parseJson(text);
  if (typeof written !== 'object' || written === null) return [];
  const { problems } = parse('PatroniCluster', patroniClusterSpec, { ...written, apiVersion: API_VERSION, kind: 'PatroniCluster' }, {});
  return problems
    .filter((p) => p.code === 'ERR_SPEC_UNKNOWN_FIELD')
    .map((p) => ({ ...p, message: `${p.message} (the manifest that was applied has it, and the API server has dropped it)` }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
