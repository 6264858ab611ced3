import { buildProgram } from './cli/program.ts';
import { runOperator } from './operator.ts';

/** Set by the bundler from package.json. */
const version = process.env['PATRONI_OPERATOR_VERSION'] ?? '0.0.0-dev';

const program = buildProgram({ version, run: (settings) => runOperator(settings, version) });
const exitCode = await program.execute(process.argv.slice(2));
// `run` resolves once everything is started and goes on in the background; a failure or another verb ends here.
if (exitCode !== 0) process.exit(exitCode);
