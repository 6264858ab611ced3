/**
 * What `POST /switchover` said (Patroni 4.1 `api.py`, do_POST_failover). None of these ends an operation: the next observation does (a 200 only
 * says that the leader key moved, and a 503 "status unknown" may still be carried out).
 *
 * - `accepted`: 200, `leader` has the key; `isCandidate` is false for "Switched over to X instead of Y".
 * - `scheduled`: 202; never asked for by us.
 * - `refused`: 400, 412, 422: nothing was changed, nothing will be.
 * - `failed`: 503 "Switchover failed": the leader's loop looked at the request and removed it (lag, quorum); its log holds the reason.
 * - `unknown`: 503 "status unknown", 503 "failed to write failover key into DCS" (a write that timed out may have arrived) or anything else: look at
 *   the cluster.
 */
export type SwitchoverReply =
  | { readonly kind: 'accepted'; readonly leader: string; readonly isCandidate: boolean; readonly text: string }
  | { readonly kind: 'scheduled'; readonly text: string }
  | { readonly kind: 'refused'; readonly reason: SwitchoverRefusedReason; readonly httpStatus: number; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'unknown'; readonly httpStatus: number; readonly text: string };

export type SwitchoverRefusedReason =
  'LeaderChanged' | 'CandidateUnknown' | 'CandidateNotSynchronous' | 'CandidateIsLeader' | 'NoCandidate' | 'ClusterPaused' | 'Other';

/** Texts of Patroni 3.0 to 4.1, the misspelling included. */
const REFUSALS: readonly (readonly [RegExp, SwitchoverRefusedReason])[] = [
  [/leader name does not match/, 'LeaderChanged'],
  [/candidate does not exists?/, 'CandidateUnknown'],
  [/candidate name does not match with sync_standby/, 'CandidateNotSynchronous'],
  [/can not find sync_standby|does not have members except leader|no good candidates have been found/, 'NoCandidate'],
  [/target and source are the same/, 'CandidateIsLeader'],
  [/paused state/, 'ClusterPaused'],
];

const MOVED = /over to "([^"]+)"(?: instead of "([^"]+)")?/;

export function parseSwitchoverReply(httpStatus: number, body: string): SwitchoverReply {
  // A malformed body gets an HTML error page (http.server), which tells nothing that the status does not.
  const text = body.trimStart().startsWith('<') ? `HTTP ${httpStatus}` : body.trim().slice(0, 1_000);
  const moved = MOVED.exec(text);
  if (httpStatus === 200 && moved?.[1] !== undefined) {
    return { kind: 'accepted', leader: moved[1], isCandidate: moved[2] === undefined, text };
  }
  if (httpStatus === 202) return { kind: 'scheduled', text };
  const reason = REFUSALS.find(([pattern]) => pattern.test(text))?.[1];
  if (httpStatus === 400 || httpStatus === 412 || httpStatus === 422)
    return { kind: 'refused', reason: reason ?? 'Other', httpStatus, text };
  if (httpStatus === 503 && /(switch|fail)over failed/i.test(text)) return { kind: 'failed', text };
  return { kind: 'unknown', httpStatus, text };
}
