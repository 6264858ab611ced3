// Bundles src/main.ts and everything it imports into dist/patroni-operator.mjs, one file for the image (start 530 -> 175 ms, RSS 160 -> 95 MB measured;
// adr/0006). Names are kept, since stack traces are read by people; comments and white space go: V8 keeps the whole source in memory, and twice as large if a comment holds a
// letter beyond Latin-1 (7 MB).
//   node scripts/bundle.mjs [--outfile FILE]
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const { values } = parseArgs({
  options: { outfile: { type: 'string', default: fileURLToPath(new URL('dist/patroni-operator.mjs', root)) } },
});
const started = performance.now();

const result = await build({
  entryPoints: [fileURLToPath(new URL('src/main.ts', root))],
  outfile: values.outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  keepNames: true,
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'linked',
  sourcemap: 'linked',
  // The stack traces need lines, not our sources: without contents the map is a third of the size.
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
  // `pg` looks for an optional native binding, which we do not ship.
  external: ['pg-native'],
  define: { 'process.env.PATRONI_OPERATOR_VERSION': JSON.stringify(version) },
  banner: {
    // CommonJS packages inside (pg, pino, prom-client) call require() for Node's own modules; an ES module has none.
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as __createRequire } from 'node:module';",
      "import { dirname as __dirnameOf } from 'node:path';",
      "import { fileURLToPath as __fileURLToPath } from 'node:url';",
      'const require = __createRequire(import.meta.url);',
      'const __filename = __fileURLToPath(import.meta.url);',
      'const __dirname = __dirnameOf(__filename);',
    ].join('\n'),
  },
});
chmodSync(values.outfile, 0o755);

const [file] = Object.entries(result.metafile.outputs).find(([name]) => name.endsWith('.mjs')) ?? [];
const mib = (result.metafile.outputs[file]?.bytes ?? 0) / 1048576;
console.log(`${file}: ${mib.toFixed(1)} MiB, version ${version}, ${Math.round(performance.now() - started)} ms`);
