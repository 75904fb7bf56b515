/** docs/commands.md and the command line know the same commands and flags. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

test('every command and flag of the command line is in docs/commands.md, and nothing else is', async () => {
  const sections = documentedSections();
  const commands = commandsOf(await help());
  assert.ok(commands.length > 4, 'the help lists its commands');
  assert.deepEqual([...sections.keys()].sort(), [...commands].sort(), 'the sections "## fairlead COMMAND"');
  const known = new Map(
    await Promise.all(
      commands
        .filter((command) => command !== 'help')
        .map(async (command) => [command, flagsOf(await help(command))] satisfies [string, string[]]),
    ),
  );
  for (const [command, flags] of known)
    assert.deepEqual(
      documentedFlags(sections.get(command) ?? ''),
      flags,
      `the flags of fairlead ${command} as docs/commands.md has them`,
    );
});

/** Section of each command, by its name. */
function documentedSections(): Map<string, string> {
  const sections = new Map<string, string>();
  for (const part of readFileSync(join(root, 'docs', 'commands.md'), 'utf8').split(/^## /m)) {
    const command = /^fairlead (\S+)\n/.exec(part)?.[1];
    if (command !== undefined) sections.set(command, part);
  }
  return sections;
}

/** Flags that a row of the section's table begins with, `-x, --long` or `--long`. */
function documentedFlags(section: string): string[] {
  return [...section.matchAll(/^\| `((?:-\w, )?--[\w-]+)/gm)].map((match) => match[1] ?? '').sort();
}

function commandsOf(text: string): string[] {
  const list = text.slice(text.indexOf('\nCommands:\n'));
  return [...list.matchAll(/^ {2}([a-z]+)\b/gm)].map((match) => match[1] ?? '');
}

function flagsOf(text: string): string[] {
  return [...text.matchAll(/^ {2}((?:-\w, )?--[\w-]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((flag) => flag !== '-h, --help')
    .sort();
}

async function help(...command: readonly string[]): Promise<string> {
  const program = join(root, 'bin', 'fairlead.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...command, '--help']);
  return stdout;
}
