import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectsIn, textOf, textsIn } from './stored-lists.ts';

test('a list that is null, or no list, is empty', () => {
  for (const list of [null, undefined, {}, 7, true, 'text'] as unknown as readonly (readonly object[])[]) {
    assert.deepEqual(objectsIn(list), []);
    assert.deepEqual(textsIn(list as readonly never[]), []);
  }
});

test('members of another type are left out', () => {
  assert.deepEqual(objectsIn([{ a: 1 }, null, 'x', 7] as unknown as readonly object[]), [{ a: 1 }]);
  assert.deepEqual(textsIn(['a', null, {}, 7, ''] as unknown as readonly string[]), ['a', '']);
  assert.equal(textOf(7 as unknown as string), undefined);
  assert.equal(textOf('7'), '7');
});

test('a list in which all can be read is not copied', () => {
  const [objects, texts] = [[{}], ['x']];
  assert.equal(objectsIn(objects), objects);
  assert.equal(textsIn(texts), texts);
});
