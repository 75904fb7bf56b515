import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './table.ts';

test('a table has aligned columns, and rows as high as their highest cell', () => {
  assert.deepEqual(
    formatTable(
      ['NAME', 'ADDRESS', 'N'],
      [
        ['a', ['10.0.0.1', 'fd00::1'], '3'],
        ['long-name', '-', '10'],
      ],
    ),
    ['NAME        ADDRESS    N', 'a           10.0.0.1   3', '            fd00::1', 'long-name   -          10'],
  );
});

test('a table without rows is its headings', () => {
  assert.deepEqual(formatTable(['A', 'B'], []), ['A   B']);
});
