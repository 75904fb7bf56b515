import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'bin', 'fairlead.js');
const explain = ['explain', 'my-service.session-affinity', '-f', join(root, 'examples')];

describe('output that cannot be written', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, () => {
  for (const args of [['version'], ['completion', 'bash'], explain])
    test(`ends ${args[0] ?? ''} with 1 and a sentence`, () => {
      const full = openSync('/dev/full', 'w');
      const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', full, 'pipe'],
      });
      closeSync(full);
      assert.equal(stderr, 'fairlead: cannot write the output: ENOSPC: no space left on device, write\n');
      assert.equal(status, 1);
    });
});

test('a reader who leaves early is no failure', async () => {
  const child = spawn(process.execPath, [program, ...explain, '-o', 'json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise((done) => child.once('close', done));
  assert.equal(said, '');
  assert.equal(status, 0);
});

test('help of a command that does not exist says so', () => {
  const { status, stderr } = spawnSync(process.execPath, [program, 'help', 'nope'], { encoding: 'utf8' });
  assert.match(stderr, /^error: command-argument value 'nope' is invalid for argument 'command'\. Allowed choices are up, run, /);
  assert.equal(status, 1);
});
