import type { IncomingMessage } from 'node:http';

/** What came of reading a body. `too-many`: others are being read, and together they would take too much memory. */
export type Body = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'too-large' } | { readonly kind: 'too-many' };

/** Reads bodies within bounds: anybody who can reach the port can send one, and the operator shares its memory limit. */
export interface BodyReader {
  /** The whole body. What is refused is read to its end and dropped, so that the answer arrives. @throws when the client breaks off */
  read(request: IncomingMessage): Promise<Body>;
}

/** An object in etcd has at most 1.5 MB, a request 3 MiB; a review carries the object twice. */
const MAX_BODY_BYTES = 6 * 2 ** 20;
/** All bodies that are being read at one time. Reviews of real clusters take some kilobytes each. */
const MAX_TOGETHER_BYTES = 24 * 2 ** 20;

export function createBodyReader(limits: { readonly bodyBytes: number; readonly togetherBytes: number } = { bodyBytes: MAX_BODY_BYTES, togetherBytes: MAX_TOGETHER_BYTES }): BodyReader {
  let togetherBytes = 0;
  return {
    async read(request) {
      let chunks: Buffer[] = [];
      let heldBytes = 0;
      let refused: 'too-large' | 'too-many' | undefined;
      const release = (): void => {
        togetherBytes -= heldBytes;
        heldBytes = 0;
        chunks = [];
      };
      try {
        for await (const chunk of request as AsyncIterable<Buffer>) {
          if (refused !== undefined) continue;
          chunks.push(chunk);
          heldBytes += chunk.length;
          togetherBytes += chunk.length;
          if (heldBytes > limits.bodyBytes) refused = 'too-large';
          else if (togetherBytes > limits.togetherBytes) refused = 'too-many';
          if (refused !== undefined) release();
        }
        return refused === undefined ? { kind: 'text', text: Buffer.concat(chunks).toString('utf8') } : { kind: refused };
      } finally {
        release();
      }
    },
  };
}
