import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEqualJson } from './json-equality.ts';

test('values are equal when they say the same, in whatever order', () => {
  const table: readonly [a: unknown, b: unknown, want: boolean][] = [
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{}, { a: undefined }, true],
    [{ a: null }, {}, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{ a: {} }, { a: { b: 1 } }, false],
    // members that every object seems to have
    [{}, { constructor: 'x' }, false],
    [{ constructor: 'x' }, {}, false],
    [{ toString: 'x' }, { toString: 'x' }, true],
    [{}, JSON.parse('{"__proto__":{}}'), false],
    [JSON.parse('{"__proto__":{"a":1}}'), {}, false],
    [JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}'), true],
  ];
  for (const [a, b, want] of table) assert.equal(isEqualJson(a, b), want, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
});
