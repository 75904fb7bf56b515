/** `npm start`: the examples come up, each is proved, and the exit status says whether all of them hold. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Desk, needsLab, startProgram, until } from './up-harness.ts';

const root = join(import.meta.dirname, '..', '..');
const desk = new Desk();
after(() => desk.close());

test('without a terminal: the table, then a line for each example, then the end with 0', needsLab, async () => {
  const script = join(root, 'examples', 'start.ts');
  const { status, stdout, stderr } = await startProgram(process.execPath, [script], { env: desk.env, cwd: desk.folder }).ended;
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const [before = '', proofs = ''] = stdout.split('\nProved on the wire:\n');
  assert.match(before, /^SERVICE +TYPE +ADDRESS/m, 'the table comes first');
  assert.match(before, /^Try, in another terminal:/m);
  const lines = proofs.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => /^(\d\d) .* (.)$/.exec(line)?.slice(1)),
    Array.from({ length: 9 }, (_each, index) => [`0${index + 1}`, '✓']),
    proofs,
  );
  assert.deepEqual(desk.leftovers(), []);
});

test('on a terminal it stays after the proofs, until Ctrl-C, and leaves nothing', needsLab, async () => {
  // a dash that waits for it would take the interrupt too, and end with that in place of our status
  const command = `exec '${process.execPath}' '${join(root, 'examples', 'start.ts')}'`;
  // util-linux gives it a terminal of its own, and hands it what is typed
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { ...desk.env, SHELL: '/bin/sh' },
    cwd: desk.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  await until(
    () => `the last proof is printed: ${output}`,
    () => /^09 .*✓/m.test(output),
    60_000,
  );
  const early = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000, 'still there'))]);
  assert.equal(early, 'still there');
  child.stdin.write('\x03');
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual(readdirSync(desk.runtime), []);
});

test('a line that fails makes the end 1', needsLab, async () => {
  const extension = join(desk.folder, 'fails.mjs');
  writeFileSync(extension, "export async function run(_cluster, print) { print('01 not so'); return false; }\n");
  const script = `
    const { up } = await import(${JSON.stringify(join(root, 'src', 'cli', 'up.ts'))});
    await up({ filename: [], nodes: 1, publish: [], name: 'fails', ipFamily: 'ipv4', port: 6443, logLevel: 'error', command: [],
      extension: { path: ${JSON.stringify(extension)}, leaves: true } });`;
  const args = ['--input-type=module', '--eval', script];
  const { status, stdout, stderr } = await startProgram(process.execPath, args, { env: desk.env, cwd: desk.folder }).ended;
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^Try, [^]*^01 not so$/m);
});
