import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { createProgram } from './main.ts';
import { completionScript, shells } from './completion.ts';

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript(createProgram(), 'bash')}
COMP_WORDS=(fairlead ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_fairlead
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

const hasBash = spawnSync('bash', ['--version']).error === undefined;

describe('completion in bash', { skip: hasBash ? false : 'bash is missing' }, () => {
  test('the first word is a command', () => {
    assert.deepEqual(offered('ex'), ['explain']);
    assert.ok(offered('').includes('up'));
    assert.ok(!offered('').includes('inner'), 'what is hidden stays hidden');
  });

  test('flags belong to their command', () => {
    assert.deepEqual(offered('up', '--no'), ['--nodes']);
    assert.deepEqual(offered('run', '--no'), []);
  });

  test('values with a choice are offered', () => {
    assert.deepEqual(offered('up', '--ip-family', ''), ['ipv4', 'ipv6', 'dual']);
    assert.deepEqual(offered('run', '--from', 'o'), ['outside']);
    assert.deepEqual(offered('completion', 'z'), ['zsh']);
    assert.deepEqual(offered('help', 'ex'), ['explain']);
    assert.deepEqual(offered('lab', 'link', 'h'), ['heal']);
  });

  test('files are offered where a file is wanted', () => {
    assert.deepEqual(offered('up', '-f', `${import.meta.dirname}/comple`).sort(), [
      `${import.meta.dirname}/completion.test.ts`,
      `${import.meta.dirname}/completion.ts`,
    ]);
  });

  test('after -- the user has a command line of their own', () => {
    assert.ok(offered('up', '--', 'tru').includes('true'));
    assert.ok(!offered('up', '--', '').includes('--nodes'));
  });
});

describe('completion in other shells', () => {
  for (const shell of shells) {
    test(`${shell} hears of every command`, () => {
      const script = completionScript(createProgram(), shell);
      for (const command of ['up', 'run', 'explain', 'affinity', 'lab']) assert.match(script, new RegExp(`\\b${command}\\b`));
    });
  }

  test('fish reads quotes in descriptions back', () => {
    const lines = completionScript(createProgram(), 'fish').split('\n');
    for (const line of lines) assert.equal(line.replaceAll(String.raw`\'`, '').split("'").length % 2, 1, line);
  });
});
