import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scaledValue } from './int-or-percent.ts';
import { templateHash, withoutLabel } from './template-hash.ts';

test('the order of members and members without value do not matter to a hash', () => {
  const template = { a: 1, b: { c: [1, { d: 2, e: 3 }] } };
  assert.equal(templateHash(template), templateHash({ b: { c: [1, { e: 3, d: 2 }] }, a: 1, x: undefined }));
  assert.notEqual(templateHash([1, 2]), templateHash([2, 1]));
  assert.equal(templateHash({ a: 1, b: 2 }), templateHash({ b: 2, a: 1 }));
  assert.notEqual(templateHash({ a: 1 }), templateHash({ a: 2 }));
  assert.notEqual(templateHash({ a: 1 }), templateHash({ a: 1 }, 1));
});

test('a label is taken out without touching the others', () => {
  const template = { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [] } };
  assert.deepEqual(withoutLabel(template, 'a').metadata?.labels, { b: '2' });
  assert.deepEqual(template.metadata.labels, { a: '1', b: '2' });
});

test('percentages are rounded as asked', () => {
  const table: readonly [value: number | string | undefined, total: number, rounding: 'up' | 'down', want: number][] = [
    [2, 10, 'up', 2],
    ['25%', 10, 'up', 3],
    ['25%', 10, 'down', 2],
    ['100%', 7, 'down', 7],
    ['0%', 7, 'up', 0],
    [undefined, 7, 'up', 0],
    ['x', 7, 'up', 0],
  ];
  for (const [value, total, rounding, want] of table)
    assert.equal(scaledValue(value, total, rounding), want, `${value} of ${total} ${rounding}`);
});
