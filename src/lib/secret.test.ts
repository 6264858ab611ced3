import { expect, test } from '@jest/globals';
import { format, inspect } from 'node:util';
import { canonicalJson } from './canonical-json.ts';
import { Secret } from './secret.ts';

test('a secret shows itself only when asked', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ a: [secret] }),
    format('%s %j %o', secret, secret, secret),
    canonicalJson(secret),
  ];
  // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what happens by accident is the point
  shown.push(`${secret}`);
  for (const text of shown) expect(text).not.toContain('hunter2');
  expect(shown[1]).toBe('{"secret":"[redacted]"}');
  expect(secret.reveal()).toBe('hunter2');
});
