import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { buildProgram } from '../../src/cli/program.ts';

/** Every manifest that we hand out passes our own validator, and can be rendered. */

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['deploy/samples', 'charts/patroni-operator/examples'];

const samples = FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((file) => /[.]ya?ml$/.test(file))
    .map((file) => `${folder}/${file}`),
);

describe.each(samples)('%s', (file) => {
  test.each(['validate', 'render'])('passes %s', async (verb) => {
    let [out, err] = ['', ''];
    const program = buildProgram({
      version: 'test',
      run: () => Promise.resolve(),
      io: {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        read: (path) => Promise.resolve(readFileSync(join(ROOT, path), 'utf8')),
        env: {},
      },
    });
    const code = await program.execute([verb, '-f', file]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toBe('');
  });
});

test('there are samples', () => {
  expect(samples.length).toBeGreaterThan(2);
});
