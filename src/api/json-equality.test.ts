import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEqualJson, sortMembers } from './json-equality.ts';

test('members stand in the order of their names, items where they stood', () => {
  const sorted = sortMembers(JSON.parse('{"b":[{"d":1,"c":2},3],"a":null,"__proto__":{"z":1,"y":2}}'));
  assert.equal(JSON.stringify(sorted), '{"__proto__":{"y":2,"z":1},"a":null,"b":[{"c":2,"d":1},3]}');
});

test('values are equal when they say the same, in whatever order', () => {
  const table: readonly [a: unknown, b: unknown, want: boolean][] = [
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
    [{ a: 1, b: { c: [1, { d: 2, e: 3 }] } }, { b: { c: [1, { e: 3, d: 2 }] }, a: 1, x: undefined }, true],
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
