import { open } from 'node:fs/promises';

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Requests in an audit log since a position, apart from the bench's own (by its user agent). */
export async function auditedRequests(path: string, position: number): Promise<{ readonly total: number; readonly writes: readonly string[] }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.max(0, size - position));
    await file.read(buffer, 0, buffer.length, position);
    const events = buffer
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { verb: string; userAgent?: string; requestURI: string })
      .filter((event) => event.userAgent !== 'bench');
    return { total: events.length, writes: events.filter((event) => WRITES.has(event.verb)).map((event) => `${event.verb} ${event.requestURI}`) };
  } finally {
    await file.close();
  }
}
