import { expect, test } from '@jest/globals';
import { filesBelow, read } from './files.ts';

const records = filesBelow('adr', '.md');

test('decisions are numbered one after another', () => {
  expect(records.map((file) => Number(/^adr\/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]))).toEqual(records.map((_, index) => index + 1));
});

test.each(records)('%s carries its number, a status and the five sections', (file) => {
  const text = read(file);
  const number = Number(file.slice('adr/'.length, 'adr/0000'.length));
  expect(text.split('\n')[0]).toMatch(new RegExp(`^# ${number}\\. [A-Z0-9]`));
  expect(text).toMatch(/^Status: (accepted|superseded by \[adr\/\d{4}\].*), /m);
  expect([...text.matchAll(/^## (.*)$/gm)].map((heading) => heading[1])).toEqual([
    'Context',
    'Decision',
    'Evidence',
    'Rejected',
    'Consequences',
  ]);
});

test('every runtime dependency has its line', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const text = records.map(read).join('\n');
  for (const [name, version] of Object.entries(dependencies)) expect(text).toContain(`| ${name} ${version} |`);
});
