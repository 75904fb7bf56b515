import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { identify } from './process-identity.ts';
import { findLab, LabStateError } from './state-directory.ts';

/** A directory of labs with one that says that it runs, in this very process. */
function labsIn(directory: string): string {
  mkdirSync(join(directory, 'default'), { recursive: true });
  const ready = { innerPid: 1, kubeconfig: '/somebody/kubeconfig', controlSocket: '/somebody/control.sock' };
  const state = { name: 'default', supervisor: identify(process.pid), ready, version: '0' };
  writeFileSync(join(directory, 'default', 'state.json'), JSON.stringify(state));
  return directory;
}

describe('a running lab', { skip: process.platform === 'linux' ? false : 'labs need Linux' }, () => {
  let usual: string | undefined;
  let runtime = '';
  beforeEach(() => {
    usual = process.env['XDG_RUNTIME_DIR'];
    runtime = mkdtempSync(join(tmpdir(), 'fairlead-state-'));
    process.env['XDG_RUNTIME_DIR'] = runtime;
  });
  afterEach(() => {
    if (usual === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = usual;
    rmSync(runtime, { recursive: true });
  });

  test('is found in a directory of our own, which is for nobody else from then on', () => {
    const labs = labsIn(join(runtime, 'fairlead'));
    chmodSync(labs, 0o755);
    assert.equal(findLab('default').ready.kubeconfig, '/somebody/kubeconfig');
    assert.equal(statSync(labs).mode & 0o777, 0o700);
  });

  test('is not believed where somebody else may have put it', () => {
    // a link is whoever's who made it; a directory of another user takes root to make
    symlinkSync(labsIn(join(runtime, 'elsewhere')), join(runtime, 'fairlead'));
    assert.throws(() => findLab('default'), isUnsafe);
    // nor is what cannot be read
    writeFileSync(join(runtime, 'elsewhere', 'default', 'state.json'), '{');
    assert.throws(() => findLab('default'), isUnsafe);
  });

  test('is missing where there is nothing', () => {
    assert.throws(
      () => findLab('default'),
      (error) => error instanceof LabStateError && error.code === 'no-lab',
    );
  });
});

function isUnsafe(error: unknown): boolean {
  return error instanceof LabStateError && error.code === 'unsafe-directory';
}
