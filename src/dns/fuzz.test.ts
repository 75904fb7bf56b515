/** Bytes that nobody meant: random, mutated, cut and spliced, to the whole server and back from upstreams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mustEncodeName } from '../names/index.ts';
import { headlessOf, podOf, sampleIndex, serviceOf, sliceOf } from '../names/sample-objects.ts';
import { silentLogger } from '../observe/index.ts';
import { sampleResponder } from './forwarding/asking.ts';
import { encodeWithin } from './wire/encode-within.ts';
import { answerTo, emptyAnswer } from './forwarding/forward.ts';
import { bytesOf, decodeMessage, encodeMessage, MessageError, queryMessage } from './wire/message.ts';
import type { Message, ResourceRecord } from './wire/message.ts';
import { headerFlags, rcodes } from './wire/protocol.ts';
import { createQueryHandler } from './query-handler.ts';
import type { Forwarder } from './query-handler.ts';
import { createShuffle } from './answers/shuffle.ts';
import { createZoneTransfer } from './transfer/transfer.ts';

const wireOf = (name: string): string => `${mustEncodeName(name)}\0`;
const domain = 'default.svc.cluster.local';
const podAddress = '10.244.7.7';
const names = [
  `web.${domain}`,
  `WIDE.${domain}`,
  `_http._tcp.wide.${domain}`,
  `db-0.db.${domain}`,
  `outside.${domain}`,
  `to.${domain}`,
  `loop-a.${domain}`,
  `gone.${domain}`,
  `www.example.com.${domain}`,
  `web.default.${domain}`,
  '10-0-0-1.default.pod.cluster.local',
  'cluster.local',
  '5.0.96.10.in-addr.arpa',
  '9.9.9.9.in-addr.arpa',
  'www.example.com',
  `${'long-label-of-many-letters.'.repeat(8)}example`,
  '.',
];
const types = [0, 1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 64, 65, 251, 252, 255, 257, 65_535];

const shuffle = createShuffle(() => 0.4);
const index = sampleIndex({ podMode: 'verified', zonalNames: true });
index.applyPod(podOf('client', podAddress));
index.applyService(headlessOf('wide', { ports: [{ name: 'http', port: 80 }] }));
index.applyEndpointSlice(
  sliceOf(
    'wide',
    Array.from({ length: 1_500 }, (_, at) => `10.250.${at >> 8}.${at & 255}`),
    [{ name: 'http', port: 80, protocol: 'TCP' }],
  ),
);
index.applyService(
  serviceOf('many-ports', { clusterIPs: ['10.96.0.200'], ports: Array.from({ length: 90 }, (_, at) => ({ port: at + 1 })) }),
);

/** Answers with far more than fits, so that cutting is always at work. */
const upstream: Forwarder = {
  async forward(query) {
    const [question] = query.questions;
    const name = question?.name ?? '\0';
    const record: ResourceRecord = { name, type: question?.type ?? 1, class: 1, ttlSeconds: 9, data: new Uint8Array(40) };
    return { ...emptyAnswer(query, 0), answers: Array.from({ length: 200 }, () => record), additionals: [record] };
  },
  close: async () => undefined,
};
const handle = createQueryHandler(
  {
    responder: sampleResponder(index, { hasUpstream: true, completesSearch: true, permutation: shuffle }),
    forwarder: upstream,
    transfer: createZoneTransfer(['*'], index),
    autopath: { search: ['corp.example'] },
    zoneWire: index.zoneWire,
    permutation: shuffle,
  },
  { logger: { ...silentLogger, error: (facts) => assert.fail(`logged as an error: ${JSON.stringify(facts)}`) } },
);

const seed = fc
  .record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom(...types),
    udpBytes: fc.constantFrom(undefined, 0, 511, 512, 1_000, 1_232, 4_096, 65_535),
    flags: fc.constantFrom(headerFlags.RD, headerFlags.RD | headerFlags.CD, 0),
  })
  .map(({ name, type, udpBytes, flags }) => encodeMessage(queryMessage(0x4242, wireOf(name), type, flags, udpBytes)));
const spoilt = fc
  .record({
    bytes: seed,
    changes: fc.array(fc.record({ at: fc.nat(300), value: fc.nat(255) }), { maxLength: 8 }),
    cut: fc.option(fc.nat(300)),
    tail: fc.uint8Array({ maxLength: 40 }),
    splice: fc.option(fc.record({ from: fc.nat(60), to: fc.nat(60), length: fc.nat(30) })),
  })
  .map(({ bytes, changes, cut, tail, splice }) => {
    const spoilt = new Uint8Array([...(cut === null ? bytes : bytes.subarray(0, cut)), ...tail]);
    if (splice !== null) spoilt.copyWithin(splice.to, splice.from, splice.from + splice.length);
    for (const { at, value } of changes) if (at < spoilt.length) spoilt[at] = value;
    return spoilt;
  });

test('whatever bytes come, the server answers a message that is no longer than allowed, or nothing', async () => {
  let answered = 0;
  const check = async (bytes: Uint8Array, isTcp: boolean, address: string): Promise<void> => {
    const packet = new Uint8Array(isTcp ? 65_535 : 4_096).fill(0x55);
    packet.set(bytes);
    const result = handle(packet, bytes.length, { address, isTcp });
    const messages = typeof result === 'number' ? (result > 0 ? [packet.slice(0, result)] : []) : await result;
    for (const message of messages) {
      answered++;
      assert.ok(message.length <= (isTcp ? 65_535 : allowedBytes(bytes)), `${message.length} bytes for ${hex(bytes)}`);
      const answer = decodeMessage(message);
      assert.equal(answer.id, ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
      assert.ok((answer.flags & headerFlags.QR) !== 0);
      assert.equal(encodeMessage(answer).length > 0, true);
    }
  };
  const address = fc.constantFrom(podAddress, '127.0.0.1', '::1', '::ffff:10.0.0.1', '');
  const isTcp = fc.boolean();
  await fc.assert(fc.asyncProperty(fc.oneof(seed, spoilt), isTcp, address, check), { numRuns: 4_000 });
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), isTcp, address, check), { numRuns: 2_000 });
  assert.ok(answered > 3_000, `${answered} answers`);
});

/** What a client that sent these bytes may get over UDP: what its OPT record says if a decoder of another kind finds one, else 512. */
function allowedBytes(query: Uint8Array): number {
  try {
    return Math.min(1_232, Math.max(512, decodeMessage(query).edns?.udpBytes ?? 512));
  } catch {
    return 512;
  }
}

test('whatever an upstream sends is a message or a MessageError, and what is passed on of it fits', () => {
  const records: readonly ResourceRecord[] = [
    { type: 5, data: wireOf('b.example.com') },
    { type: 33, data: `\0\x01\0\x02\0\x50${wireOf('c.example.com')}` },
    { type: 6, data: `${wireOf('ns.example.com')}${wireOf('root.example.com')}${'\0'.repeat(20)}` },
    { type: 15, data: `\0\x0a${wireOf('mail.example.com')}` },
    { type: 16, data: '\x05hello' },
    { type: 1, data: '\xc0\0\x02\x01' },
    { type: 65, data: '\0\x01\0' },
  ].map(({ type, data }) => ({ name: wireOf('a.example.com'), type, class: 1, ttlSeconds: 60, data: bytesOf(data) }));
  const query = queryMessage(1, wireOf('a.example.com'), 255, headerFlags.RD, 1232);
  const whole: Message = { ...emptyAnswer(query, 0), answers: records, authorities: records, additionals: records };
  const bytes = encodeMessage(whole);
  const change = fc.record({ at: fc.nat(bytes.length - 1), value: fc.oneof(fc.nat(255), fc.constantFrom(0xc0, 0xff, 0)) });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 10 }),
      fc.option(fc.nat(bytes.length)),
      fc.constantFrom(512, 600, 1232),
      (changes, cut, limit) => {
        const spoilt = bytes.slice(0, cut ?? bytes.length);
        for (const { at, value } of changes) if (at < spoilt.length) spoilt[at] = value;
        let message: Message;
        try {
          message = decodeMessage(spoilt);
        } catch (error) {
          assert.ok(error instanceof MessageError, String(error));
          return;
        }
        const passedOn = encodeWithin(answerTo(query, message), limit);
        assert.ok(passedOn.length <= limit);
        decodeMessage(passedOn);
      },
    ),
    { numRuns: 5_000 },
  );
});

test('a record beside the question that points forwards is FORMERR for a name of elsewhere, and no error of ours', async () => {
  const head = [66, 66, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
  const question = [2, 0x74, 0x6f, 5, 0x6f, 0x74, 0x68, 0x65, 0x72, 0, 0, 1, 0, 1];
  const record = [2, 0x74, 0x6f, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
  const packet = new Uint8Array(4_096);
  packet.set([...head, ...question, ...record]);
  const answer = await handle(packet, head.length + question.length + record.length, { address: '', isTcp: false });
  assert.ok(typeof answer !== 'number');
  assert.equal(decodeMessage(answer[0] ?? new Uint8Array(0)).rcode, rcodes.FORMERR);
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
