import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { untouchedMappings } from './resident-memory.ts';

test('only what can be read from the file again is let go', () => {
  const block = (range: string, rights: string, file: string, anonymous: number, dirty = 0): string =>
    `${range} ${rights} 0034a000 fe:00 5341218                            ${file}\nSize: 41960 kB\nRss: 40 kB\nPrivate_Dirty: ${dirty} kB\nAnonymous: ${anonymous} kB\nVmFlags: rd ex\n`;
  const smaps = [
    block('0074a000-00750000', 'r-xp', '/bin/node', 0),
    block('00800000-00801000', 'r--p', '/bin/node', 0),
    block('00900000-00901000', 'r--p', '/bin/node', 4),
    block('00910000-00911000', 'r-xp', '/bin/node', 0, 4),
    block('00a00000-00a01000', 'rw-p', '/bin/node', 0),
    block('00b00000-00b01000', 'r-xp', '/lib/other', 0),
    '00c00000-00c01000 rw-p 00000000 00:00 0 \nRss: 4 kB\nPrivate_Dirty: 4 kB\nAnonymous: 4 kB\n',
  ].join('');
  assert.deepEqual(untouchedMappings(smaps, '/bin/node'), [
    { start: 0x74a000, length: 0x6000, resident: 40 * 1024 },
    { start: 0x800000, length: 0x1000, resident: 40 * 1024 },
  ]);
});

describe('a process', process.platform === 'linux' ? {} : { skip: 'needs Linux' }, () => {
  test('that gives its memory back goes on running, and has less', () => {
    const door = new URL('./resident-memory.ts', import.meta.url).href;
    const program = `
      const { giveBackMemory } = await import('${door}');
      const before = process.memoryUsage.rss();
      const bytes = giveBackMemory();
      const after = process.memoryUsage.rss();
      JSON.parse('[1]'.padEnd(10)); new Intl.NumberFormat('de').format(1.5);
      console.log(JSON.stringify({ before, bytes, after }));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    const { before, bytes, after } = JSON.parse(said) as { before: number; bytes: number; after: number };
    assert.ok(bytes > 2 ** 20, `${bytes}`);
    assert.ok(after < before, `${before} -> ${after}`);
  });
});
