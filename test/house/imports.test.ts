import { describe, expect, test } from '@jest/globals';

import { SOURCES, withoutComments, type Source } from './sources.ts';

/** The table of rooms (house style 2) as data: who may import whom, and which package belongs where. */

const FLOOR = ['errors.ts', 'lib'];
const DOMAIN = ['patroni', 'postgres', 'etcd', 'pki'];
const CORE = ['api', 'config', ...FLOOR, ...DOMAIN];

const ROOMS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  'errors.ts': ['lib'],
  api: FLOOR,
  ...Object.fromEntries(DOMAIN.map((room) => [room, ['api', ...FLOOR]])),
  config: ['api', ...FLOOR, 'patroni', 'postgres'],
  resources: CORE,
  decide: ['resources', ...CORE],
  telemetry: FLOOR,
  kube: ['telemetry', ...FLOOR],
  runtime: ['kube', 'telemetry', ...FLOOR],
  controllers: ['decide', 'resources', 'telemetry', 'kube', 'runtime', ...CORE],
  webhook: ['kube', 'telemetry', 'runtime', 'pki', 'api', 'config', ...FLOOR],
  // `resources` for `render`, which prints what the builders build.
  cli: ['kube', 'resources', ...CORE],
  gen: ['api', 'config', ...FLOOR],
};

/** Wiring: joins rooms, so it may import all of them; nothing may import it. */
const WIRING = ['main.ts', 'operator.ts'];

/** Packages and modules of Node that not everybody may use: where they may be imported. Type imports are free. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  '@kubernetes/client-node': /^kube\/client-node\.ts$/,
  undici: /^kube\/|\/client\.ts$|^(patroni|etcd)\/client\//,
  // Escaping is pure; connections are opened in client.ts alone.
  pg: /^postgres\/(client|sql)\.ts$/,
  '@peculiar/x509': /^pki\//,
  'reflect-metadata': /^pki\//,
  pino: /^telemetry\//,
  'prom-client': /^telemetry\//,
  commander: /^cli\//,
  zod: /^(api|gen)\//,
  'js-yaml': /^(resources\/common|cli|gen)\//,
  'node:fs': /^(kube|runtime)\//,
  'node:fs/promises': /^(cli|gen|kube|webhook)\//,
  'node:http': /^(runtime|webhook)\//,
  'node:https': /^(kube|webhook)\//,
  'node:net': /^(runtime|kube)\/|\/client\.ts$/,
  'node:tls': /^kube\/|\/client\.ts$/,
  'node:child_process': /^$/,
};

const roomOf = (path: string): string => path.split('/')[0] ?? path;
const isWiring = ({ path }: Source): boolean => WIRING.includes(path);
const inRoom = (...rooms: readonly string[]): readonly Source[] => SOURCES.filter(({ path }) => rooms.includes(roomOf(path)));

describe('imports', () => {
  test('are found at all', () => {
    expect(SOURCES.length).toBeGreaterThan(50);
    expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  test('go downwards only', () => {
    const wrong = SOURCES.filter((source) => !isWiring(source)).flatMap(({ path, imports }) => {
      const room = roomOf(path);
      return imports.flatMap(({ file }) =>
        file === undefined || roomOf(file) === room || (ROOMS[room] ?? []).includes(roomOf(file)) ? [] : [`${path} imports ${file}`],
      );
    });
    expect(wrong).toEqual([]);
  });

  test('come from rooms that the table knows', () => {
    expect(SOURCES.filter((source) => !isWiring(source) && !(roomOf(source.path) in ROOMS)).map(({ path }) => path)).toEqual([]);
  });

  test('of a client, which opens sockets, stay out of the pure core', () => {
    const wrong = inRoom('resources', 'decide', 'api').flatMap(({ path, imports }) =>
      imports
        .filter(({ file, isTypeOnly }) => /\/client\.ts$/.test(file ?? '') && !isTypeOnly)
        .map(({ from }) => `${path} imports ${from}`),
    );
    expect(wrong).toEqual([]);
  });

  test('of packages stay in the rooms they belong to', () => {
    const wrong = SOURCES.flatMap(({ path, imports }) =>
      imports.flatMap(({ from, isTypeOnly }) => {
        const where = PACKAGES[from];
        return where === undefined || isTypeOnly || where.test(path) ? [] : [`${path} imports ${from}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('carry the name of the file, with .ts', () => {
    expect(
      SOURCES.flatMap(({ path, imports }) =>
        imports.filter(({ file }) => file !== undefined && !file.endsWith('.ts')).map(({ from }) => `${path}: ${from}`),
      ),
    ).toEqual([]);
  });

  test('form no cycle', () => {
    expect(cycles()).toEqual([]);
  });

  test('go past no barrel', () => {
    expect(
      SOURCES.filter(
        ({ path, text }) =>
          /(^|\/)index\.ts$/.test(path) || /^export\s+(type\s+)?(\*|\{[^}]*\})[^;]*?\bfrom\s/m.test(withoutComments(text)),
      ).map(({ path }) => path),
    ).toEqual([]);
  });
});

describe('the pure core', () => {
  test.each([
    ['reads no clock', /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/],
    ['draws no lots', /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/],
    ['reads no environment', /\bprocess\.env\b/],
    ['waits for nothing', /\bawait\b|\basync\b/],
  ])('%s', (_, forbidden) => {
    expect(
      inRoom('api', 'resources', 'decide')
        .filter(({ text }) => forbidden.test(withoutComments(text)))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});

test('no file is named after nothing', () => {
  expect(SOURCES.filter(({ path }) => /(^|\/)(utils?|helpers?|common|misc)\.ts$/.test(path)).map(({ path }) => path)).toEqual([]);
});

test('file names are in kebab-case', () => {
  expect(SOURCES.filter(({ path }) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(path)).map(({ path }) => path)).toEqual([]);
});

/** Cycles of imports, types included: each as the chain of files that closes it. */
function cycles(): string[] {
  const graph = new Map(SOURCES.map(({ path, imports }) => [path, imports.flatMap(({ file }) => (file === undefined ? [] : [file]))]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, chain: readonly string[]): void => {
    if (chain.includes(file)) {
      found.push([...chain.slice(chain.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...chain, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}
