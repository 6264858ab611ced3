import { ANNOTATIONS } from '../api/meta.ts';

/** What a leaf certificate should be. */
export interface WantedLeaf {
  readonly subjectHash: string;
  readonly subject: { readonly validityDays: number };
}

/** `missing`: there is no Secret. `renew`: issue again in place. */
export type LeafVerdict = 'ok' | 'renew' | 'missing';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Whether a leaf certificate must be issued (again): less than a third of its lifetime remains, it is signed by another CA, or it should say something else.
 * @param annotations those of the leaf's Secret, undefined when the Secret does not exist; without the operator's annotations the leaf is renewed
 * @param caFingerprint of the CA as seen now; undefined when the CA is not seen yet, which is no reason to renew anything
 */
export function leafVerdict(
  annotations: Readonly<Record<string, string>> | undefined,
  wanted: WantedLeaf,
  caFingerprint: string | undefined,
  nowMs: number,
): LeafVerdict {
  if (annotations === undefined) return 'missing';
  if (annotations[ANNOTATIONS.subjectHash] !== wanted.subjectHash) return 'renew';
  if (caFingerprint !== undefined && annotations[ANNOTATIONS.caFingerprint] !== caFingerprint) return 'renew';
  const remainingMs = Date.parse(annotations[ANNOTATIONS.notAfter] ?? '') - nowMs;
  // NaN (no time, or not a time) is not at least a third, so such a leaf is renewed.
  return remainingMs >= (wanted.subject.validityDays * DAY_MS) / 3 ? 'ok' : 'renew';
}
