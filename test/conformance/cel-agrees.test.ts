import { describe, expect, test } from '@jest/globals';

import { patroniClusterSpec } from '../../src/api/patronicluster.ts';
import { brokenRules } from '../../src/api/schema-walk.ts';
import { parseCluster, validateUpdate } from '../../src/api/validate.ts';
import { validateRules } from '../support/apiserver/cel.ts';
import { applyDefaults } from '../support/apiserver/decode.ts';
import { asString, type JsonObject } from '../support/apiserver/json.ts';
import { ALL, type Case } from './manifests.ts';
import { schemaOf } from './crds.ts';

/** Two implementations of every rule, held equal over shared inputs: the CEL that the API server runs, and the code that the operator and the command line run. */

const schema = schemaOf('PatroniCluster');

/** Path and message of what CEL refuses. Rules on the root have no path there: `metadata` is not part of a CRD's schema. */
function celSays({ manifest, old }: Case): string[] {
  const asStored = (object: Case['manifest']) => applyDefaults(schema, object as JsonObject);
  return validateRules(schema, asStored(manifest), old === undefined ? undefined : asStored(old))
    .map(
      ({ field, message }) =>
        `${field === '<nil>' ? '' : field.replace(/\[([a-z]+)\](?=$|\.)/g, '.$1')} ${message.replace(/^(Invalid value: (".*?"|\d+)|Forbidden): /, '').replace('metadata.name must', 'must')}`,
    )
    .sort();
}

/** The same from the code, of rules that have CEL. */
function codeSays({ manifest, old }: Case): string[] {
  const now = parseCluster(manifest);
  if (now.cluster === undefined) return [];
  const before = old === undefined ? undefined : parseCluster(old).cluster;
  const found = [...now.problems, ...(before === undefined ? [] : validateUpdate(before, now.cluster))];
  return found.map(({ path, message }) => `${path === 'metadata.name' ? '' : path} ${message}`).sort();
}

const withCel = ALL.filter(
  (c) =>
    parseCluster(c.manifest).cluster !== undefined && (c.problems.length === 0 || c.refusal !== undefined) && c.name !== 'too many labels',
);

describe('CEL and code agree', () => {
  test.each(withCel.map((c) => [c.name, c] as const))('about %s', (_, c) => {
    // CEL cannot put a bound on the text of a number, so it names no old value for numbers; code does not either.
    expect(celSays(c)).toEqual(codeSays(c));
  });

  test('every rule with CEL is broken by at least one manifest', () => {
    const broken = new Set(
      ALL.flatMap(celSays).map((text) => text.slice(text.indexOf(' ') + 1).replace(/ to \S+( or make it larger)?$/, '$1')),
    );
    const missing = rulesOfCrd(schema)
      .map((rule) => asString(rule['message']).replace('metadata.name must', 'must'))
      .filter((message) => ![...broken].some((text) => message.startsWith(text) || text.startsWith(message)));
    expect(missing).toEqual([]);
  });
});

function rulesOfCrd(node: unknown): JsonObject[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = (node as JsonObject)['x-kubernetes-validations'];
  return [...(Array.isArray(own) ? (own as JsonObject[]) : []), ...Object.values(node).flatMap(rulesOfCrd)];
}

describe('the code', () => {
  test.each(ALL.map((c) => [c.name, c] as const))('judges %s as listed', (_, c) => {
    const now = parseCluster(c.manifest);
    const before = c.old === undefined ? undefined : parseCluster(c.old).cluster;
    const updates = before === undefined || now.cluster === undefined ? [] : validateUpdate(before, now.cluster);
    expect([...now.problems, ...updates].map(({ code, path }) => `${code} ${path}`).sort()).toEqual([...c.problems].sort());
  });

  test.each(ALL.filter((c) => c.problems.length > 0).map((c) => [c.name, c] as const))('tells what to do about %s', (_, c) => {
    const now = parseCluster(c.manifest);
    // After a colon or a question: what is wrong comes first, the remedy second.
    for (const { message } of now.problems) expect(message).toMatch(/: .+|did you mean|, such as |: set it/);
  });

  test('takes an accepted spec as it is and adds defaults only', () => {
    const parsed = parseCluster({ ...ALL[0]?.manifest });
    expect(parsed.cluster?.spec.postgres.replicas).toBe(3);
    expect(brokenRules({ schema: patroniClusterSpec, self: parsed.cluster?.spec, path: ['spec'] })).toEqual([]);
  });
});
