/** Names of chains that are made on demand, there and back. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isMadeOnDemand, parsePickChain, parseStickyPart, partsOf, pickChainName, stickyPartName } from './chain-names.ts';

for (const [name, parts] of [
  ['pick-1', []],
  ['pick-outside-12', []],
  ['node-pick-3', []],
  ['node-pick-outside-65536', []],
  ['sticky-3-10', ['renew-10', 'pin-10']],
  ['sticky-outside-3-10800', ['renew-10800', 'pin-outside-10800']],
  ['node-sticky-3-10', ['node-renew-10', 'node-pin-10']],
  ['node-sticky-outside-3-10', ['node-renew-10', 'node-pin-outside-10']],
] as const) {
  it(`${name} is a chain that draws, and leads to ${parts.length === 0 ? 'constant ones' : parts.join(' and ')}`, () => {
    const pick = parsePickChain(name) ?? assert.fail();
    assert.equal(pickChainName(pick), name);
    assert.deepEqual(partsOf(name), parts);
    for (const part of parts) {
      assert.equal(stickyPartName(parseStickyPart(part) ?? assert.fail(part)), part);
      assert.ok(isMadeOnDemand(part) && parsePickChain(part) === undefined);
    }
  });
}

for (const name of [
  'pick',
  'pick-outside',
  'node-pick',
  'pick-0',
  'pick-01',
  'sticky-3',
  'renew',
  'pin-',
  'services',
  'source-local',
]) {
  it(`${name} is none that is made on demand`, () => assert.ok(!isMadeOnDemand(name)));
}
