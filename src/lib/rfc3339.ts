/** A time as Kubernetes writes it in objects: RFC 3339 in UTC with whole seconds. */
export function rfc3339Seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
