import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identify } from './process-identity.ts';
import { claimLab, releaseLab } from './state-directory.ts';

const runtime = mkdtempSync(join(tmpdir(), 'fairlead-state-'));
process.env['XDG_RUNTIME_DIR'] = runtime;
const labs = join(runtime, 'fairlead');
after(() => rmSync(runtime, { recursive: true, force: true }));

const claim = (): Promise<string> => claimLab({ name: 'a', supervisor: identify(process.pid), version: '0' });
const modeOf = (path: string): number => statSync(path).mode & 0o777;
/** No process can have this number (PID_MAX_LIMIT of Linux is 2^22). */
const nobody = 2 ** 22 + 1;

test('a lab can be claimed and released whatever the umask takes away', async () => {
  const umask = process.umask(0o777);
  let directory: string;
  try {
    directory = await claim();
  } finally {
    process.umask(umask);
  }
  assert.equal(modeOf(labs), 0o700);
  assert.equal(modeOf(directory), 0o700);
  assert.equal(modeOf(join(directory, 'state.json')), 0o600);
  releaseLab(directory);
  assert.equal(existsSync(labs), false);
});

test('what a start left that was closed to its own owner goes with the next one', async () => {
  const left = join(labs, `.b.${nobody}`);
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'state.json.new'), '');
  chmodSync(left, 0);
  const directory = await claim();
  assert.deepEqual(readdirSync(labs), ['a']);
  releaseLab(directory);
});
