/** What `fairlead up -f` writes is what `kubectl apply` would have written: the same files, applied afterwards, change nothing. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { join } from 'node:path';
import { noKubectl } from '../../tools/testing/kubectl.ts';
import { Desk, needsLab } from '../wire/up-harness.ts';
import { kubectlPrograms } from './each-kubectl.ts';

const programs = kubectlPrograms();
const examples = join(import.meta.dirname, '..', '..', 'examples');

describe('files that up applied', programs.size === 0 ? { skip: noKubectl } : needsLab, () => {
  const desk = new Desk();
  after(() => desk.close());
  for (const [version, program] of programs) {
    test(`are unchanged for kubectl ${version}`, async () => {
      const name = `applied-${version.replaceAll('.', '-')}`;
      const { status, stdout, stderr } = await desk.run([
        'up',
        '--name',
        name,
        '-f',
        examples,
        '--',
        program,
        'apply',
        '-f',
        examples,
      ]);
      assert.equal(status, 0, stderr);
      const lines = stdout.trim().split('\n');
      assert.ok(lines.length > 20, stdout);
      assert.deepEqual(
        lines.filter((line) => !line.endsWith(' unchanged')),
        [],
      );
      assert.doesNotMatch(stderr, /Warning/);
    });
  }
});
