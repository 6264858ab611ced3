import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { dump, load } from 'js-yaml';

import { canonicalJson, sha256Hex } from '../../src/lib/canonical-json.ts';
import { offlineObjects } from '../../src/resources/offline.ts';
import { resolve } from './cluster.ts';

/**
 * Whole clusters rendered to YAML and compared byte by byte. `npm run golden:update` writes `expected.yaml` anew; `GOLDEN_UPDATE=templates` also the frozen
 * hashes of the pod templates, which restarts the pods of everybody who upgrades: do that knowingly, with a line in the changelog.
 */
const FOLDER = join(process.cwd(), 'test/golden');
const CASES = join(FOLDER, 'cases');
const TEMPLATES = join(FOLDER, 'pod-templates.json');
const UPDATE = process.env['GOLDEN_UPDATE'] ?? '';

const names = readdirSync(CASES).sort();

function objects(name: string) {
  return offlineObjects(resolve(load(readFileSync(join(CASES, name, 'input.yaml'), 'utf8'))));
}

function render(name: string): string {
  return objects(name)
    .map((object) => dump(object, { noRefs: true, lineWidth: -1 }))
    .join('---\n');
}

function templateHashes(): Record<string, Record<string, string>> {
  const hashesOf = (name: string) =>
    objects(name)
      .filter((object) => object.kind === 'StatefulSet')
      .map((object): [string, string] => [
        object.metadata.name,
        sha256Hex(canonicalJson((object['spec'] as { template: unknown }).template)),
      ]);
  return Object.fromEntries(names.map((name) => [name, Object.fromEntries(hashesOf(name))]));
}

test('CI never rewrites golden files', () => {
  expect(process.env['CI'] === 'true' && UPDATE !== '').toBe(false);
});

describe('a rendered cluster', () => {
  test.each(names)('%s is, byte by byte, what is committed', (name) => {
    const file = join(CASES, name, 'expected.yaml');
    const actual = render(name);
    if (UPDATE !== '') writeFileSync(file, actual);
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(actual);
  });

  test.each(names)('%s renders to the same bytes twice', (name) => {
    expect(render(name)).toBe(render(name));
  });

  test.each(names)('%s has nothing in its folder but its input and its output', (name) => {
    expect(readdirSync(join(CASES, name)).sort()).toEqual(['expected.yaml', 'input.yaml']);
  });
});

test('no pod template changes with the operator: an upgrade restarts nothing', () => {
  const actual = templateHashes();
  if (UPDATE === 'templates') writeFileSync(TEMPLATES, `${JSON.stringify(actual, null, 2)}\n`);
  expect(JSON.parse(readFileSync(TEMPLATES, 'utf8'))).toEqual(actual);
});
