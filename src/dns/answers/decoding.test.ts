import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headlessOf, sampleIndex, sliceOf } from '../../names/sample-objects.ts';
import { explainName, mustEncodeName } from '../../names/index.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { bytesOf, decodeMessage, encodeMessage, MessageError, queryMessage } from '../wire/message.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { headerFlags, rcodeName, rcodes } from '../wire/protocol.ts';
import { createQuery, decodeQuery, queryVerdicts } from '../wire/query.ts';
import { createShuffle } from './shuffle.ts';

const names = [
  'web.default.svc.cluster.local',
  'db.default.svc.cluster.local',
  'DB-0.db.default.svc.Cluster.local',
  '_pg._tcp.db.default.svc.cluster.local',
  'to.default.svc.cluster.local',
  'loop-a.default.svc.cluster.local',
  'outside.default.svc.cluster.local',
  'dangling.default.svc.cluster.local',
  '10-0-0-1.default.pod.cluster.local',
  '2001-db8--1.default.pod.cluster.local',
  'cluster.local',
  'gone.default.svc.cluster.local',
  '_tcp.web.default.svc.cluster.local',
  '5.0.96.10.in-addr.arpa',
  '10.1.244.10.in-addr.arpa',
  'in-addr.arpa',
  'www.example.com',
];
const types = ['A', 'AAAA', 'SRV', 'PTR', 'NS', 'SOA', 'CNAME', 'TXT', 'ANY', 'MX', 'AXFR'];

test('whatever bytes come, the responder neither throws nor answers more than allowed, and what it answers is a message', () => {
  const responder = sampleResponder(sampleIndex({ podMode: 'insecure' }));
  const query = fc.record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom(1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 251, 252, 255, 65_280),
    udpBytes: fc.constantFrom(undefined, 0, 512, 1232, 65_535),
  });
  const mutation = fc.record({ at: fc.nat(120), value: fc.nat(255) });
  const isTcp = fc.boolean();
  fc.assert(
    fc.property(
      query,
      fc.array(mutation, { maxLength: 6 }),
      fc.option(fc.nat(80)),
      isTcp,
      ({ name, type, udpBytes }, changes, cut, isTcp) => {
        const bytes = encodeMessage(queryMessage(1, `${mustEncodeName(name)}\0`, type, headerFlags.RD, udpBytes));
        for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
        checkAnswer(cut === null ? bytes : bytes.subarray(0, cut), isTcp);
      },
    ),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), isTcp, checkAnswer), { numRuns: 3000 });

  function checkAnswer(bytes: Uint8Array, isTcp: boolean): void {
    const packet = new Uint8Array(65_535).fill(0xaa);
    packet.set(bytes);
    const length = responder.respond(packet, bytes.length, isTcp);
    if (length <= 0) return;
    assert.ok(bytes.length >= 12 && length <= (isTcp ? 65_535 : 1232), `${length} bytes`);
    const { query } = responder;
    if (!isTcp && !query.hasOpt) assert.ok(length <= 512, `${length} bytes without EDNS`);
    const answer = decodeMessage(packet.slice(0, length));
    assert.equal(answer.id, ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
    assert.ok((answer.flags & headerFlags.QR) !== 0);
    assert.deepEqual(
      packet.slice(12, query.questionEnd),
      bytes.slice(12, query.questionEnd),
      'the question is echoed byte for byte',
    );
    assert.equal(answer.edns !== undefined, query.hasOpt);
  }
});

test('decoding any bytes gives a message or a MessageError', () => {
  const seed = encodeMessage(queryMessage(1, `${mustEncodeName('a.b')}\0`, 1, 0, 1232));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, hasHead) => {
      try {
        decodeMessage(hasHead ? new Uint8Array([...seed, ...tail]) : tail);
      } catch (error) {
        assert.ok(error instanceof MessageError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a message survives encoding with compression and decoding', () => {
  const name = fc
    .array(fc.constantFrom('\x01a', '\x02bc', '\x05Local', '\x07cluster'), { maxLength: 5 })
    .map((labels) => `${labels.join('')}\0`);
  const ttlSeconds = fc.nat(0xffff_ffff);
  const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
    plainRecord({
      name,
      type: fc.constantFrom(1, 65_280),
      class: fc.constant(1),
      ttlSeconds,
      data: fc.uint8Array({ maxLength: 20 }),
    }),
    plainRecord({ name, type: fc.constantFrom(2, 5, 12, 39), class: fc.constant(1), ttlSeconds, data: name.map(bytesOf) }),
    plainRecord({
      name,
      type: fc.constant(33),
      class: fc.constant(1),
      ttlSeconds,
      data: name.map((text) => bytesOf(`\0\0\0\x64\0\x50${text}`)),
    }),
    plainRecord({
      name,
      type: fc.constant(6),
      class: fc.constant(1),
      ttlSeconds,
      data: fc.tuple(name, name).map(([a, b]) => bytesOf(a + b + '\x01'.repeat(20))),
    }),
  );
  const records = fc.array(record, { maxLength: 5 });
  const message: fc.Arbitrary<Message> = plainRecord({
    id: fc.nat(0xffff),
    flags: fc.constantFrom(0x8400, 0x0100, 0x8580),
    rcode: fc.constantFrom(0, 3, 16),
    questions: fc.array(plainRecord({ name, type: fc.nat(0xffff), class: fc.nat(0xffff) }), { maxLength: 1 }),
    answers: records,
    authorities: records,
    additionals: records,
    edns: plainRecord({ udpBytes: fc.nat(0xffff), version: fc.nat(255), isDnssecOk: fc.boolean() }),
  });
  fc.assert(
    fc.property(message, (message) => {
      const decoded = decodeMessage(encodeMessage(message));
      assert.deepEqual({ ...decoded, flags: decoded.flags & 0xfff0 }, { ...message, flags: message.flags & 0xfff0 });
    }),
  );
});

test('the explanation of a name has the code and the records of the answer', () => {
  for (const podMode of ['disabled', 'insecure'] as const) {
    const index = sampleIndex({ podMode, ownAddresses: ['10.0.0.10'] });
    const responder = sampleResponder(index);
    for (const name of names) {
      for (const type of types.filter((type) => type !== 'AXFR')) {
        const answer = ask(responder, name, type, { isTcp: true });
        assert.ok(typeof answer !== 'number');
        const explained = explainName(index, name, type);
        assert.equal(explained.rcode, rcodeName(answer.rcode), `${name} ${type}`);
        assert.equal(explained.answers.length, answer.answers.length, `${name} ${type}: ${textOf(answer)}`);
        const isAnswered = answer.answers.some((record) => record.type === responder.query.qtype) || type === 'ANY';
        if (!isAnswered) assert.ok(explained.reason !== undefined, `${name} ${type} has a reason`);
      }
    }
  }
});

const query = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const head = (flags: number, ...counts: readonly number[]): number[] => [
  0,
  7,
  flags >> 8,
  flags & 255,
  ...counts.flatMap((count) => [0, count]),
];
const question = [1, 0x61, 0, 0, 1, 0, 1];
const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

const verdicts = [
  { rule: 'fewer than 12 bytes are dropped', bytes: query(0, 1, 2), want: 'drop' },
  { rule: 'an answer is never answered', bytes: query(...head(0x8000, 1, 0, 0, 0), ...question), want: 'drop' },
  { rule: 'a query is read', bytes: query(...head(0x0100, 1, 0, 0, 1), ...question, ...opt), want: 'ok' },
  { rule: 'no question is malformed', bytes: query(...head(0, 0, 0, 0, 0)), want: 'malformed' },
  { rule: 'two questions are malformed', bytes: query(...head(0, 2, 0, 0, 0), ...question, ...question), want: 'malformed' },
  { rule: 'more than one answer in a query is malformed', bytes: query(...head(0, 1, 2, 0, 0), ...question), want: 'malformed' },
  {
    rule: 'a record that is announced and missing is malformed',
    bytes: query(...head(0, 1, 0, 0, 1), ...question),
    want: 'malformed',
  },
  { rule: 'two OPT records are malformed', bytes: query(...head(0, 1, 0, 0, 2), ...question, ...opt, ...opt), want: 'malformed' },
  {
    rule: 'an OPT record that is not of the root is malformed',
    bytes: query(...head(0, 1, 0, 0, 1), ...question, 1, 0x61, ...opt),
    want: 'malformed',
  },
  {
    rule: 'an OPT record among the answers is malformed',
    bytes: query(...head(0, 1, 1, 0, 0), ...question, ...opt),
    want: 'malformed',
  },
  {
    rule: 'an option that exceeds its record is malformed',
    bytes: query(...head(0, 1, 0, 0, 1), ...question, ...opt.slice(0, 10), 4, 0, 10, 0, 8),
    want: 'malformed',
  },
  {
    rule: 'a pointer in the question is malformed, and no label of 192 bytes',
    bytes: query(...head(0, 1, 0, 0, 0), 0xc0, 12, 0, 1, 0, 1, ...Array.from({ length: 200 }, () => 0)),
    want: 'malformed',
  },
  {
    rule: 'a label of another type is malformed, and no label of 65 bytes',
    bytes: query(...head(0, 1, 0, 0, 0), 0x41, ...Array.from({ length: 65 }, () => 0x61), 0, 0, 1, 0, 1),
    want: 'malformed',
  },
  {
    rule: 'a name of more than 255 bytes is malformed',
    bytes: query(...head(0, 1, 0, 0, 0), ...Array.from({ length: 128 }, () => [1, 0x61]).flat(), 0, 0, 1, 0, 1),
    want: 'malformed',
  },
  {
    rule: 'a name of 255 bytes is read',
    bytes: query(...head(0, 1, 0, 0, 0), ...Array.from({ length: 127 }, () => [1, 0x61]).flat(), 0, 0, 1, 0, 1),
    want: 'ok',
  },
  { rule: 'a question that is cut is malformed', bytes: query(...head(0, 1, 0, 0, 0), 1, 0x61, 0, 0, 1), want: 'malformed' },
] as const;

for (const { rule, bytes, want } of verdicts) {
  test(`decoding: ${rule}`, () => {
    const verdict = decodeQuery(bytes, bytes.length, createQuery());
    assert.equal(Object.entries(queryVerdicts).find(([, value]) => value === verdict)?.[0], want);
  });
}

test('headers say what they should: AA on our answers, RD and CD copied, RA and AD never set', () => {
  const responder = sampleResponder(sampleIndex());
  const flags = (name: string, sent: number): number => {
    const answer = ask(responder, name, 'A', { flags: sent });
    return typeof answer === 'number' ? answer : answer.flags & 0x7ff0;
  };
  const web = 'web.default.svc.cluster.local';
  assert.equal(flags(web, 0), headerFlags.AA);
  assert.equal(flags(web, headerFlags.RD | headerFlags.CD | headerFlags.AD), headerFlags.AA | headerFlags.RD | headerFlags.CD);
  assert.equal(flags('gone.default.svc.cluster.local', 0), headerFlags.AA);
  assert.equal(flags('www.example.com', 0), 0);
});

test('EDNS: the reply has OPT iff the query had, the size is capped, DO is kept, another version is BADVERS', () => {
  const responder = sampleResponder(sampleIndex());
  const edns = (udpBytes: number | undefined, isTcp = false) => {
    const answer = ask(responder, 'web.default.svc.cluster.local', 'A', {
      isTcp,
      ...(udpBytes === undefined ? {} : { udpBytes }),
    });
    return typeof answer === 'number' ? undefined : answer.edns;
  };
  assert.equal(edns(undefined), undefined);
  assert.deepEqual(edns(100), { udpBytes: 512, version: 0, isDnssecOk: false });
  assert.deepEqual(edns(1000), { udpBytes: 1000, version: 0, isDnssecOk: false });
  assert.deepEqual(edns(4096), { udpBytes: 1232, version: 0, isDnssecOk: false });
  assert.deepEqual(edns(4096, true), { udpBytes: 4096, version: 0, isDnssecOk: false });
  const message = queryMessage(1, `${mustEncodeName('web.default.svc.cluster.local')}\0`, 1, 0, 1232);
  const bytes = encodeMessage({ ...message, edns: { udpBytes: 1232, version: 1, isDnssecOk: true } });
  const packet = new Uint8Array(4096);
  packet.set(bytes);
  const answer = decodeMessage(packet.slice(0, responder.respond(packet, bytes.length, false)));
  assert.equal(answer.rcode, rcodes.BADVERS);
  assert.deepEqual(answer.edns, { udpBytes: 1232, version: 0, isDnssecOk: true });
  assert.equal(answer.answers.length, 0);
});

test('every order of a set is equally likely, and a cut answer is a random subset', () => {
  const shuffle = createShuffle(() => 0.5);
  const orders = new Map<string, number>();
  const firsts = new Array<number>(100).fill(0);
  for (let round = 0; round < 6000; round++) {
    const order = [0, 1, 2].map((position) => shuffle.pick(position, 3)).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
    const first = shuffle.pick(0, 100);
    firsts[first] = (firsts[first] ?? 0) + 1;
  }
  assert.equal(orders.size, 6);
  for (const [order, count] of orders) assert.ok(count > 850 && count < 1150, `${order}: ${count} of 6000`);
  for (const [index, count] of firsts.entries())
    assert.ok(count > 25 && count < 100, `record ${index} first ${count} of 6000 times`);
});

test('a long set begins at any of its records and goes on as a ring, so that a cut answer leaves nobody out', () => {
  const index = sampleIndex();
  const addresses = Array.from({ length: 100 }, (_, at) => `10.250.0.${at + 1}`);
  index.applyService(headlessOf('long'));
  index.applyEndpointSlice(sliceOf('long', addresses));
  const responder = sampleResponder(index, { permutation: createShuffle(() => 0.5) });
  const firsts = new Map<number, number>();
  for (let round = 0; round < 2000; round++) {
    const answer = ask(responder, 'long.default.svc.cluster.local', 'A', { udpBytes: 1232 });
    const last = typeof answer === 'number' ? [] : answer.answers.map(({ data }) => data[3] ?? 0);
    const [first = 0] = last;
    assert.deepEqual(
      last,
      last.map((_each, at) => ((first - 1 + at) % 100) + 1),
    );
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  assert.equal(firsts.size, 100, 'each is the first of some answer');
  for (const [first, count] of firsts) assert.ok(count < 60, `record ${first} first ${count} of 2000 times`);
});

/** Objects as literals make them: fast-check's own sometimes have no prototype. */
function plainRecord<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}
