import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';

import { cli as run, type CliWorld } from '../../../test/support/cli.ts';

async function cli(args: readonly string[], world: CliWorld = {}) {
  const { open, ...result } = await run(args, world);
  expect(open).toBe(0);
  return result;
}

const manifest = (spec: string, name = 'orders') =>
  `apiVersion: patroni-operator.dev/v1alpha1\nkind: PatroniCluster\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

const EVERYTHING = manifest(`
  postgres:
    parameters: {work_mem: 32MB, max_connections: 300, huge_pages: null, fsync: off}
    hba: {prepend: [hostssl app app 10.0.0.0/8 cert]}
  patroni:
    config:
      restapi: {listen: '0.0.0.0:9000'}
      postgresql: {parameters: {max_connections: 400}}
      bootstrap: {post_init: /seed}
`);

describe('config explain -f', () => {
  test('lists every key with its verdict, aligned, and fails when one is rejected', async () => {
    const { code, out, err } = await cli(['config', 'explain', '-f', 'a'], { files: { a: EVERYTHING } });
    expect(out).toBe(`PatroniCluster/orders: 8 keys, 1 rejected, 1 overridden

KEY                                                        VALUE                                            GOES TO  TAKES EFFECT   VERDICT       DETAIL
spec.postgres.parameters.work_mem                          32MB                                             dynamic  reload         Set
spec.postgres.parameters.max_connections                   300                                              dynamic  restart        Overridden    by spec.patroni.config.postgresql.parameters.max_connections
spec.postgres.parameters.huge_pages                        null                                             dynamic  restart        Removed
spec.postgres.parameters.fsync                             false                                            dynamic  reload         Set
spec.patroni.config.postgresql.parameters.max_connections  400                                              dynamic  restart        Set
spec.patroni.config.restapi.listen                         0.0.0.0:9000                                     local    reload         Rejected      cannot be set, since it is where the other members, HAProxy and the operator look for this member: use spec.patroni.listenPort
spec.patroni.config.bootstrap.post_init                    /seed                                            local    creation only  CreationOnly
spec.postgres.hba                                          {"prepend":["hostssl app app 10.0.0.0/8 cert"]}  local    reload         Set

warning: spec.postgres.parameters.fsync: is off: a crash of a node can destroy the database of its member
`);
    expect({ code, err }).toEqual({ code: 2, err: '' });
  });

  test('has nothing to say about a manifest that sets nothing', async () => {
    expect(await cli(['config', 'explain', '-f', 'a'], { files: { a: manifest('{}') } })).toMatchObject({
      code: 0,
      out: 'PatroniCluster/orders: sets no configuration; --all shows what the operator sets\n',
    });
  });

  test('shows the operator’s own values and their sources with --all', async () => {
    const { out, code } = await cli(['config', 'explain', '-f', 'a', '--all'], { files: { a: manifest('{patroni: {ttl: 40}}') } });
    expect(code).toBe(0);
    expect(out).toMatch(/^DYNAMIC CONFIGURATION \(etcd\) +VALUE +FROM +TAKES EFFECT$/m);
    expect(out).toMatch(/^ttl +40 +spec\.patroni\.ttl +reload$/m);
    expect(out).toMatch(/^postgresql\.parameters\.shared_buffers +128MB +computed +restart$/m);
    expect(out).toMatch(/^LOCAL FILE +VALUE +FROM +TAKES EFFECT$/m);
    expect(out).toMatch(/^scope +orders +operator +reload$/m);
  });

  test('prints JSON, or YAML and a List for several', async () => {
    const one = await cli(['config', 'explain', '-f', 'a', '-o', 'json', '-n', 'x'], { files: { a: manifest('{patroni: {ttl: 40}}') } });
    expect(JSON.parse(one.out)).toEqual({
      kind: 'ConfigExplanation',
      name: 'orders',
      namespace: 'x',
      keys: [{ key: 'spec.patroni.ttl', target: 'dynamic', path: 'ttl', value: 40, takesEffect: 'Reload', verdict: 'Set' }],
      warnings: [],
    });
    const two = await cli(['config', 'explain', '-f', 'a', '-f', 'b', '-o', 'yaml'], { files: { a: manifest('{}'), b: EVERYTHING } });
    expect(two.code).toBe(2);
    expect(load(two.out)).toMatchObject({ kind: 'List', items: [{ keys: [] }, { kind: 'ConfigExplanation' }] });
  });

  test('explains a manifest whose shape is wrong by what is wrong', async () => {
    const { code, out } = await cli(['config', 'explain', '-f', 'a'], { files: { a: manifest('{etcd: {replicas: x}}') } });
    expect(code).toBe(2);
    expect(out).toMatch(/^spec\.etcd\.replicas +- +- +- +Rejected +must be /m);
  });

  test.each([
    [['config', 'explain'], 'name either a cluster or a file with -f'],
    [['config', 'explain', 'orders', '-f', 'a'], 'name either a cluster or a file with -f'],
    [['config', 'explain', 'orders', '--all'], '--all needs -f'],
    [['config', 'explain', '-f', 'b'], 'b: no such file'],
    [['config', 'explain', '-f', 'n'], 'n: holds no PatroniCluster: name another file'],
    [['config', 'explain', '-f', 'a', '-o', 'xml'], 'Allowed choices are text, json, yaml'],
    [['config', 'explian'], 'Did you mean explain?'],
  ])('fails for %j', async (args, message) => {
    const { code, err, out } = await cli(args, {
      files: { a: manifest('{}'), n: 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n' },
    });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });

  test('documents its exit codes', async () => {
    expect((await cli(['config', 'explain', '--help'])).out).toContain('2 something is rejected;');
    expect((await cli(['config', 'diff', '--help'])).out).toContain('3 it differs.');
  });
});

const SPEC = load(`
postgres:
  parameters: {work_mem: 32MB, max_connections: 300, jit: off, archive_command: secret here}
patroni:
  loopWait: 4
  dynamicConfig: {postgresql: {parameters: {jit: on}}}
`) as Readonly<Record<string, unknown>>;

const KEYS = [
  {
    key: 'spec.postgres.parameters.work_mem',
    target: 'dynamic',
    path: 'postgresql.parameters.work_mem',
    verdict: 'Overridden',
    by: 'ALTER SYSTEM',
    members: ['orders-postgres-1'],
    effectiveByMember: { 'orders-postgres-0': '32MB', 'orders-postgres-1': '4MB' },
  },
  {
    key: 'spec.postgres.parameters.max_connections',
    target: 'dynamic',
    path: 'postgresql.parameters.max_connections',
    verdict: 'PendingRestart',
    members: ['orders-postgres-0', 'orders-postgres-1'],
    effective: '100',
  },
  {
    key: 'spec.postgres.parameters.jit',
    target: 'dynamic',
    path: 'postgresql.parameters.jit',
    verdict: 'Overridden',
    by: 'spec.patroni.dynamicConfig.postgresql.parameters.jit',
  },
  { key: 'spec.postgres.parameters.archive_command', target: 'dynamic', path: 'postgresql.parameters.archive_command', verdict: 'Applied' },
  { key: 'spec.patroni.loopWait', target: 'dynamic', path: 'loop_wait', verdict: 'Drifted' },
  {
    key: 'spec.patroni.dynamicConfig.postgresql.parameters.jit',
    target: 'dynamic',
    path: 'postgresql.parameters.jit',
    verdict: 'Applied',
    effective: 'on',
  },
];

const STATUS = {
  observedGeneration: 3,
  leader: 'orders-postgres-0',
  conditions: [
    { type: 'Ready', status: 'True', reason: 'AllMembersStreaming', message: 'x', lastTransitionTime: 't' },
    { type: 'ConfigApplied', status: 'False', reason: 'Overridden', message: 'ALTER SYSTEM wins.', lastTransitionTime: 't' },
  ],
  members: [
    {
      name: 'orders-postgres-0',
      role: 'leader',
      state: 'running',
      ready: true,
      pendingRestart: true,
      pendingSettings: [{ name: 'max_connections', old: '100', new: '300' }],
    },
    { name: 'orders-postgres-1', role: 'replica', state: 'streaming', ready: true, pendingRestart: true },
    { name: 'orders-postgres-2', role: 'replica', state: 'streaming', ready: true },
  ],
  config: { keys: KEYS, drift: ['postgresql.parameters.log_min_duration_statement'], warnings: ['spec.x: is odd'] },
};

const stored = (status: Readonly<Record<string, unknown>> = STATUS, spec = SPEC, generation = 3) => ({
  'shop/orders': {
    apiVersion: 'patroni-operator.dev/v1alpha1',
    kind: 'PatroniCluster',
    metadata: { name: 'orders', namespace: 'shop', generation },
    spec,
    status,
  },
});

/** A status in which all of SPEC is as wanted. */
const FINE = {
  observedGeneration: 3,
  config: {
    keys: KEYS.map(({ key, target, path, by }) =>
      by?.startsWith('spec') === true ? { key, target, path, by, verdict: 'Overridden' } : { key, target, path, verdict: 'Applied' },
    ),
  },
};

describe('config explain CLUSTER', () => {
  test('shows verdicts, what each member runs with, pending restarts, drift and warnings', async () => {
    const { code, out, err, connections } = await cli(['config', 'explain', 'orders', '--context', 'east', '--kubeconfig', 'k'], {
      stored: stored(),
    });
    expect(out).toBe(`PatroniCluster/orders in namespace shop: 6 keys

ConfigApplied: False (Overridden) ALTER SYSTEM wins.

KEY                                                   WANTED  RUNS WITH                                        VERDICT         DETAIL
spec.postgres.parameters.work_mem                     32MB    orders-postgres-0: 32MB, orders-postgres-1: 4MB  Overridden      by ALTER SYSTEM on orders-postgres-1
spec.postgres.parameters.max_connections              300     100                                              PendingRestart  on orders-postgres-0, orders-postgres-1
spec.postgres.parameters.jit                          off     -                                                Overridden      by spec.patroni.dynamicConfig.postgresql.parameters.jit
spec.postgres.parameters.archive_command              -       -                                                Applied
spec.patroni.loopWait                                 4       -                                                Drifted
spec.patroni.dynamicConfig.postgresql.parameters.jit  on      on                                               Applied

MEMBER             WAITS FOR A RESTART   RUNS WITH  WILL HAVE
orders-postgres-0  max_connections       100        300
orders-postgres-1  not named by Patroni  -          -

IN ETCD, SET BY SOMEBODY ELSE
postgresql.parameters.log_min_duration_statement

warning: spec.x: is odd
`);
    expect({ code, err, connections }).toEqual({ code: 3, err: '', connections: [{ kubeconfig: 'k', context: 'east' }] });
  });

  test('prints no text of the spec that may be a secret, in no format', async () => {
    for (const output of ['text', 'json', 'yaml'])
      expect((await cli(['config', 'explain', 'orders', '-o', output], { stored: stored() })).out).not.toContain('secret here');
  });

  test('ends with 0 when everything is in force, overridden by the spec itself or not', async () => {
    expect((await cli(['config', 'explain', 'orders', '-n', 'shop'], { stored: stored(FINE) })).code).toBe(0);
  });

  test('does not take the verdicts of another generation for those of this one', async () => {
    const { code, out } = await cli(['config', 'explain', 'orders'], { stored: stored(FINE, SPEC, 4) });
    expect(code).toBe(3);
    expect(out).toContain('generation 4 of the spec has not been looked at yet (the status is about 3)');
    expect(out).toMatch(/^spec\.patroni\.loopWait .* Unknown +generation 4 has not been looked at yet$/m);
  });

  test('has no verdict for a key that the status does not tell of', async () => {
    const { code, out } = await cli(['config', 'explain', 'orders'], {
      stored: stored({ observedGeneration: 3 }, { patroni: { ttl: 40 } }),
    });
    expect(code).toBe(3);
    expect(out).toMatch(/^spec\.patroni\.ttl +40 +- +Unknown +no verdict yet$/m);
  });

  test('shows what is rejected, keys and other fields', async () => {
    const keys = [
      { key: 'spec.patroni.config.restapi.listen', target: 'local', path: '', verdict: 'Rejected', message: 'cannot be set' },
      { key: 'spec.versions.postgres', target: 'local', path: '', verdict: 'Rejected', message: 'has no image' },
    ];
    const { code, out } = await cli(['config', 'explain', 'orders', '-o', 'json'], {
      stored: stored({ observedGeneration: 3, config: { keys } }, { patroni: { config: { restapi: { listen: 'x' } } } }),
    });
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'ConfigStatus',
      keys: [
        { key: 'spec.patroni.config.restapi.listen', path: 'restapi.listen', verdict: 'Rejected', message: 'cannot be set' },
        { key: 'spec.versions.postgres', verdict: 'Rejected', message: 'has no image' },
      ],
    });
  });

  test('shows what is rejected in a list beside the list, and verdicts of a spec that it cannot read', async () => {
    const keys = [{ key: 'spec.postgres.hba.append[0]', target: 'local', path: '', verdict: 'Rejected', message: 'has no method' }];
    const status = { observedGeneration: 3, config: { keys } };
    const { out } = await cli(['config', 'explain', 'orders'], { stored: stored(status, { postgres: { hba: { append: ['x'] } } }) });
    expect(out).toMatch(/^spec\.postgres\.hba +- +- +Rejected +has no method$/m);
    const other = await cli(['config', 'explain', 'orders'], { stored: stored(status, { fromTheFuture: 1 }) });
    expect(other).toMatchObject({ code: 2, out: expect.stringContaining('spec.postgres.hba.append[0]') });
  });

  test('says where it looked for a cluster that is not there', async () => {
    expect(await cli(['config', 'explain', 'order'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('PatroniCluster/order is not in namespace shop: '),
    });
  });
});

describe('config diff', () => {
  const before = manifest(
    '{postgres: {parameters: {max_connections: 200, work_mem: 8MB}, hba: {append: [hostssl app app 10.0.0.0/8 cert]}}}',
  );
  const after = manifest(
    '{postgres: {parameters: {max_connections: 100, work_mem: 16MB}, hba: {append: [hostssl app app 10.1.0.0/16 cert]}}, haproxy: {readOnly: {maxLag: 16Mi}}}',
  );

  test('shows changes and the plan of restarts', async () => {
    const { code, out, err, connections } = await cli(['config', 'diff', '-f', 'b', '--against', 'a'], { files: { a: before, b: after } });
    expect(out).toBe(`PatroniCluster/orders in namespace default: 3 restarts, one after another; writes pause once

SPEC                                      BEFORE                               AFTER
spec.postgres.parameters.max_connections  200                                  100
spec.postgres.parameters.work_mem         8MB                                  16MB
spec.postgres.hba.append                  ["hostssl app app 10.0.0.0/8 cert"]  ["hostssl app app 10.1.0.0/16 cert"]
spec.haproxy.readOnly.maxLag              -                                    16Mi

DYNAMIC CONFIGURATION (etcd)           BEFORE  AFTER  TAKES EFFECT
postgresql.parameters.max_connections  200     100    restart
postgresql.parameters.work_mem         8MB     16MB   reload

pg_hba.conf (reload)
  - hostssl app app 10.0.0.0/8 cert
  + hostssl app app 10.1.0.0/16 cert

HAProxy loads a new configuration; no connection is dropped.

Restarts, as soon as the cluster is healthy:
  1. restart PostgreSQL of the leader in place: no writes for about 2 s
  2. restart PostgreSQL of 2 replicas, one at a time: connections to each end
`);
    expect({ code, err, connections }).toEqual({ code: 3, err: '', connections: [] });
  });

  test('finds no difference between a manifest and itself', async () => {
    expect(await cli(['config', 'diff', '-f', 'a', '--against', 'a'], { files: { a: before } })).toMatchObject({
      code: 0,
      out: 'PatroniCluster/orders in namespace default: no change\n',
    });
  });

  test('compares with the cluster of the same name: its leader, its images, and restarts that wait already', async () => {
    const status = { ...STATUS, versions: { images: { postgres: 'running', etcd: 'running', haproxy: 'running' } } };
    const { code, out } = await cli(['config', 'diff', '-f', 'a'], {
      files: { a: manifest('{patroni: {loopWait: 4}, postgres: {parameters: {max_connections: 400}}}') },
      stored: stored(status, { patroni: { loopWait: 4 } }),
    });
    expect(code).toBe(3);
    expect(out).toContain(
      '1. restart PostgreSQL of 2 replicas (orders-postgres-1, orders-postgres-2), one at a time: connections to each end\n',
    );
    expect(out).toContain('Waiting for a restart already, whatever this changes: orders-postgres-0, orders-postgres-1\n');
    expect(out).not.toContain('POD TEMPLATE');
  });

  test('compares with a cluster of another name, and with nothing but what is asked for', async () => {
    const { code, out } = await cli(['config', 'diff', 'orders', '-f', 'a', '-o', 'json'], {
      files: { a: manifest('{patroni: {loopWait: 3}}', 'copy') },
      stored: stored({}, { patroni: { loopWait: 4 } }),
    });
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'ConfigDiff',
      name: 'orders',
      dynamic: [{ path: 'loop_wait', before: 4, after: 3, takesEffect: 'Reload' }],
      local: [],
      objects: [],
      restarts: { steps: [], writePauses: 0 },
    });
  });

  test('tells that a cluster would be new', async () => {
    expect(await cli(['config', 'diff', '-f', 'a'], { files: { a: before } })).toMatchObject({
      code: 3,
      out: 'PatroniCluster/orders in namespace shop: does not exist and would be created\n',
    });
  });

  test.each([
    ['a key', '{patroni: {config: {restapi: {listen: x}}}}', 'a: spec.patroni.config.restapi.listen: cannot be set'],
    ['a change', '{versions: {postgres: "16"}}', 'a: spec.versions.postgres: '],
  ])('is refused with %s that the operator would refuse', async (_, spec, message) => {
    const { code, out, err } = await cli(['config', 'diff', '-f', 'a'], { files: { a: manifest(spec) }, stored: stored({}, {}) });
    expect({ code, out }).toEqual({ code: 2, out: 'PatroniCluster/orders: would be refused\n' });
    expect(err).toContain(message);
  });

  test.each([
    [['config', 'diff'], "required option '-f, --file <file>' not specified"],
    [['config', 'diff', '-f', 'a', '--against', 'x'], 'x: no such file'],
    [['config', 'diff', '-f', 'a', '--against', 'n'], 'n: holds no PatroniCluster orders'],
    [['config', 'diff', '-f', 'n'], 'n: holds no PatroniCluster: name another file'],
    [['config', 'diff', 'other', '-f', 'a'], 'other is no PatroniCluster in namespace shop'],
    [['config', 'diff', 'other', '-f', 'a', '-f', 'a'], 'holds several PatroniClusters'],
  ])('fails for %j', async (args, message) => {
    const { code, err, out } = await cli(args, { files: { a: before, n: '' } });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });
});

describe('validate and render', () => {
  test('judge the configuration too', async () => {
    const files = { a: EVERYTHING };
    const line =
      'a: spec.patroni.config.restapi.listen: cannot be set, since it is where the other members, HAProxy and the operator look for this member: use spec.patroni.listenPort\n';
    const warning = 'a: warning: spec.postgres.parameters.fsync: is off: a crash of a node can destroy the database of its member\n';
    expect(await cli(['validate', '-f', 'a'], { files })).toMatchObject({ code: 1, out: '', err: line + warning });
    expect(await cli(['render', '-f', 'a'], { files })).toMatchObject({ code: 1, out: '', err: line + warning });
  });

  test('show warnings, which change no exit code', async () => {
    const files = { a: manifest('{postgres: {parameters: {fsync: off}}}') };
    expect(await cli(['validate', '-f', 'a'], { files })).toMatchObject({
      code: 0,
      out: 'a: PatroniCluster/orders is valid\n',
      err: expect.stringContaining('a: warning: '),
    });
    expect(await cli(['render', '-f', 'a'], { files })).toMatchObject({
      code: 0,
      out: expect.stringContaining('kind: StatefulSet'),
      err: expect.stringContaining('a: warning: '),
    });
  });
});
