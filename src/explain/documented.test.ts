/** docs/explain.md shows what the program prints. To rewrite the blocks after a change: FAIRLEAD_WRITE_DOCS=1. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest } from '../manifest/index.ts';
import { explain } from './explain.ts';
import { worldFromManifests } from './files/world-from-files.ts';
import { printExplanation } from './print.ts';
import { parsePlace } from './question.ts';
import { usualPlace } from './usual-place.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const page = join(root, 'docs/explain.md');

/** `./fairlead explain TARGET [--from PLACE] -f FILE`, with paths as from the repository's root. */
function outputOf(command: string): string {
  const match = /^\$ \.\/fairlead explain (\S+)(?: --from (\S+))? -f (\S+)$/.exec(command);
  const [, target = '', from, file = ''] = match ?? [];
  assert.ok(match !== null, command);
  const world = worldFromManifests(parseManifest(readFileSync(join(root, file), 'utf8'), file));
  const place = from === undefined ? usualPlace(world, target, 'default') : parsePlace(from);
  return printExplanation(explain(world, { target, from: place, namespace: 'default' }));
}

test('every output in docs/explain.md is what the program prints', () => {
  const text = readFileSync(page, 'utf8');
  let count = 0;
  const written = text.replaceAll(/```console\n(\$ [^\n]*)\n[^]*?```/g, (_block, command: string) => {
    count++;
    return `\`\`\`console\n${command}\n${outputOf(command)}\n\`\`\``;
  });
  assert.ok(count >= 4);
  if (process.env['FAIRLEAD_WRITE_DOCS'] === '1') writeFileSync(page, written);
  else assert.equal(text, written);
});
