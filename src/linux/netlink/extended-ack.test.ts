import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nftShapeOf, NFT_MSG } from '../nftables/messages.ts';
import { attributePath, readAcknowledgement, toNetlinkError } from './extended-ack.ts';
import { readMessages } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';

const NLMSG_ERROR = 2;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const ENOENT = 2;

/** A NEWSETELEM with two elements; the positions of its attributes by name. */
function request(): { readonly bytes: Uint8Array; readonly offsets: ReadonlyMap<string, number> } {
  const writer = new MessageWriter();
  const offsets = new Map<string, number>();
  const note = (name: string): void => void offsets.set(name, writer.length);
  writer.begin(NFT_MSG.NEWSETELEM, 0).u32(2);
  note('table');
  writer.attributeString(1, 'fairlead');
  writer.attributeString(2, 'endpoints');
  note('elements');
  const list = writer.beginNest(3);
  for (const index of [0, 1]) {
    note(`elements[${index}]`);
    const element = writer.beginNest(1);
    note(`elements[${index}].key`);
    const key = writer.beginNest(1);
    note(`elements[${index}].key.value`);
    writer.attribute(1, Uint8Array.of(1, 2, 3, 4));
    writer.endNest(key);
    writer.endNest(element);
  }
  writer.endNest(list);
  writer.end();
  return { bytes: writer.bytes.slice(), offsets };
}

function refusal(errno: number, attributes: (writer: MessageWriter) => void, flags = NLM_F_CAPPED | NLM_F_ACK_TLVS): Uint8Array {
  const writer = new MessageWriter();
  writer.begin(NLMSG_ERROR, flags).u32(-errno);
  // The header of the request, as NETLINK_CAP_ACK leaves it.
  writer.u32(100).u16(NFT_MSG.NEWSETELEM).u16(1).u32(7).u32(0);
  attributes(writer);
  writer.end();
  return writer.bytes.slice();
}

test('an offset becomes the names on the way to the attribute', () => {
  const { bytes, offsets } = request();
  const shape = nftShapeOf(NFT_MSG.NEWSETELEM);
  for (const [path, offset] of offsets) assert.equal(attributePath(bytes, offset, shape), path);
  assert.equal(attributePath(bytes, 5, shape), undefined, 'inside of the header');
  assert.equal(attributePath(bytes, bytes.length, shape), undefined, 'behind the end');
  assert.equal(attributePath(bytes, offsets.get('elements[1].key') ?? 0, undefined), '3', 'without names: the number');
});

test('a refusal names the operation, its subject, the reason and the attribute', () => {
  const { bytes, offsets } = request();
  const [message] = readMessages(
    refusal(ENOENT, (w) => w.attributeString(1, 'no such thing').attributeU32(2, offsets.get('elements[1]') ?? 0)),
  );
  assert.ok(message !== undefined);
  const error = toNetlinkError(readAcknowledgement(message), bytes, nftShapeOf, 3);
  assert.equal(error.message, 'NFT_MSG_NEWSETELEM fairlead endpoints: ENOENT, no such thing, at elements[1]');
  assert.deepEqual(error.facts, {
    code: 'ENOENT',
    errno: 2,
    operation: 'NFT_MSG_NEWSETELEM',
    reason: 'no such thing',
    attribute: 'elements[1]',
    subject: 'fairlead endpoints',
    index: 3,
  });
});

test('a missing attribute is named as missing', () => {
  const { bytes } = request();
  const [message] = readMessages(refusal(22, (w) => w.attributeU32(5, 2)));
  assert.ok(message !== undefined);
  assert.equal(toNetlinkError(readAcknowledgement(message), bytes, nftShapeOf).facts.attribute, 'set (missing)');
});

test('a kernel that says nothing but the number is understood', () => {
  const { bytes } = request();
  const [message] = readMessages(refusal(16, () => undefined, 0));
  assert.ok(message !== undefined);
  const error = toNetlinkError(readAcknowledgement(message), bytes, () => undefined);
  assert.equal(error.message, 'netlink message 2572: EBUSY');
});

test('errno 0 is an acknowledgement', () => {
  const [message] = readMessages(refusal(0, () => undefined));
  assert.ok(message !== undefined);
  assert.equal(readAcknowledgement(message).errno, 0);
});
