import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AttributeTable, forEachAttribute, readMessages } from './message-reader.ts';
import { MessageWriter, NLM_F_ACK } from './message-writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('attributes', () => {
  const cases: readonly { readonly name: string; readonly write: (w: MessageWriter) => unknown; readonly want: string }[] = [
    { name: 'one byte, padded', write: (w) => w.attributeU8(3, 1), want: '0500030001000000' },
    { name: '16 bits in host order', write: (w) => w.attributeU16(2, 0x1234), want: '0600020034120000' },
    { name: '16 bits in network order', write: (w) => w.attributeBe16(2, 0x1234), want: '0600020012340000' },
    { name: '32 bits in host order', write: (w) => w.attributeU32(1, 0xfffffffe), want: '08000100feffffff' },
    { name: '32 bits in network order', write: (w) => w.attributeBe32(1, -100), want: '08000100ffffff9c' },
    {
      name: '64 bits in network order',
      write: (w) => w.attributeBe64(4, 0x0102030405060708n),
      want: '0c0004000102030405060708',
    },
    { name: 'a text with its NUL', write: (w) => w.attributeString(1, 'abc'), want: '0800010061626300' },
    { name: 'a text that needs padding', write: (w) => w.attributeString(1, 'abcd'), want: '090001006162636400000000' },
    { name: 'bytes', write: (w) => w.attribute(7, Uint8Array.of(1, 2, 3, 4, 5)), want: '090007000102030405000000' },
    {
      name: 'one within another, padded',
      write: (w) => w.attributeWithin(4, 1, Uint8Array.of(1, 2, 3, 4, 5)),
      want: '10000480090001000102030405000000',
    },
    {
      name: 'nested',
      write: (w) => {
        const nest = w.beginNest(4);
        w.attributeU8(1, 9);
        w.endNest(nest);
      },
      want: '0c0004800500010009000000',
    },
  ];
  for (const { name, write, want } of cases) {
    test(name, () => {
      const writer = new MessageWriter(1);
      write(writer);
      assert.equal(hex(writer.bytes), want);
    });
  }

  test('more than 64 KiB in one attribute is refused', () => {
    const writer = new MessageWriter();
    const nest = writer.beginNest(1);
    writer.attribute(1, new Uint8Array(40_000)).attribute(1, new Uint8Array(40_000));
    assert.throws(() => writer.endNest(nest), RangeError);
  });
});

describe('messages', () => {
  test('a message has its length, type, flags and place', () => {
    const writer = new MessageWriter(1);
    writer.begin(0x0a10, NLM_F_ACK).u32(0).end();
    writer.begin(16, 0).end();
    assert.equal(hex(writer.bytes), '14000000100a050000000000000000000000000010000000100001000100000000000000');
    assert.equal(writer.count, 2);
    writer.clear();
    assert.equal(writer.length, 0);
    assert.equal(writer.count, 0);
  });

  test('appended messages are counted', () => {
    const inner = new MessageWriter();
    for (let index = 0; index < 3; index++) inner.begin(1, 0).attributeString(1, 'x'.repeat(index)).end();
    const outer = new MessageWriter();
    outer.begin(2, 0).end();
    outer.append(inner.bytes);
    assert.equal(outer.count, 4);
    assert.deepEqual(
      readMessages(outer.bytes).map((message) => message.type),
      [2, 1, 1, 1],
    );
  });
});

describe('reading', () => {
  test('whatever attributes are written are read again', () => {
    const attribute = fc.record(
      { type: fc.integer({ min: 1, max: 30 }), value: fc.uint8Array({ maxLength: 70 }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 8 }), (attributes) => {
        const writer = new MessageWriter(1);
        writer.begin(1, 0);
        for (const { type, value } of attributes) writer.attribute(type, value);
        writer.end();
        const [message] = readMessages(writer.bytes);
        assert.ok(message !== undefined);
        const seen: { type: number; value: Uint8Array }[] = [];
        forEachAttribute(message.bytes, message.start, message.end, (type, start, end) => {
          seen.push({ type, value: message.bytes.slice(start, end) });
        });
        assert.deepEqual(seen, attributes);
        const table = new AttributeTable(30).parse(message.bytes, message.start, message.end);
        for (const { type } of attributes) {
          assert.deepEqual(table.bytes(type), attributes.findLast((other) => other.type === type)?.value);
        }
      }),
    );
  });

  test('no bytes make the readers throw or run away', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const message of readMessages(bytes)) {
          assert.ok(message.end <= bytes.length);
          const table = new AttributeTable(8).parse(bytes, message.start, message.end);
          for (let type = 0; type <= 9; type++) {
            table.string(type);
            table.be64(type);
            table.u32(type);
          }
          new AttributeTable(8).parseNested(table, 1);
        }
      }),
    );
  });

  test('an absent attribute is undefined in every form', () => {
    const table = new AttributeTable(4).parse(new Uint8Array(0), 0, 0);
    assert.deepEqual(
      [table.u8(1), table.u16(1), table.be32(2), table.be64(3), table.string(4), table.bytes(9)],
      Array(6).fill(undefined),
    );
  });
});
