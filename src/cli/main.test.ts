import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { createProgram } from './main.ts';

/** What the command line says of itself when it is refused; parsing ends before anything is done. */
async function refusal(...args: readonly string[]): Promise<string> {
  const program = createProgram();
  let said = '';
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  await assert.rejects(program.parseAsync([...args], { from: 'user' }), CommanderError);
  return said;
}

test('numbers are written in digits', async () => {
  for (const text of ['0x50', '1e3', '80.0', ' 80', '+80', '', '0', '-1', 'eighty', '99999999999999999999'])
    assert.match(await refusal('apiserver', '--port', text), /must be a whole number above 0/, text);
  assert.match(await refusal('apiserver', '--port', '65536'), /A port is at most 65535/);
  assert.match(await refusal('up', '--nodes', '1e2'), /must be a whole number above 0/);
  assert.match(await refusal('dns', '--udp-workers', '0x2'), /must be a whole number above 0/);
});
