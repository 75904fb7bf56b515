import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { programName, quote } from './program-name.ts';

const folder = mkdtempSync(join(tmpdir(), "fairlead it's "));
after(() => rmSync(folder, { recursive: true }));
const script = join(folder, 'fairlead');
writeFileSync(script, '');
chmodSync(script, 0o755);

test('an installed program is called by its name', () => {
  assert.equal(programName({ PATH: '/usr/bin' }), 'fairlead');
});

test('under npx it is called through npx', () => {
  assert.equal(programName({ PATH: '/usr/bin', npm_command: 'exec' }), 'npx fairlead');
});

test("a clone's own script is called by its whole path, as a shell reads it", () => {
  assert.equal(programName({ PATH: '/usr/bin', FAIRLEAD_PROGRAM: '/srv/x/fairlead' }), '/srv/x/fairlead');
  assert.equal(programName({ PATH: '/usr/bin', FAIRLEAD_PROGRAM: script }), quote(script));
  assert.match(quote(script), /^'.*fairlead it'\\''s .*'$/);
});

test('a link to it on the PATH is enough', () => {
  const bin = mkdtempSync(join(folder, 'bin'));
  symlinkSync(script, join(bin, 'fairlead'));
  assert.equal(programName({ PATH: `/usr/bin:${bin}`, FAIRLEAD_PROGRAM: script }), 'fairlead');
});
