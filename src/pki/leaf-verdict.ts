import { ANNOTATIONS } from '../api/meta.ts';
import { isFresh } from './lifetime.ts';

/** What a leaf certificate should be. */
export interface WantedLeaf {
  readonly subjectHash: string;
  readonly subject: { readonly validityDays: number };
}

/** `missing`: there is no Secret. `renew`: issue again in place. */
export type LeafVerdict = 'ok' | 'renew' | 'missing';

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
  return isFresh(Date.parse(annotations[ANNOTATIONS.notAfter] ?? ''), wanted.subject.validityDays, nowMs) ? 'ok' : 'renew';
}
