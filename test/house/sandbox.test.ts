import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMON = 'sandbox/lib/common.sh';

/** Runs a line of bash with the sandbox's helpers; the shell's own pid and start time are in the pid file `self.pid` before it runs. */
function sandbox(folder: string, line: string) {
  const script = `. ${COMMON}; echo "$$ $(process_start $$)" >"$RUN/self.pid"; ${line}`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { env: { ...process.env, SANDBOX_RUN: folder }, encoding: 'utf8' });
  return { status, stderr };
}

describe('the sandbox that was killed without being taken down', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
    mkdirSync(join(folder, 'log'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('counts as up only while every process of it lives', () => {
    expect(sandbox(folder, 'is_up').status).toBe(1);
    writeFileSync(join(folder, 'up'), '');
    expect(sandbox(folder, 'is_up').status).toBe(0);
    // A process that ended, and one whose pid was given to another since: pid 1 did not start at tick 1.
    for (const remains of ['4194304 1', '1 1', '']) {
      writeFileSync(join(folder, 'containerd1.pid'), remains);
      expect(sandbox(folder, 'is_up').status).toBe(1);
    }
  });

  test('is called crashed, with the way out, when a command needs it', () => {
    expect(sandbox(folder, 'need_up').stderr).toContain('no sandbox is up here');
    writeFileSync(join(folder, 'up'), '');
    writeFileSync(join(folder, 'containerd1.pid'), '4194304 1');
    const { status, stderr } = sandbox(folder, 'need_up');
    expect(status).toBe(1);
    expect(stderr).toContain('has crashed; start it anew with: npm run sandbox -- up');
  });

  test('shows the end of the log that tells why something did not start', () => {
    writeFileSync(join(folder, 'log', 'containerd1.log'), 'first\nno space left on device\n');
    const { status, stderr } = sandbox(folder, 'die_showing "$RUN/log/containerd1.log" "containerd does not start"');
    expect(status).toBe(1);
    expect(stderr).toContain('  no space left on device\nsandbox: containerd does not start: see ');
  });
});
