// Ends a run of jest with one plain line, `N passed, N failed`, that people and pipelines read alike. When TEST_RESULT_FILE is set the line is left to
// scripts/test.mjs, which adds its own checks; the counts go to that file.
import { writeFileSync } from 'node:fs';

export default class ClosingLineReporter {
  /** Called once with the sums of all files. A file that could not be run at all counts as one failure. */
  onRunComplete(_contexts, results) {
    const passed = results.numPassedTests;
    const skipped = results.numPendingTests + results.numTodoTests;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const file = process.env.TEST_RESULT_FILE;
    if (file) writeFileSync(file, JSON.stringify({ passed, failed, skipped }));
    else process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}
