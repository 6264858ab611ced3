import { closeSync, openSync, readSync, statSync } from 'node:fs';

import { environment } from './environment.ts';

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** A finished request to the API server: `patch patroniclusters/status e2e/shared`. */
export interface Request {
  readonly verb: string;
  readonly resource: string;
  readonly object: string;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export const isWrite = (request: Request): boolean => WRITES.has(request.verb);

/** Leader election renews its Lease every few seconds, settled or not: the one write that does not count. */
export const isLease = (request: Request): boolean => request.resource === 'leases';

/** Where the audit log ends now; undefined when there is none (a cluster that is not ours). */
export function auditPosition(): number | undefined {
  const { auditLog } = environment();
  return auditLog === undefined ? undefined : statSync(auditLog).size;
}

/** Requests of a user (by the end of its name) since a position. */
export function requestsSince(position: number, userSuffix: string): readonly Request[] {
  const { auditLog } = environment();
  if (auditLog === undefined) return [];
  const size = statSync(auditLog).size;
  // Smaller than before: the log was rotated, and what follows is in the new file.
  const from = size < position ? 0 : position;
  const buffer = Buffer.alloc(size - from);
  const file = openSync(auditLog, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, from);
  } finally {
    closeSync(file);
  }
  return buffer
    .toString()
    .split('\n')
    .filter((line) => line.includes(userSuffix))
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as AuditEvent];
      } catch {
        return [];
      }
    })
    .filter((event) => event.stage === 'ResponseComplete' && event.user.username.endsWith(userSuffix))
    .map((event) => ({
      verb: event.verb,
      resource: [event.objectRef?.resource ?? '?', event.objectRef?.subresource].filter((part) => part !== undefined).join('/'),
      object: `${event.objectRef?.namespace ?? ''}/${event.objectRef?.name ?? ''}`,
    }));
}

/** `3 × patch statefulsets e2e/shared-postgres`, most frequent first. */
export function summary(requests: readonly Request[]): string {
  const counts = new Map<string, number>();
  for (const request of requests) {
    const key = `${request.verb} ${request.resource} ${request.object}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([key, count]) => `${count} × ${key}`).join(', ');
}
