import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';

import { expect, test } from '@jest/globals';

import { createBodyReader } from './body.ts';

const request = (...chunks: readonly string[]): IncomingMessage => Readable.from(chunks.map((chunk) => Buffer.from(chunk))) as unknown as IncomingMessage;

/** A request that sends its first chunk and then waits. */
function slow(first: string): { readonly message: IncomingMessage; readonly end: () => void; readonly fail: () => void } {
  const stream = new Readable({ read: () => undefined });
  stream.push(Buffer.from(first));
  return { message: stream as unknown as IncomingMessage, end: () => void stream.push(null), fail: () => void stream.destroy(new Error('aborted')) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('gives the whole text, up to the limit', async () => {
  const bodies = createBodyReader({ bodyBytes: 6, togetherBytes: 100 });
  expect(await bodies.read(request('abc', 'déf'.slice(0, 2)))).toEqual({ kind: 'text', text: 'abcdé' });
  expect(await bodies.read(request('abcdef'))).toEqual({ kind: 'text', text: 'abcdef' });
  expect(await bodies.read(request('abcdef', 'g', 'h'))).toEqual({ kind: 'too-large' });
});

test('refuses what would be too much beside the bodies that are being read, until those are done', async () => {
  const bodies = createBodyReader({ bodyBytes: 6, togetherBytes: 10 });
  const [one, two] = [slow('abcdef'), slow('abc')];
  const reading = [bodies.read(one.message), bodies.read(two.message)];
  await settle();
  expect(await bodies.read(request('abcd'))).toEqual({ kind: 'too-many' });
  one.end();
  two.end();
  expect(await Promise.all(reading)).toEqual([{ kind: 'text', text: 'abcdef' }, { kind: 'text', text: 'abc' }]);
  expect(await bodies.read(request('abcd'))).toEqual({ kind: 'text', text: 'abcd' });
});

test('forgets a body that breaks off', async () => {
  const bodies = createBodyReader({ bodyBytes: 6, togetherBytes: 6 });
  const one = slow('abcdef');
  const reading = bodies.read(one.message);
  await settle();
  one.fail();
  await expect(reading).rejects.toThrow('aborted');
  expect(await bodies.read(request('abcdef'))).toEqual({ kind: 'text', text: 'abcdef' });
});
