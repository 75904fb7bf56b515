import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), '..');

test('explanations work on every platform: nothing that is loaded for them reaches the kernel', () => {
  const loaded = new Set<string>();
  const queue = [join(source, 'explain/index.ts')];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    // a type is gone before anything is loaded
    const text = readFileSync(file, 'utf8').replaceAll(/^(?:import|export) type [^;]*;/gm, '');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']*)';/gm))
      queue.push(join(dirname(file), specifier));
    assert.doesNotMatch(text, /from 'koffi'/, file);
  }
  const rooms = new Set([...loaded].map((file) => relative(source, file).split('/')[0] ?? ''));
  assert.ok(rooms.has('routing') && rooms.has('names') && rooms.has('slices'), [...rooms].join());
  for (const room of ['linux', 'agent', 'lab', 'cluster']) assert.ok(!rooms.has(room), `${room} is loaded`);
});
