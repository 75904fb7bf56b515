import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Progress } from './progress.ts';

function record(
  isTTY: boolean,
  columns = 80,
): { readonly written: string[]; readonly progress: Progress; readonly tick: (ms: number) => void } {
  const written: string[] = [];
  let nowMs = 0;
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  const progress = new Progress({ isQuiet: !isTTY && columns === 0 }, { stream, now: () => nowMs });
  return { written, progress, tick: (ms) => void (nowMs += ms) };
}

describe('progress', () => {
  test('a terminal sees each step with its time', () => {
    const { written, progress, tick } = record(true);
    tick(420);
    progress.step('API at https://127.0.0.1:6443');
    assert.deepEqual(written, ['  ✔ 0.42 s  API at https://127.0.0.1:6443\n']);
  });

  test('what is waited for is erased by what comes next', () => {
    const { written, progress } = record(true);
    progress.waiting(['pod a/b', 'pod a/c', 'pod a/d', 'pod a/e']);
    progress.step('done');
    assert.equal(written[0], '  … 0.00 s  waiting for pod a/b, pod a/c, pod a/d, and 1 more');
    assert.equal(written[1], '\r\u001b[2K');
  });

  test('a line that is too long for the terminal is cut, since it could not be erased', () => {
    const { written, progress } = record(true, 30);
    progress.waiting(['pod namespace/a-very-long-name-of-a-pod']);
    assert.equal(written[0]?.length, 29);
  });

  test('a file gets plain lines and no waiting', () => {
    const { written, progress } = record(false);
    progress.waiting(['pod a/b']);
    progress.step('done');
    assert.deepEqual(written, ['  done\n']);
  });

  test('beside a command whose output is read by a program, nothing is said', () => {
    const { written, progress } = record(false, 0);
    progress.step('done');
    assert.deepEqual(written, []);
  });

  test('a warning is for everybody', () => {
    for (const { written, progress } of [record(true), record(false), record(false, 0)]) {
      progress.warning('a.yaml:1:1: nothing acts on it');
      assert.deepEqual(written, ['Warning: a.yaml:1:1: nothing acts on it\n']);
    }
  });
});
