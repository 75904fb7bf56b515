/**
 * Stages: parts of a benchmark that run in a process of their own inside namespaces of their own, so that each starts cold, weighs
 * only itself and leaves nothing behind. A stage is its benchmark's own file, started again with `--stage NAME FACTS`.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitWithParent } from '../../src/linux/index.ts';

const root = join(import.meta.dirname, '..', '..');
/** As the command line does: code that was compiled once is not compiled again, and TypeScript not stripped again. */
const compileCache = process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules', '.cache', 'node');

export const isRoot = process.getuid?.() === 0;

/** What a stage does with its facts; what it answers must survive JSON. */
export type Stages = Readonly<Record<string, (facts: never) => Promise<unknown>>>;

/**
 * Runs a stage in a new network namespace (and, unless root, user namespace), and answers what it answered. Rejects when it fails;
 * what it printed has then gone to standard error.
 */
export async function runStage<T>(
  moduleUrl: string,
  name: string,
  facts: object,
  options: {
    readonly nodeFlags?: readonly string[];
    /** Without the rights of root over the host, as an ordinary user has it. */
    readonly asUser?: boolean;
    /** In the namespaces of this process. */
    readonly isInside?: boolean;
  } = {},
): Promise<T> {
  // --map-root-user gives a rootless process its own rights in the new namespaces; root may ask for the same, to see its limits.
  const isRootless = !isRoot || options.asUser === true;
  const user = isRootless ? ['--user', '--map-root-user'] : [];
  const namespaces = ['unshare', ...user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const node = [process.execPath, ...(options.nodeFlags ?? []), fileURLToPath(moduleUrl), '--stage', name, JSON.stringify(facts)];
  const [program = '', ...parameters] = options.isInside === true ? node : [...namespaces, ...node];
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  let answer: { readonly value: T } | undefined;
  child.on('message', (message) => {
    answer = message as { value: T };
  });
  const status = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(String(code ?? signal)));
  });
  if (answer === undefined) throw new Error(`stage ${name} ended with ${status} and no answer`);
  return answer.value;
}

/** To be called at the end of a benchmark's file: runs the stage that it was started for, or the benchmark when started by hand. */
export async function serveStages(stages: Stages, run: (args: readonly string[]) => Promise<void>): Promise<void> {
  const [flag, name = '', facts = '{}'] = process.argv.slice(2);
  if (flag !== '--stage') return await run(process.argv.slice(2));
  const stage = stages[name];
  if (stage === undefined) throw new Error(`no stage ${name}`);
  // Whoever stops the benchmark stops its stages.
  exitWithParent();
  const value = await stage(JSON.parse(facts) as never);
  // Started by hand, under a profiler say.
  if (process.send === undefined) console.log(JSON.stringify(value));
  await new Promise<void>((resolve, reject) => {
    if (process.send === undefined) resolve();
    process.send?.({ value }, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
  process.exit(0);
}

/** A flag that nobody knows, or without its value. */
export class FlagError extends Error {}

/** `--name value` and `--name` of a command line; unknown names are refused. */
export function readFlags<T extends Readonly<Record<string, string>>>(args: readonly string[], defaults: T): T {
  const values: Record<string, string> = { ...defaults };
  for (let index = 0; index < args.length; index += 2) {
    const name = (args[index] ?? '').replace(/^--/, '');
    const value = args[index + 1];
    if (!(name in defaults) || value === undefined) {
      const known = Object.entries(defaults).map(([flag, text]) => `--${flag} ${text}`);
      throw new FlagError(`what is ${args[index]}? Known, with their defaults: ${known.join('  ')}`);
    }
    values[name] = value;
  }
  return values as T;
}

/** `1000,10000` -> numbers; `1k` is 1000. */
export function readSizes(text: string): number[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => (part.endsWith('k') ? Number(part.slice(0, -1)) * 1000 : Number(part)));
}
