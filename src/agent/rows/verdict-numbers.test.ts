/** Numbers of chains: stable, kept over a restart, and not given again to another chain at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { packNumber, unpackNumber } from './row-bytes.ts';
import { VerdictNumbers } from './verdict-numbers.ts';

const numbersOf = (verdicts: VerdictNumbers, ...chains: string[]): number[] =>
  chains.map((chain) => unpackNumber(verdicts.of(chain)));

describe('the number of a chain', () => {
  it('is its own, never 0, and stays', () => {
    const verdicts = new VerdictNumbers();
    assert.deepEqual(numbersOf(verdicts, 'pick-1', 'pick-2', 'pick-1'), [1, 2, 1]);
  });

  it('is another one after the chain was forgotten, so that nobody who read the old one is led elsewhere', () => {
    const verdicts = new VerdictNumbers();
    numbersOf(verdicts, 'pick-1', 'pick-2');
    assert.equal(unpackNumber(verdicts.release('pick-2')), 2);
    assert.deepEqual(numbersOf(verdicts, 'pick-3', 'pick-2', 'pick-1'), [3, 4, 1]);
  });

  it('goes on when only some chains are kept', () => {
    const verdicts = new VerdictNumbers();
    numbersOf(verdicts, 'pick-1', 'pick-2', 'pick-3');
    verdicts.keepOnly(new Map([['pick-2', 1]]));
    assert.deepEqual(numbersOf(verdicts, 'pick-2', 'pick-1', 'pick-3'), [2, 4, 5]);
  });
});

describe('numbers that were read back', () => {
  const read = (...rows: readonly (readonly [number, string])[]): VerdictNumbers =>
    new VerdictNumbers(new Map(rows.map(([number, chain]) => [packNumber(number), chain])));

  for (const [name, verdicts, want] of [
    ['are kept, and new ones come after all of them', read([7, 'pick-1'], [3, 'pick-2']), [7, 3, 8]],
    ['of one chain twice: the first counts', read([3, 'pick-1'], [4, 'pick-1']), [3, 5, 6]],
    ['leave out 0, which means none', read([0, 'pick-1'], [2, 'pick-2']), [3, 2, 4]],
    ['up to the last one: those that are free come next', read([0xffff_ffff, 'pick-1'], [1, 'pick-2']), [0xffff_ffff, 1, 2]],
  ] as const) {
    it(name, () => assert.deepEqual(numbersOf(verdicts, 'pick-1', 'pick-2', 'pick-3'), want));
  }
});
