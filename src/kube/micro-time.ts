/** `ms` since the epoch as metav1.MicroTime: RFC 3339 in UTC with six digits of fraction, which the API server demands of Leases and Events. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
