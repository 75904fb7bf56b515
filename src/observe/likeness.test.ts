import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAlike } from './likeness.ts';

test('one slip makes names alike, two make them different', () => {
  const table: readonly [string, string, boolean][] = [
    ['web', 'Web', true],
    ['web', 'wbe', true],
    ['web', 'wb', false],
    ['front', 'fron', true],
    ['front', 'frond', true],
    ['front', 'frnot', true],
    ['front', 'forth', false],
    ['app', 'myapp', true],
    ['db', 'dbs', false],
    ['alpha', 'omega', false],
    ['', '', true],
  ];
  for (const [a, b, want] of table) {
    assert.equal(isAlike(a, b), want, `${a} ${b}`);
    assert.equal(isAlike(b, a), want, `${b} ${a}`);
  }
});
