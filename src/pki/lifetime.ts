export const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a certificate made for `days` has at least a third of its time left; else it is renewed. An end that is no time (NaN) is not fresh. */
export function isFresh(notAfterMs: number, days: number, nowMs: number): boolean {
  return notAfterMs - nowMs >= (days * DAY_MS) / 3;
}
