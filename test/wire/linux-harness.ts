/**
 * Lets a test file run inside user, network, mount and pid namespaces of its own: the file starts itself again through
 * `unshare`, as an ordinary user or as root, and reports what the inner run said.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MARK = 'FAIRLEAD_TEST_INSIDE';

/**
 * Whether this process is the inner one: then the file defines its tests. Otherwise defines one test that runs the inner
 * one. `fileUrl` is the test's `import.meta.url`.
 */
export function isInside(fileUrl: string): boolean {
  if (process.env[MARK] === '1') return true;
  const refusal = refusalOfUnshare();
  const options = refusal === undefined ? {} : { skip: refusal };
  test('inside namespaces of its own', options, () => {
    const result = spawnSync('unshare', [...unshareArguments(), process.execPath, fileURLToPath(fileUrl)], {
      // The runner's own channel to its children must not be taken for ours.
      env: { ...process.env, [MARK]: '1', NODE_TEST_CONTEXT: '' },
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
  });
  return false;
}

function unshareArguments(): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return [...user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
}

function refusalOfUnshare(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  const result = spawnSync('unshare', [...unshareArguments(), 'true'], { encoding: 'utf8' });
  return result.status === 0 ? undefined : `no namespaces here: ${result.error?.message ?? result.stderr.trim()}`;
}

/** What a program prints. Throws with its complaint when it fails. */
export function run(program: string, ...parameters: readonly string[]): string {
  return execFileSync(program, parameters, { encoding: 'utf8' });
}

/** Whether a program is installed, for tests that compare with it. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
