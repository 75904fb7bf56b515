import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessages, readU16, type Message } from '../netlink/message-reader.ts';
import { NftBatch } from './batch.ts';
import { decodeChain, decodeElements, decodeRule, decodeSet, decodeTable } from './decode.ts';
import { describeExpression } from './canonical.ts';
import { nft } from './expressions.ts';
import { be16Bytes, hostU32Bytes } from './field-types.ts';
import { NFT_MSG } from './messages.ts';
import type { NftElement, NftSet, NftTable, NftVerdict } from './model.ts';

const table: NftTable = { family: 'ip6', name: 'fairlead' };

function only(batch: NftBatch): Message {
  const [message, ...rest] = readMessages(batch.bytes);
  assert.ok(message !== undefined);
  assert.deepEqual(rest, []);
  return message;
}

test('a table, a base chain, a rule and a set read back as written', () => {
  const batch = new NftBatch();
  batch.addTable(table);
  assert.deepEqual(decodeTable(only(batch)), table);

  batch.clear();
  const base = { type: 'nat', hook: 'postrouting', priority: -100, policy: 'accept' } as const;
  batch.addChain(table, { name: 'postrouting', base });
  assert.deepEqual(decodeChain(only(batch)), { table, name: 'postrouting', handle: 0n, uses: 0, base });

  batch.clear();
  const expressions = [nft.meta('l4proto', 8), nft.verdict({ kind: 'jump', chain: 'other' })];
  batch.addRule(table, 'postrouting', expressions, { userdata: Uint8Array.of(1, 2) });
  const rule = decodeRule(only(batch));
  assert.equal(rule?.chain, 'postrouting');
  assert.deepEqual(rule.expressions.map(describeExpression), ['meta key=16 to=8', 'immediate to=0 value=jump other']);
  assert.deepEqual(rule.userdata, Uint8Array.of(1, 2));

  batch.clear();
  const ranges: NftSet = { name: 'source-ranges', key: ['ipv6_addr', 'inet_service'], interval: true, size: 9, counter: true };
  batch.addSet(table, ranges);
  const set = decodeSet(only(batch));
  assert.equal(set?.flags, 4 | 0x80);
  assert.deepEqual(set.fieldLengths, [16, 4]);
  assert.equal(set.size, 9);
  assert.equal(set.hasCounter, true);
});

test('any element reads back as written', () => {
  const plain = { noNullPrototype: true } as const;
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
  const counterValue = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const milliseconds = fc.nat({ max: 1e9 });
  const verdict: fc.Arbitrary<NftVerdict> = fc.oneof(
    fc.record({ kind: fc.constantFrom('accept' as const, 'drop' as const, 'return' as const, 'continue' as const) }, plain),
    fc.record(
      { kind: fc.constantFrom('jump' as const, 'goto' as const), chain: fc.stringMatching(/^[a-z][a-z0-9-]{0,60}$/) },
      plain,
    ),
  );
  const element: fc.Arbitrary<NftElement> = fc.record(
    {
      key: bytes,
      keyEnd: bytes,
      data: bytes,
      timeoutMs: milliseconds,
      expirationMs: milliseconds,
      counter: fc.record({ packets: counterValue, bytes: counterValue }, plain),
    },
    { requiredKeys: ['key'], noNullPrototype: true },
  );
  const verdictElement: fc.Arbitrary<NftElement> = fc.record({ key: bytes, verdict }, plain);
  fc.assert(
    fc.property(fc.array(fc.oneof(element, verdictElement), { minLength: 1, maxLength: 20 }), (elements) => {
      const batch = new NftBatch(16);
      batch.addElements(table, 'rows', elements);
      const seen: NftElement[] = [];
      for (const message of readMessages(batch.bytes)) decodeElements(message, (each) => seen.push(each));
      assert.deepEqual(seen, elements);
    }),
  );
});

test('a deletion carries keys and range ends, and nothing else', () => {
  const batch = new NftBatch();
  const element = { key: be16Bytes(80), data: be16Bytes(1), timeoutMs: 5, counter: { packets: 1n, bytes: 1n } };
  batch.deleteElements(table, 'rows', [element, { key: be16Bytes(81), isIntervalEnd: true }]);
  const seen: NftElement[] = [];
  decodeElements(only(batch), (each) => seen.push(each));
  assert.deepEqual(seen, [{ key: be16Bytes(80) }, { key: be16Bytes(81), isIntervalEnd: true }]);
});

test('many elements are cut into messages whose list stays within an attribute', () => {
  const batch = new NftBatch();
  const count = 10_000;
  const name = 'c'.repeat(255);
  const rows = function* (): Generator<NftElement> {
    for (let index = 0; index < count; index++) yield { key: hostU32Bytes(index), verdict: { kind: 'goto', chain: name } };
  };
  batch.addElements(table, 'rows', rows());
  const messages = readMessages(batch.bytes);
  assert.equal(messages.length, batch.length);
  assert.ok(messages.length > 40);
  let next = 0;
  for (const message of messages) {
    assert.equal(message.type, NFT_MSG.NEWSETELEM);
    decodeElements(message, (element) => assert.deepEqual(element.key, hostU32Bytes(next++)));
    assert.ok(message.end - message.start < 0x1_0000 + 64);
  }
  assert.equal(next, count);
});

test('no elements make no message', () => {
  const batch = new NftBatch();
  batch.addElements(table, 'rows', []);
  batch.deleteElements(table, 'rows', []);
  assert.equal(batch.length, 0);
  assert.equal(batch.byteLength, 0);
});

test('a message starts with its family', () => {
  const batch = new NftBatch();
  batch.flushSet(table, 'rows');
  const message = only(batch);
  assert.equal(message.bytes[message.start], 10);
  assert.equal(readU16(message.bytes, 4), NFT_MSG.DELSETELEM);
});
