/** Headers, EDNS, sizes and compression, as bytes: what the decoder's tests and the wire's do not show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustEncodeName } from '../../names/index.ts';
import { headlessOf, sampleIndex, serviceOf, sliceOf } from '../../names/sample-objects.ts';
import { silentLogger } from '../../observe/index.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { encodeWithin } from '../wire/encode-within.ts';
import { answerTo, emptyAnswer } from '../forwarding/forward.ts';
import { decodeMessage, encodeMessage, queryMessage } from '../wire/message.ts';
import type { Message } from '../wire/message.ts';
import { headerFlags, rcodeName, rcodes } from '../wire/protocol.ts';
import { createQueryHandler } from '../query-handler.ts';
import type { Forwarder } from '../query-handler.ts';
import { createShuffle, shuffleAddresses, unshuffled } from './shuffle.ts';

const domain = 'default.svc.cluster.local';
const wireOf = (name: string): string => `${mustEncodeName(name)}\0`;
const responder = sampleResponder(sampleIndex());

/** Asks with these bytes, plus whatever room there is behind. */
function askBytes(bytes: Uint8Array, isTcp = false): Uint8Array {
  const packet = new Uint8Array(65_535);
  packet.set(bytes);
  return packet.slice(0, Math.max(0, responder.respond(packet, bytes.length, isTcp)));
}

for (const [opcode, name, want] of [
  [1, 'IQUERY', 'NOTIMP'],
  [2, 'STATUS', 'NOTIMP'],
  [4, 'NOTIFY, which is for secondaries,', 'REFUSED'],
  [5, 'UPDATE', 'NOTIMP'],
  [6, 'DSO', 'NOTIMP'],
  [15, 'an opcode that nobody knows', 'NOTIMP'],
] as const) {
  test(`${name} is ${want}, with the opcode of the query`, () => {
    const query = queryMessage(9, wireOf(`web.${domain}`), 1, headerFlags.RD | (opcode << 11));
    const answer = decodeMessage(askBytes(encodeMessage(query)));
    assert.equal(rcodeName(answer.rcode), want);
    assert.equal((answer.flags >> 11) & 15, opcode);
    assert.equal(answer.answers.length, 0);
  });
}

for (const [qclass, name] of [
  [3, 'CHAOS'],
  [4, 'HESIOD'],
  [254, 'NONE'],
  [255, 'ANY'],
] as const) {
  test(`class ${name} is REFUSED`, () => {
    const query = queryMessage(9, wireOf(`web.${domain}`), 1, 0);
    const [question] = query.questions;
    assert.ok(question !== undefined);
    const answer = decodeMessage(askBytes(encodeMessage({ ...query, questions: [{ ...question, class: qclass }] })));
    assert.equal(rcodeName(answer.rcode), 'REFUSED');
    assert.equal(answer.questions[0]?.class, qclass);
  });
}

test('options of EDNS that mean nothing here are not echoed: cookies, NSID, expire, keepalive, padding', () => {
  for (const [code, bytes] of [
    [3, []],
    [9, []],
    [10, [1, 2, 3, 4, 5, 6, 7, 8]],
    [11, []],
    [12, [0, 0, 0, 0]],
    [65_001, [1]],
  ] as const) {
    const plain = encodeMessage(queryMessage(9, wireOf(`web.${domain}`), 1, 0, 1232));
    const option = [code >> 8, code & 255, 0, bytes.length, ...bytes];
    const query = new Uint8Array([...plain, ...option]);
    query[plain.length - 1] = option.length; // the length of the OPT record's data
    const answer = askBytes(query);
    assert.equal(decodeMessage(answer).answers.length, 1, `option ${code}`);
    assert.deepEqual(answer.slice(-2), Uint8Array.of(0, 0), `option ${code}: the OPT record ends the answer and has no data`);
  }
});

test('flags of EDNS that nobody knows are cleared, and DO is kept', () => {
  const query = encodeMessage(queryMessage(9, wireOf(`web.${domain}`), 1, 0, 1232));
  query[query.length - 4] = 0xff;
  query[query.length - 3] = 0xff;
  const answer = askBytes(query);
  assert.deepEqual(answer.slice(-4, -2), Uint8Array.of(0x80, 0));
});

test('AD of an upstream is passed on only to who sent AD or DO, and RA with it', () => {
  const answer = { ...emptyAnswer(queryMessage(1, '\0', 1, 0), 0), flags: headerFlags.QR | headerFlags.AD | headerFlags.RA };
  const flagsFor = (flags: number, isDnssecOk: boolean): number =>
    answerTo({ ...queryMessage(2, '\0', 1, flags, 1232), edns: { udpBytes: 1232, version: 0, isDnssecOk } }, answer).flags;
  assert.equal(flagsFor(0, false), headerFlags.QR | headerFlags.RA);
  assert.equal(flagsFor(headerFlags.AD, false), headerFlags.QR | headerFlags.RA | headerFlags.AD);
  assert.equal(flagsFor(0, true), headerFlags.QR | headerFlags.RA | headerFlags.AD);
});

test('glue that does not fit is left out without TC; a cut answer has TC and its OPT record', () => {
  const index = sampleIndex();
  index.applyService(headlessOf('wide', { ports: [{ name: 'http', port: 80 }] }));
  const put = (count: number): void => {
    const addresses = Array.from({ length: count }, (_, at) => `10.250.0.${at + 1}`);
    index.applyEndpointSlice(sliceOf('wide', addresses, [{ name: 'http', port: 80, protocol: 'TCP' }]));
  };
  const wide = sampleResponder(index);
  put(6);
  const six = ask(wide, `_http._tcp.wide.${domain}`, 'SRV', { udpBytes: 512 });
  assert.ok(typeof six !== 'number');
  assert.equal(six.answers.length, 6);
  assert.ok(six.additionals.length < 6 && (six.flags & headerFlags.TC) === 0, `${six.additionals.length} beside, ${six.flags}`);
  put(30);
  const thirty = ask(wide, `_http._tcp.wide.${domain}`, 'SRV', { udpBytes: 512 });
  assert.ok(typeof thirty !== 'number');
  assert.ok(thirty.answers.length > 0 && thirty.answers.length < 30 && (thirty.flags & headerFlags.TC) !== 0);
  assert.equal(thirty.additionals.length, 0);
  assert.notEqual(thirty.edns, undefined);
});

test('answers are compressed over TCP too: a chain of ten aliases fits into the 768 bytes that musl has', () => {
  const index = sampleIndex();
  for (let link = 0; link < 10; link++) {
    const externalName = `link-of-a-rather-long-chain-${link + 1}.${domain}`;
    index.applyService(serviceOf(`link-of-a-rather-long-chain-${link}`, { type: 'ExternalName', externalName }));
  }
  index.applyService(serviceOf('link-of-a-rather-long-chain-10', { clusterIPs: ['10.96.0.99'] }));
  const query = encodeMessage(queryMessage(1, wireOf(`link-of-a-rather-long-chain-0.${domain}`), 1, 0));
  const packet = new Uint8Array(65_535);
  packet.set(query);
  const length = sampleResponder(index).respond(packet, query.length, true);
  assert.ok(length <= 768, `${length} bytes`);
  assert.equal(decodeMessage(packet.slice(0, length)).answers.length, 11);
});

test('30 addresses fit into 512 bytes as far as they can: whole records, none cut in two', () => {
  const index = sampleIndex();
  index.applyService(headlessOf('wide'));
  index.applyEndpointSlice(
    sliceOf(
      'wide',
      Array.from({ length: 40 }, (_, at) => `10.250.0.${at + 1}`),
    ),
  );
  const answer = ask(sampleResponder(index), `wide.${domain}`, 'A');
  assert.ok(typeof answer !== 'number');
  // 12 of header, 40 of question, 16 for each compressed record
  assert.equal(answer.answers.length, Math.floor((512 - 12 - (wireOf(`wide.${domain}`).length + 4)) / 16));
});

const many = (count: number): Message => {
  const query = queryMessage(1, wireOf('www.example.com'), 1, headerFlags.RD, 4096);
  const record = { name: wireOf('www.example.com'), type: 1, class: 1, ttlSeconds: 60 };
  return {
    ...emptyAnswer(query, 0),
    answers: Array.from({ length: count }, (_, at) => ({ ...record, data: Uint8Array.of(192, 0, 2, at) })),
    additionals: [{ ...record, name: wireOf('ns.example.com'), data: Uint8Array.of(192, 0, 2, 53) }],
  };
};

test('a forwarded answer that is too long loses first what is beside it, then records from its end', () => {
  const whole = encodeMessage(many(20)).length;
  const sizes: readonly (readonly [limit: number, answers: number, additionals: number, isCut: boolean])[] = [
    [whole, 20, 1, false],
    [whole - 1, 20, 0, false],
    [whole - 30, 19, 0, true],
    [100, 3, 0, true],
    [50, 0, 0, true],
  ];
  for (const [limit, answers, additionals, isCut] of sizes) {
    const bytes = encodeWithin(many(20), limit);
    const message = decodeMessage(bytes);
    assert.ok(bytes.length <= limit);
    assert.deepEqual(
      [message.answers.length, message.additionals.length, (message.flags & headerFlags.TC) !== 0, message.edns?.udpBytes],
      [answers, additionals, isCut, 4096],
      `${limit} bytes`,
    );
  }
});

test('a forwarded answer over UDP is never longer than bufsize, and no more is asked for upstream', async () => {
  const asked: (number | undefined)[] = [];
  const forwarder: Forwarder = {
    forward: async (query) => {
      asked.push(query.edns?.udpBytes);
      return answerTo(query, many(200));
    },
    close: async () => undefined,
  };
  for (const maxUdpBytes of [undefined, 600, 4096]) {
    const handle = createQueryHandler(
      {
        responder: sampleResponder(sampleIndex(), { hasUpstream: true }),
        forwarder,
        permutation: unshuffled,
        ...(maxUdpBytes === undefined ? {} : { maxUdpBytes }),
      },
      { logger: silentLogger },
    );
    const send = async (isTcp: boolean, udpBytes?: number): Promise<Uint8Array> => {
      const query = encodeMessage(queryMessage(1, wireOf('www.example.com'), 1, headerFlags.RD, udpBytes));
      const packet = new Uint8Array(4096);
      packet.set(query);
      const answer = handle(packet, query.length, { address: '127.0.0.1', isTcp });
      assert.ok(typeof answer !== 'number');
      return (await answer)[0] ?? new Uint8Array(0);
    };
    const limit = maxUdpBytes ?? 1232;
    assert.ok((await send(false, 65_535)).length <= limit);
    assert.equal(asked.at(-1), limit);
    assert.ok((await send(false)).length <= 512);
    assert.equal(decodeMessage(await send(true, 65_535)).answers.length, 200);
  }
});

test('what goes wrong inside is SERVFAIL to the client, and counted', async () => {
  let failures = 0;
  const broken = new Error('broken on purpose');
  const forwarder: Forwarder = { forward: () => Promise.reject(broken), close: async () => undefined };
  const handle = createQueryHandler(
    {
      responder: sampleResponder(sampleIndex(), { hasUpstream: true }),
      forwarder,
      permutation: unshuffled,
      observer: { now: () => 0, answered: () => undefined, failed: () => void failures++ },
    },
    { logger: silentLogger },
  );
  const query = encodeMessage(queryMessage(77, wireOf('www.example.com'), 1, headerFlags.RD, 1232));
  const packet = new Uint8Array(4096);
  packet.set(query);
  const answer = handle(packet, query.length, { address: '127.0.0.1', isTcp: false });
  assert.ok(typeof answer !== 'number');
  const message = decodeMessage((await answer)[0] ?? new Uint8Array(0));
  assert.deepEqual([message.id, message.rcode, message.edns?.udpBytes], [77, rcodes.SERVFAIL, 1232]);
  assert.equal(failures, 1);
});

test('forwarded answers come in the order aliases, others, addresses, mail; the last two drawn anew, in every section', () => {
  const record = (type: number, byte: number) => ({ name: '\0', type, class: 1, ttlSeconds: 5, data: Uint8Array.of(byte) });
  const records = [record(15, 1), record(1, 1), record(28, 1), record(16, 1), record(5, 1), record(15, 2), record(1, 2)];
  const message = {
    ...emptyAnswer(queryMessage(1, '\0', 255, 0), 0),
    answers: records,
    authorities: records,
    additionals: records,
  };
  const shuffle = createShuffle(() => 0.3);
  const orders = new Set<string>();
  for (let round = 0; round < 50; round++) {
    const arranged = shuffleAddresses(message, shuffle);
    for (const section of [arranged.answers, arranged.authorities, arranged.additionals]) {
      const kinds = section.map(({ type }) => (type === 28 ? 1 : type)).join(' ');
      assert.equal(kinds, '5 16 1 1 1 15 15');
      orders.add(section.map(({ type, data }) => `${type}:${data[0]}`).join(' '));
    }
  }
  assert.equal(orders.size, 12, 'three addresses and two mail servers in all orders');
  const denial = { ...message, rcode: rcodes.NXDOMAIN };
  assert.deepEqual(shuffleAddresses(denial, shuffle), denial);
});

test('our own names never ask a forwarder, whatever they answer', async () => {
  const forwarder: Forwarder = { forward: () => assert.fail('asked'), close: async () => undefined };
  const handle = createQueryHandler(
    { responder: sampleResponder(sampleIndex(), { hasUpstream: true }), forwarder, permutation: unshuffled },
    { logger: silentLogger },
  );
  for (const name of [`web.${domain}`, `gone.${domain}`, 'bogus.cluster.local', `dangling.${domain}`, '5.0.96.10.in-addr.arpa']) {
    const query = encodeMessage(queryMessage(1, wireOf(name), 1, headerFlags.RD));
    const packet = new Uint8Array(4096);
    packet.set(query);
    const answer = handle(packet, query.length, { address: '127.0.0.1', isTcp: false });
    assert.ok(typeof answer === 'number' && answer > 0, name);
  }
});

test('before the objects are here, a name that falls through goes on as ever, and other missing ones are SERVFAIL', () => {
  const early = sampleResponder(sampleIndex(), { hasUpstream: true, isSynced: () => false });
  assert.equal(ask(early, '9.9.96.10.in-addr.arpa', 'PTR'), -1);
  assert.match(textOf(ask(early, `gone.${domain}`, 'A')), /^SERVFAIL\nauth: cluster\.local SOA/);
  assert.match(textOf(ask(early, 'cluster.local', 'SOA')), /^NOERROR/);
});

test('an alias that leads out is asked for with the type and the EDNS of the client; failure and cutting are passed on', async () => {
  const asked: Message[] = [];
  let says: Partial<Message> = {};
  const forwarder: Forwarder = {
    forward: async (query) => {
      asked.push(query);
      return { ...emptyAnswer(query, 0), ...says };
    },
    close: async () => undefined,
  };
  const handle = createQueryHandler(
    { responder: sampleResponder(sampleIndex(), { hasUpstream: true }), forwarder, permutation: unshuffled },
    { logger: silentLogger },
  );
  const send = async (flags: number, isDnssecOk: boolean): Promise<string> => {
    const plain = queryMessage(1, wireOf(`outside.${domain}`), 28, flags, 4096);
    const query = encodeMessage({ ...plain, edns: { udpBytes: 4096, version: 0, isDnssecOk } });
    const packet = new Uint8Array(4096);
    packet.set(query);
    const answer = handle(packet, query.length, { address: '127.0.0.1', isTcp: false });
    assert.ok(typeof answer !== 'number');
    return textOf(decodeMessage((await answer)[0] ?? new Uint8Array(0)));
  };
  const alias = `outside.${domain} CNAME www.example.com`;
  says = { answers: [{ name: wireOf('www.example.com'), type: 28, class: 1, ttlSeconds: 77, data: new Uint8Array(16) }] };
  assert.equal(await send(headerFlags.RD | headerFlags.CD, true), `NOERROR\n${alias}\nwww.example.com 77 AAAA ::`);
  const [first] = asked;
  assert.deepEqual(first?.questions, [{ name: wireOf('www.example.com'), type: 28, class: 1 }]);
  assert.deepEqual(first?.edns, { udpBytes: 1232, version: 0, isDnssecOk: true });
  assert.equal(first?.flags, headerFlags.RD | headerFlags.CD);
  says = { rcode: rcodes.SERVFAIL };
  assert.equal(await send(headerFlags.RD, false), `SERVFAIL\n${alias}`);
  says = { flags: headerFlags.QR | headerFlags.TC };
  assert.equal(await send(headerFlags.RD, false), `NOERROR TC\n${alias}`);
});
