import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CONDITION_TYPES, CONDITIONS, type ConditionType } from '../../src/api/conditions.ts';
import { pages, read, ROOT } from './files.ts';

const kebab = (type: string): string => type.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase();

/** The anchor GitHub gives a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

describe('pages', () => {
  test.each(pages())('%s links only to what exists', (page) => {
    const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
    const broken = [...text.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)]
      .map((match) => match[1]!)
      .filter((link) => {
        const [path = '', fragment] = link.split('#');
        const target = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(ROOT, target))) return true;
        return fragment !== undefined && ![...read(target).matchAll(/^#+ (.*)$/gm)].some((heading) => anchor(heading[1]!) === fragment);
      });
    expect(broken).toEqual([]);
  });

  test('show a newcomer two commands first, within 120 lines', () => {
    const lines = read('README.md').split('\n');
    expect(lines.length).toBeLessThanOrEqual(121);
    const commands = lines.slice(0, 25).filter((line) => line.startsWith('npm '));
    expect(commands.map((line) => line.split('#')[0]!.trim())).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });

  test('name no place of the machine they were written on', () => {
    for (const page of pages()) expect(`${page}: ${read(page)}`).not.toMatch(/\/root\/|\/work\//);
  });
});

describe('docs/operations', () => {
  const types = Object.keys(CONDITIONS) as ConditionType[];

  test.each(types)('has a page for the condition %s with every reason under the four headings', (type) => {
    const page = read(`docs/operations/${kebab(type)}.md`);
    expect([...page.matchAll(/^#+ (.*)$/gm)].map((heading) => heading[1])).toEqual([type, 'Meaning', 'Impact', 'Diagnosis', 'Mitigation']);
    const inTables = [...page.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map((row) => row[1]!);
    expect(inTables.sort()).toEqual(Object.keys(CONDITIONS[type]).sort());
  });

  test.each(types)('tells the status that each reason of %s stands for', (type) => {
    const page = read(`docs/operations/${kebab(type)}.md`);
    const reasons: Readonly<Record<string, { readonly status: string }>> = CONDITIONS[type];
    for (const [, reason = '', status] of page.matchAll(/^\| `([A-Za-z]+)` \| (True|False|Unknown) \|/gm)) {
      expect([type, reason, status]).toEqual([type, reason, reasons[reason]?.status]);
    }
  });

  test('lists every condition with what it asks', () => {
    const overview = read('docs/operations/README.md');
    for (const type of types)
      expect(overview).toContain(
        `| [${type}](${kebab(type)}.md) | ${CONDITION_TYPES[type].good} | ${CONDITION_TYPES[type].asks.replace(/ \(kstatus.*\)$| Absent until.*$/, '')}`,
      );
  });
});
