import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { EVENTS } from '../../src/api/events.ts';
import { ERRORS } from '../../src/errors.ts';
import { SOURCES, withoutComments } from './sources.ts';

const codes = Object.keys(ERRORS);
const page = readFileSync(join(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8');
const users = SOURCES.filter(({ path }) => path !== 'errors.ts').map(({ text }) => withoutComments(text));

describe('every code of the table', () => {
  test.each(codes)('%s is used, documented, and has a remedy', (code) => {
    expect(users.some((text) => text.includes(`'${code}'`))).toBe(true);
    expect(page).toContain(`\`${code}\``);
    expect(ERRORS[code as keyof typeof ERRORS].remedy).not.toBe('');
  });
});

test.each(Object.keys(EVENTS))('the event %s is recorded somewhere', (reason) => {
  expect(SOURCES.some(({ path, text }) => path !== 'api/events.ts' && withoutComments(text).includes(`'${reason}'`))).toBe(true);
});

test('the page has no code that the table has not', () => {
  const documented = [...page.matchAll(/`(ERR_[A-Z0-9_]+)`/g)].map(([, code]) => code);
  expect(documented.filter((code) => !codes.includes(code ?? ''))).toEqual([]);
});

test('sources name no code that the table has not', () => {
  // The types refuse it too; this finds codes in texts.
  const named = users.flatMap((text) =>
    [...text.matchAll(/'(ERR_(?:SPEC|KUBE|RUNTIME|CLI|PATRONI|POSTGRES|ETCD|PKI|RESOURCES|CONTROLLER)_[A-Z0-9_]+)'/g)].map(
      ([, code]) => code,
    ),
  );
  expect(named.filter((code) => !codes.includes(code ?? ''))).toEqual([]);
});

/** Errors that never leave their file: they become the cause or text of a coded one there. */
const LOCAL_ERRORS = ['kube/client-node.ts', 'kube/transport.ts'];

// A TypeError or RangeError marks a defect of ours, which the loop reports as ERR_RUNTIME_UNEXPECTED; a plain Error says nothing at all.
test('nothing is thrown past the table', () => {
  const bare = SOURCES.filter(({ path, text }) => /\bnew Error\(/.test(withoutComments(text)) && !LOCAL_ERRORS.includes(path));
  expect(bare.map(({ path }) => path)).toEqual([]);
});
