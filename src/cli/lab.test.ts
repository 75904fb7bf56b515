import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LabCommandError, parseChange } from './lab.ts';

describe('fairlead lab', () => {
  const cases = [
    { words: 'node stop node-2', want: { op: 'node', node: 'node-2', isUp: false } },
    { words: 'node start node/node-2', want: { op: 'node', node: 'node-2', isUp: true } },
    { words: 'link cut node-1 outside', want: { op: 'link', a: 'node-1', b: 'outside', isWhole: false } },
    { words: 'link heal node/node-1 node-2', want: { op: 'link', a: 'node-1', b: 'node-2', isWhole: true } },
  ];
  for (const { words, want } of cases) {
    test(words, () => assert.deepEqual(parseChange(words.split(' ')).change, want));
  }

  for (const words of [
    '',
    'node',
    'node stop',
    'node kill node-1',
    'node stop a b',
    'link cut a',
    'link cut a b c',
    'moon stop x',
  ]) {
    test(`"${words}" is refused with what can be written`, () => {
      assert.throws(
        () => parseChange(words.split(' ')),
        (error) => error instanceof LabCommandError && error.message.includes('lab link heal A B'),
      );
    });
  }
});
