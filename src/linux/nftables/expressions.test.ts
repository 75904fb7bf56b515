import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeExpression, expressionsEqual } from './canonical.ts';
import { nft } from './expressions.ts';
import { be16Bytes, concatenate, hostU32Bytes, nftTypeOf } from './field-types.ts';
import type { NftExpression } from './model.ts';

const cases: readonly { readonly expression: NftExpression; readonly bytes: string; readonly text: string }[] = [
  {
    expression: nft.payload('network', 16, 4, 8),
    bytes: '0800010000000008 0800020000000001 0800030000000010 0800040000000004',
    text: 'payload to=8 base=1 offset=16 length=4',
  },
  { expression: nft.meta('l4proto', 9), bytes: '0800020000000010 0800010000000009', text: 'meta key=16 to=9' },
  { expression: nft.setMeta('priority', 8), bytes: '0800020000000002 0800030000000008', text: 'meta key=2 from=8' },
  {
    expression: nft.ct('dstIp', 8, 'original'),
    bytes: '0800010000000008 0800020000000014 0500030000000000',
    text: 'ct key=20 to=8 direction=0',
  },
  { expression: nft.ct('status', 8), bytes: '0800010000000008 0800020000000002', text: 'ct key=2 to=8' },
  {
    expression: nft.cmp('==', 8, Uint8Array.of(6)),
    bytes: '0800010000000008 0800020000000000 0c000380 0500010006000000',
    text: 'cmp register=8 value=0x06',
  },
  {
    expression: nft.bitwise(8, 8, new Uint8Array(4)),
    bytes:
      '0800010000000008 0800020000000008 0800030000000004 0800060000000000 0c0004800800010000000000 0c0005800800010000000000',
    text: 'bitwise from=8 to=8 length=4 mask=0x00000000 xor=0x00000000',
  },
  {
    expression: nft.lookup('ab', 8, { to: 8 }),
    bytes: '0700010061620000 0800020000000008 0800030000000008 0800050000000000',
    text: 'lookup set=ab key=8 to=8',
  },
  {
    expression: nft.numgen('random', 3, 11, 65_536),
    bytes: '080001000000000b 0800020000000003 0800030000000001 0800040000010000',
    text: 'numgen to=11 modulus=3 type=1 offset=65536',
  },
  {
    expression: nft.dnat('ip', 8, 9),
    bytes: '0800010000000001 0800020000000002 0800030000000008 0800050000000009',
    text: 'nat type=1 family=2 address=8 port=9',
  },
  { expression: nft.masquerade({ fullyRandom: true }), bytes: '0800010000000010', text: 'masq flags=16' },
  { expression: nft.rejectPortUnreachable('ip6'), bytes: '0800010000000000 0500020004000000', text: 'reject code=4' },
  {
    expression: nft.dynset('update', 'af', 8, { dataRegister: 12, timeoutMs: 10_000 }),
    bytes: '0800040000000008 080005000000000c 0800030000000001 0700010061660000 0c0006000000000000002710',
    text: 'dynset operation=1 set=af key=8 data=12 timeout=10000',
  },
  { expression: nft.countIn('abc'), bytes: '0800010000000001 0800020061626300', text: 'objref type=1 name=abc' },
  {
    expression: nft.fibAddressType('saddr', 8),
    bytes: '0800010000000008 0800020000000003 0800030000000001',
    text: 'fib to=8 result=3 flags=1',
  },
  {
    expression: nft.verdict({ kind: 'goto', chain: 'abc' }),
    bytes: '0800010000000000 18000280 14000280 08000100fffffffc 0800020061626300',
    text: 'immediate to=0 value=goto abc',
  },
];

describe('expressions', () => {
  for (const { expression, bytes, text } of cases) {
    test(text, () => {
      assert.equal(Buffer.from(expression.data).toString('hex'), bytes.replaceAll(' ', ''));
      assert.equal(describeExpression(expression), text);
    });
  }

  test('the kernel numbering of registers, its counters and its defaults make no difference', () => {
    const dumpedLookup: NftExpression = {
      name: 'lookup',
      data: Buffer.from('0700010061620000080002000000000108000500000000000800030000000001', 'hex'),
    };
    assert.ok(expressionsEqual([nft.lookup('ab', 8, { to: 8 })], [dumpedLookup]));
    const counted: NftExpression = {
      name: 'counter',
      data: Buffer.from('0c00010000000000000000050c0002000000000000000001', 'hex'),
    };
    assert.ok(expressionsEqual([nft.counter()], [counted]));
    const dumpedNat: NftExpression = {
      name: 'nat',
      data: Buffer.from(
        '0800010000000001080002000000000208000300000000010800040000000001080005000000000908000600000000090800070000000003',
        'hex',
      ),
    };
    assert.ok(expressionsEqual([nft.dnat('ip', 8, 9)], [dumpedNat]));
  });

  test('other meanings are other expressions', () => {
    assert.ok(!expressionsEqual([nft.lookup('ab', 8)], [nft.lookup('ab', 8, { isInverted: true })]));
    assert.ok(!expressionsEqual([nft.dnat('ip', 8, 9)], [nft.dnat('ip', 8)]));
    assert.ok(!expressionsEqual([nft.ct('status', 8)], [nft.ct('status', 8, 'original')]));
    assert.ok(!expressionsEqual([nft.masquerade()], [nft.masquerade({ fullyRandom: true })]));
    assert.ok(!expressionsEqual([nft.counter()], []));
    assert.ok(!expressionsEqual([{ name: 'quota', data: Uint8Array.of(1) }], [{ name: 'quota', data: Uint8Array.of(2) }]));
  });
});

describe('types', () => {
  test('concatenations number 6 bits a field and pad each to 4 bytes', () => {
    assert.deepEqual(nftTypeOf(['ipv4_addr', 'inet_proto', 'inet_service']), {
      type: (7 << 12) | (12 << 6) | 13,
      length: 12,
      fieldLengths: [4, 4, 4],
    });
    assert.deepEqual(nftTypeOf(['ipv6_addr', 'inet_proto', 'inet_service', 'mark']), {
      type: (8 << 18) | (12 << 12) | (13 << 6) | 19,
      length: 28,
      fieldLengths: [16, 4, 4, 4],
    });
    assert.deepEqual(nftTypeOf(['inet_service']), { type: 13, length: 2, fieldLengths: [2] });
  });

  test('keys are padded field by field', () => {
    assert.deepEqual(
      concatenate(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(6), be16Bytes(80), hostU32Bytes(65_536)),
      Uint8Array.of(10, 0, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0, 0, 0, 1, 0),
    );
  });
});
