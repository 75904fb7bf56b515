/** One program for each file of a folder that exports `run(args)`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlagError } from './stage.ts';

interface Program {
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** Runs the file that the first word names. Without one that exists, lists what there is and sets the exit status. */
export async function runNamed(command: string, folder: string, words: readonly string[]): Promise<void> {
  const [name = '', ...args] = words.filter((word) => word !== '--');
  const programs = programsIn(folder);
  const chosen = programs.find((program) => program.name === name);
  if (chosen === undefined) {
    console.error(`npm run ${command} NAME, where NAME is one of:`);
    for (const { name: each, about } of programs) console.error(`  ${each.padEnd(10)} ${about}`);
    process.exitCode = 1;
    return;
  }
  const { run } = (await import(join(folder, `${name}.ts`))) as Program;
  try {
    await run(args);
  } catch (error) {
    if (!isFlagError(error)) throw error;
    console.error(`npm run ${command} ${name}: ${error.message}`);
    process.exitCode = 1;
  }
}

/** From `readFlags`, or from Node's `parseArgs`. */
function isFlagError(error: unknown): error is Error {
  return (
    error instanceof FlagError ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))
  );
}

/** Names of the programs, each with the first sentence of its file's comment. */
function programsIn(folder: string): { readonly name: string; readonly about: string }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => ({ name: file.slice(0, -'.ts'.length), text: readFileSync(join(folder, file), 'utf8') }))
    .filter(({ text }) => text.includes('export async function run('))
    .map(({ name, text }) => ({ name, about: /^\/\*\*[\s*]*([^\n]*?)(?:[.:]?\s*\*\/|\n)/.exec(text)?.[1] ?? '' }));
}
