import { describe, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';

import { buildProgram } from './program.ts';
import type { RunSettings } from './run/settings.ts';

/** The program with files in memory: what it printed, where, and how it ended. */
async function cli(args: readonly string[], files: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const runs: RunSettings[] = [];
  const program = buildProgram({
    version: '1.2.3',
    run: (settings) => {
      runs.push(settings);
      return Promise.resolve();
    },
    io: {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      read: (file) =>
        files[file] === undefined ? Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' })) : Promise.resolve(files[file]),
      env,
    },
  });
  const code = await program.execute(args);
  return { code, out, err, runs };
}

const manifest = (spec: string, name = 'orders') =>
  `apiVersion: patroni-operator.dev/v1alpha1\nkind: PatroniCluster\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n';

describe('validate', () => {
  test('says that a valid file is valid, and passes other kinds by', async () => {
    expect(await cli(['validate', '-f', 'a.yaml'], { 'a.yaml': `${NAMESPACE}---\n${manifest('{}')}---\n` })).toMatchObject({
      code: 0,
      out: 'a.yaml: PatroniCluster/orders is valid\n',
      err: '',
    });
  });

  test('prints a line per problem with file and path, and fails', async () => {
    expect(
      await cli(['validate', '-f', 'a.yaml'], { 'a.yaml': manifest('{etcd: {replicas: 4}, postgres: {storage: {size: 1GB}}}') }),
    ).toMatchObject({
      code: 1,
      out: '',
      err:
        'a.yaml: spec.postgres.storage.size: must be a number of bytes as Kubernetes writes it, such as 10Gi (units Ki, Mi, Gi, Ti; not KB, MB, GB)\n' +
        'a.yaml: spec.etcd.replicas: must be odd, since an even number of etcd members survives no more failures than one member less: use 1, 3, 5 or 7\n',
    });
  });

  test('names the object where a file has several', async () => {
    const { err, out, code } = await cli(['validate', '-f', 'a.yaml'], {
      'a.yaml': `${manifest('{}')}---\n${manifest('{x: 1}', 'other')}`,
    });
    expect({ err, out, code }).toEqual({
      code: 1,
      err: 'a.yaml: PatroniCluster/other: spec.x: is not a known field: remove it\n',
      out: 'a.yaml: PatroniCluster/orders is valid\n',
    });
  });

  test('reads standard input, lists and operations', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        load(manifest('{}')),
        { apiVersion: 'patroni-operator.dev/v1alpha1', kind: 'PatroniOperation', metadata: { name: 'op' }, spec: {} },
      ],
    };
    const { err, code } = await cli(['validate', '-f', '-'], { '-': JSON.stringify(list) });
    expect(code).toBe(1);
    expect(err).toBe(
      'stdin: PatroniOperation/op: spec.cluster: is required: set it\nstdin: PatroniOperation/op: spec.type: is required: set it\n',
    );
  });

  test('judges every file, and fails when one has nothing to judge', async () => {
    const { err, out, code } = await cli(['validate', '-f', 'a', '-f', 'b'], { a: NAMESPACE, b: manifest('{}') });
    expect({ err, out, code }).toEqual({
      code: 1,
      err: 'a: holds no PatroniCluster or PatroniOperation: name another file\n',
      out: 'b: PatroniCluster/orders is valid\n',
    });
  });

  test('wants an image for the version from the same settings as the operator', async () => {
    const { err } = await cli(
      ['validate', '-f', 'a'],
      { a: manifest('{versions: {postgres: "18"}}') },
      { PATRONI_OPERATOR_IMAGES_POSTGRES: '17=x' },
    );
    expect(err).toContain('spec.versions.postgres: the operator has images for 17 only');
  });

  test('reads booleans and merge keys as kubectl does', async () => {
    const anchors = manifest('{haproxy: {enabled: yes}, postgres: {storage: &s {size: 1Gi}}, etcd: {storage: {<<: *s}}}');
    expect((await cli(['validate', '-f', 'a'], { a: anchors })).code).toBe(0);
  });

  test.each([
    ['a file that is not there', {}, 'a: no such file\n'],
    ['a file that is no YAML', { a: 'a: [1\nb: 2' }, 'a: line 2, column 1: '],
  ])('tells what to do about %s', async (_, files, message) => {
    const { err, code } = await cli(['validate', '-f', 'a'], files);
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).toContain('Check the path and the line that the message names; `-f -` reads standard input. (ERR_CLI_INPUT)');
  });

  test.each([
    [
      'another version of ours',
      'apiVersion: patroni-operator.dev/v2\nkind: PatroniCluster',
      'a: apiVersion: must be patroni-operator.dev/v1alpha1',
    ],
    [
      'another kind of ours',
      'apiVersion: patroni-operator.dev/v1alpha1\nkind: PatroniClutser',
      'a: kind: patroni-operator.dev/v1alpha1 has the kinds',
    ],
    ['our kind in another group', 'apiVersion: example.com/v1\nkind: PatroniCluster', 'a: apiVersion: must be'],
  ])('refuses %s', async (_, text, message) => {
    expect((await cli(['validate', '-f', 'a'], { a: text })).err).toContain(message);
  });
});

describe('render', () => {
  test('prints every object, the same bytes each time', async () => {
    const once = await cli(['render', '-f', 'a'], { a: manifest('{}') });
    expect(once).toMatchObject({ code: 0, err: '' });
    expect((await cli(['render', '-f', 'a'], { a: manifest('{}') })).out).toBe(once.out);
    const kinds = loadAll(once.out).map((object) => (object as { readonly kind: string }).kind);
    expect(kinds.filter((kind) => kind === 'StatefulSet')).toHaveLength(3);
    expect(kinds).toEqual(expect.arrayContaining(['Secret', 'ConfigMap', 'Service', 'PodDisruptionBudget', 'NetworkPolicy']));
  });

  test('prints a List as JSON, in the namespace that it is told', async () => {
    const { out } = await cli(['render', '-f', 'a', '-o', 'json', '-n', 'shop'], { a: manifest('{}') });
    const list = JSON.parse(out) as {
      readonly kind: string;
      readonly items: readonly { readonly metadata: { readonly namespace: string } }[];
    };
    expect(list.kind).toBe('List');
    expect(new Set(list.items.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['shop']));
  });

  test('uses the images of the flags', async () => {
    expect((await cli(['render', '-f', 'a', '--image-etcd', 'mine/etcd:9'], { a: manifest('{}') })).out).toContain('image: mine/etcd:9');
  });

  test.each([
    ['an invalid manifest', manifest('{etcd: {replicas: 2}}'), 'a: spec.etcd.replicas: must be odd'],
    ['a file without a cluster', NAMESPACE, 'a: holds no PatroniCluster'],
  ])('prints no object for %s', async (_, text, message) => {
    const { code, out, err } = await cli(['render', '-f', 'a'], { a: text });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });
});

describe('the program', () => {
  test('runs the operator with its settings', async () => {
    const { code, runs } = await cli(['run', '--workers', '2', '--image-etcd', 'e'], {}, { POD_NAME: 'p' });
    expect(code).toBe(0);
    expect(runs).toEqual([expect.objectContaining({ workers: 2, podName: 'p' })]);
    expect(runs[0]?.operator.images.etcd).toBe('e');
  });

  test('prints help for every verb with variables and defaults', async () => {
    const { out, code } = await cli(['run', '--help']);
    expect(code).toBe(0);
    expect(out.replace(/\s+/g, ' ')).toContain('[PATRONI_OPERATOR_WATCH_NAMESPACES, default all]');
    expect((await cli(['--help'])).out).toMatch(/run .*\n.*render .*\n.*validate .*\n.*config /);
  });

  test('prints its version', async () => {
    expect(await cli(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
  });

  test.each([
    [['valdate'], 'Did you mean validate?'],
    [['run', '--metrics-prot', '1'], 'Did you mean --metrics-port?'],
    [['validate'], "required option '-f, --file <file>' not specified"],
    [['render', '-f', 'a', '-o', 'xml'], 'Allowed choices are yaml, json'],
    [['run', '--log-level', 'loud'], '--log-level must be one of debug, info, warn, error, not loud\n'],
  ])('refuses %j with a hint', async (args, hint) => {
    const { code, err } = await cli(args);
    expect(code).toBe(1);
    expect(err).toContain(hint);
  });

  test('lets what is not from the table through, for the caller to report', async () => {
    const program = buildProgram({
      version: '1',
      run: () => Promise.reject(new TypeError('defect')),
      io: { out: () => undefined, err: () => undefined, read: () => Promise.resolve(''), env: {} },
    });
    await expect(program.execute(['run'])).rejects.toThrow('defect');
  });
});
