/**
 * Runs every test: the pure ones in one process, then those with real parts (namespaces, kubectl, a browser, the package),
 * each file in its own process. `npm test -- WORD...` runs only the files whose path contains a word.
 * What the machine lacks is named in `skipped:` lines with the fix. The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tally } from './testing/reporter.ts';

interface Group {
  readonly name: string;
  readonly files: readonly string[];
  readonly flags: readonly string[];
}

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);

const groups: readonly Group[] = [
  group(
    'pure',
    ['src/**/*.test.ts', 'tools/**/*.test.ts'],
    ['--test-isolation=none', '--test-force-exit', '--test-timeout=120000'],
  ),
  // real parts share two cores and one kernel: one file at a time keeps timings honest
  group('real', ['test/**/*.test.ts'], ['--test-concurrency=1', '--test-force-exit', '--test-timeout=300000']),
];

const total: Tally = { passed: 0, failed: 0, skipped: [], failures: [] };
const scratch = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
for (const { name, files, flags } of groups) {
  if (files.length === 0) continue;
  const tallyFile = join(scratch, name);
  const reporter = join(root, 'tools', 'testing', 'reporter.ts');
  const result = spawnSync(
    process.execPath,
    ['--test', ...flags, `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...files],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        FAIRLEAD_TALLY: tallyFile,
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules', '.cache', 'node'),
      },
    },
  );
  add(total, tallyOf(tallyFile, name, result.status));
}
rmSync(scratch, { recursive: true, force: true });
for (const failure of total.failures) console.log(`failed: ${failure}`);
for (const line of total.skipped) console.log(`skipped: ${line}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

function group(name: string, patterns: readonly string[], flags: readonly string[]): Group {
  const files = globSync([...patterns], { cwd: root, exclude: (path) => path.includes('node_modules') })
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort((a, b) => (a < b ? -1 : 1));
  return { name, files, flags };
}

/** A run that died before it could count is a failure of its own. */
function tallyOf(file: string, name: string, status: number | null): Tally {
  let tally: Tally;
  try {
    tally = JSON.parse(readFileSync(file, 'utf8')) as Tally;
  } catch {
    return {
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [`the ${name} tests ended with status ${status} before they could be counted`],
    };
  }
  if (status !== 0 && tally.failed === 0) {
    return { ...tally, failed: 1, failures: [`the ${name} tests ended with status ${status} though none failed`] };
  }
  return tally;
}

function add(sum: Tally, more: Tally): void {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skipped.push(...more.skipped);
  sum.failures.push(...more.failures);
}
