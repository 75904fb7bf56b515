/**
 * Lets a test file run inside user, network, mount and pid namespaces of its own: the file starts itself again through
 * `unshare`, as an ordinary user or as root, and reports what the inner run said.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const MARK = 'FAIRLEAD_TEST_INSIDE';

/**
 * Whether this process is the inner one: then the file defines its tests. Otherwise this process becomes the inner one's
 * messenger and ends with it: the runner hears the inner tests one by one, as if they were the file's own.
 * `fileUrl` is the test's `import.meta.url`.
 */
export function isInside(fileUrl: string): boolean {
  if (process.env[MARK] === '1') return true;
  const refusal = refusalOfUnshare();
  if (refusal !== undefined) {
    test(`everything in ${basename(fileURLToPath(fileUrl))}`, { skip: refusal }, () => undefined);
    return false;
  }
  // A test that fails may leave a socket open: without force-exit the inner run would wait for it for ever. SIGKILL, since the first
  // process of a pid namespace ignores what it does not handle; unshare's --kill-child takes it along.
  const inner = [process.execPath, ...process.execArgv, '--test-force-exit', fileURLToPath(fileUrl)];
  const result = spawnSync('unshare', [...unshareArguments(), ...inner], {
    env: { ...process.env, [MARK]: '1' },
    stdio: 'inherit',
    timeout: 280_000,
    killSignal: 'SIGKILL',
  });
  process.exit(result.status ?? 1);
}

function unshareArguments(): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return [...user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
}

function refusalOfUnshare(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  const result = spawnSync('unshare', [...unshareArguments(), 'true'], { encoding: 'utf8' });
  return result.status === 0
    ? undefined
    : `no user namespaces here (see the preflight of fairlead up for the fix): ${result.error?.message ?? result.stderr.trim()}`;
}

/** What a program prints. Throws with its complaint when it fails. */
export function run(program: string, ...parameters: readonly string[]): string {
  return execFileSync(program, parameters, { encoding: 'utf8' });
}

/** Whether a program is installed, for tests that compare with it. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/**
 * The shortest of up to `attempts` runs, in milliseconds; stops at the first one below `goodMs`. What is fast by construction is
 * fast once in a few runs even on a machine that others load; what is slow by construction never is.
 */
export async function bestOf(attempts: number, goodMs: number, measure: (attempt: number) => Promise<number>): Promise<number> {
  let best = Infinity;
  for (let attempt = 0; attempt < attempts && best >= goodMs; attempt++) best = Math.min(best, await measure(attempt));
  return best;
}

/**
 * Starts a stopwatch that shows milliseconds of which this thread was not kept waiting for a processor that others had: what a busy
 * machine takes away is no property of what is measured. Source: /proc/thread-self/schedstat (nanoseconds on and waiting for a CPU).
 */
export function startStopwatch(): () => number {
  const startMs = performance.now();
  const startWaitMs = waitedMs();
  return () => performance.now() - startMs - (waitedMs() - startWaitMs);
}

function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    // a kernel without scheduler statistics: then the wall clock must do
    return 0;
  }
}
