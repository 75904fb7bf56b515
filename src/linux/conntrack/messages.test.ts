import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustParseIp } from '../../net/index.ts';
import { readMessages } from '../netlink/message-reader.ts';
import { MessageWriter } from '../netlink/message-writer.ts';
import { decodeFlow, matchesFilter, writeFilter, writeOriginalTuple } from './messages.ts';
import type { Flow, FlowFilter } from './model.ts';

const flow: Flow = {
  original: {
    source: mustParseIp('10.0.0.5'),
    destination: mustParseIp('10.96.0.10'),
    protocol: 17,
    sourcePort: 4000,
    destinationPort: 53,
  },
  reply: {
    source: mustParseIp('10.1.0.2'),
    destination: mustParseIp('10.0.0.5'),
    protocol: 17,
    sourcePort: 5353,
    destinationPort: 4000,
  },
  status: 0x2e,
  timeoutSeconds: 30,
  id: 7,
};

test('a filter asks for what it names', () => {
  const cases: readonly { readonly filter: Omit<FlowFilter, 'family'>; readonly want: boolean }[] = [
    { filter: {}, want: true },
    { filter: { protocol: 17 }, want: true },
    { filter: { protocol: 6 }, want: false },
    { filter: { originalDestination: mustParseIp('10.96.0.10'), originalDestinationPort: 53 }, want: true },
    { filter: { originalDestination: mustParseIp('10.96.0.11') }, want: false },
    { filter: { originalSource: mustParseIp('10.0.0.5') }, want: true },
    { filter: { originalDestinationPort: 54 }, want: false },
    { filter: { replySource: mustParseIp('10.1.0.2'), replySourcePort: 5353 }, want: true },
    { filter: { replySourcePort: 53 }, want: false },
    { filter: { status: 0x20 }, want: true },
    { filter: { status: 0x21 }, want: false },
  ];
  for (const { filter, want } of cases)
    assert.equal(matchesFilter(flow, { family: 'IPv4', ...filter }), want, JSON.stringify(filter));
});

test('the kernel is told the parts of the tuple that count', () => {
  const write = (filter: FlowFilter): string => {
    const writer = new MessageWriter();
    writeFilter(writer, filter);
    return Buffer.from(writer.bytes).toString('hex');
  };
  assert.equal(write({ family: 'IPv4' }), '');
  assert.equal(
    write({ family: 'IPv4', protocol: 17, originalDestination: mustParseIp('10.96.0.10'), originalDestinationPort: 53 }),
    '240001800c000180080002000a60000a140002800500010011000000060003000035000014001980080001002a0000000800020000000000',
  );
  assert.equal(
    write({ family: 'IPv4', replySource: mustParseIp('10.1.0.2'), replySourcePort: 5353 }),
    '100002800c000180080001000a0100021400198008000100000000000800020001000000',
    'no port without a protocol',
  );
  const withV6 = { originalDestination: mustParseIp('fd00::1'), replySource: mustParseIp('fd00::2') };
  assert.equal(
    write({ family: 'IPv6', protocol: 17, originalDestinationPort: 53, ...withV6 }),
    write({ family: 'IPv6', protocol: 17, originalDestinationPort: 53 }),
    'no IPv6 address',
  );
});

test('a tuple written is the tuple read', () => {
  const writer = new MessageWriter();
  writer.begin(1, 0).u32(2);
  writeOriginalTuple(writer, flow.original);
  writer.end();
  const [message] = readMessages(writer.bytes);
  assert.ok(message !== undefined);
  assert.equal(decodeFlow(message), undefined, 'an entry needs both directions');
  const reply = new MessageWriter();
  reply.begin(1, 0).u32(2);
  writeOriginalTuple(reply, flow.original);
  reply.attribute(2, writer.bytes.subarray(24)).end();
  const [whole] = readMessages(reply.bytes);
  assert.ok(whole !== undefined);
  assert.deepEqual(decodeFlow(whole)?.original, flow.original);
});
