import { isDeepStrictEqual } from 'node:util';

import { effectiveCluster, type OperatorConfig } from '../api/effective.ts';
import { GROUP } from '../api/meta.ts';
import type { PatroniClusterObject } from '../api/objects.ts';
import { problemText, type Problem } from '../api/problem.ts';
import { parseCluster, validateCluster, validateUpdate } from '../api/validate.ts';
import { checkConfig } from '../config/check.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import { shorten } from '../lib/shorten.ts';

/** What the API server asks (`admission.k8s.io/v1`, AdmissionReview): the fields that are read. */
export interface AdmissionReview {
  readonly apiVersion: string;
  readonly kind: 'AdmissionReview';
  readonly response: AdmissionResponse;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
}

export interface ReviewOptions {
  readonly operator: OperatorConfig;
  /** Short sentences about what an edit will interrupt; `old` is absent on creation. */
  readonly warningsOf: (old: PatroniClusterObject | undefined, next: PatroniClusterObject) => readonly string[];
}

const REVIEW_VERSION = 'admission.k8s.io/v1';
/** The API server cuts warnings at 256 characters each and 4,096 together (KEP-1693). */
const WARNING_LENGTH = 250;
const WARNINGS_LENGTH = 4000;
/** Long enough for every problem of a real manifest; kubectl prints it on one line. */
const MESSAGE_LENGTH = 3000;

/**
 * The answer to an AdmissionReview: the validator's refusals, and warnings. What does not change the spec always passes (a cluster that was valid once must stay deletable and
 * annotatable), and so does what is none of our business. Undefined when `raw` is no AdmissionReview. Pure.
 */
export function review(raw: unknown, options: ReviewOptions): AdmissionReview | undefined {
  const request = isJsonObject(raw) && raw['apiVersion'] === REVIEW_VERSION && raw['kind'] === 'AdmissionReview' ? raw['request'] : undefined;
  if (!isJsonObject(request) || typeof request['uid'] !== 'string') return undefined;
  return { apiVersion: REVIEW_VERSION, kind: 'AdmissionReview', response: { uid: request['uid'], ...verdict(request, options) } };
}

type Verdict = Omit<AdmissionResponse, 'uid'>;

const PASSES: Verdict = { allowed: true };

function verdict(request: JsonObject, options: ReviewOptions): Verdict {
  const { operation, object, oldObject, subResource = '', kind } = request;
  const isOurs = isJsonObject(kind) && kind['group'] === GROUP && kind['kind'] === 'PatroniCluster' && subResource === '';
  if (!isOurs || (operation !== 'CREATE' && operation !== 'UPDATE') || !isJsonObject(object)) return PASSES;
  const metadata = isJsonObject(object['metadata']) ? object['metadata'] : {};
  if (metadata['deletionTimestamp'] !== undefined) return PASSES;
  const old = operation === 'UPDATE' && isJsonObject(oldObject) ? oldObject : undefined;
  if (old !== undefined && isDeepStrictEqual(old['spec'], object['spec'])) return PASSES;
  return judge(object, old, options);
}

function judge(object: JsonObject, old: JsonObject | undefined, { operator, warningsOf }: ReviewOptions): Verdict {
  const { cluster, problems } = parseCluster(object);
  if (cluster === undefined) return refusal(problems);
  // What the spec was before may be invalid; then there is nothing to compare with.
  const before = old === undefined ? undefined : parseCluster(old).cluster;
  const config = checkConfig(effectiveCluster(cluster, operator));
  // A cluster that exists runs an image already, which stays whatever the operator has: only a new one needs the operator to have one.
  const found = [...problems, ...(old === undefined ? validateCluster(cluster, operator) : []), ...(before === undefined ? [] : validateUpdate(before, cluster)), ...config.errors];
  if (found.length > 0) return refusal(found);
  const warnings = within([...config.warnings.map(problemText), ...warningsOf(before, cluster)]);
  return warnings.length === 0 ? PASSES : { allowed: true, warnings };
}

function refusal(problems: readonly Problem[]): Verdict {
  const message = [...new Set(problems.map(problemText))].join('; ');
  return { allowed: false, status: { code: 422, reason: 'Invalid', message: shorten(message, MESSAGE_LENGTH) } };
}

function within(warnings: readonly string[]): readonly string[] {
  let left = WARNINGS_LENGTH;
  // The API server drops a warning with a line break in it, without a word: it travels in a header.
  const lines = warnings.map((warning) => warning.replace(/[\s\p{Cc}]+/gu, ' ').trim());
  return [...new Set(lines)]
    .map((warning) => shorten(warning, WARNING_LENGTH))
    .filter((warning) => {
      left -= warning.length;
      return left >= 0;
    });
}
