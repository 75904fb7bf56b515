import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { mustEncodeName, rrTypes } from '../../names/index.ts';
import { AnswerMemory, sharedNowMs } from './answer-memory.ts';
import { AnswerReader } from './answer-reader.ts';
import { createCachingForwarder } from '../forwarding/cache.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { bytesOf, decodeMessage, encodeMessage, queryMessage } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';
import { createQuery, decodeQuery } from '../wire/query.ts';
import { createShuffle } from './shuffle.ts';

/** Of `signals`. */
const begun = 0;
const stop = 1;

if (isMainThread) {
  const names = ['www.example.com', 'a.example.com', 'x.y.z.example.net'];

  test('what a thread answers is what the cache answers: time to live, letter case, flags and EDNS of the query', async () => {
    const address = fc.constantFrom('\xc0\0\x02\x01', '\xc0\0\x02\x02', '\xc0\0\x02\x03');
    const answers = fc.oneof(
      fc.uniqueArray(address, { minLength: 1 }).map((list) => ({ alias: undefined, list })),
      fc.uniqueArray(address, { minLength: 1 }).map((list) => ({ alias: 'cdn.example.org', list })),
      fc.constant({ alias: undefined, list: [] }),
    );
    const query = fc.record({
      upper: fc.boolean(),
      edns: fc.option(
        fc.record({ udpBytes: fc.constantFrom(512, 1232, 4096), version: fc.constant(0), isDnssecOk: fc.boolean() }),
        { nil: undefined },
      ),
      flags: fc.constantFrom(0, headerFlags.RD, headerFlags.RD | headerFlags.CD, headerFlags.RD | headerFlags.AD),
      laterMs: fc.constantFrom(0, 1_500, 29_000, 31_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        answers,
        fc.array(query, { minLength: 1, maxLength: 6 }),
        async (name, { alias, list }, queries) => {
          const shared = new AnswerMemory({ nowMs: () => nowMs });
          const reader = new AnswerReader(
            shared.buffer,
            createShuffle(() => 0.3),
            4096,
          );
          let nowMs = sharedNowMs();
          let asked = 0;
          const upstream = {
            forward: async (question: Message) => {
              asked++;
              return answerOf(question, alias, list);
            },
            close: async () => undefined,
          };
          const cache = createCachingForwarder(upstream, { nowMs: () => nowMs, shared });
          for (const { upper, edns, flags, laterMs } of queries) {
            const text = mustEncodeName(upper ? name.toUpperCase() : name);
            const question: Message = {
              ...queryMessage(7, `${text}\0`, rrTypes.A, flags),
              ...(edns === undefined ? {} : { edns }),
            };
            await cache.forward(question, { isTcp: false, maxBytes: 4096 });
            const before = asked;
            nowMs += laterMs;
            const packet = new Uint8Array(4096);
            const bytes = encodeMessage(question);
            packet.set(bytes);
            const decoded = createQuery();
            decodeQuery(packet, bytes.length, decoded);
            const length = reader.answer(packet, decoded, nowMs);
            const wanted = await cache.forward(question, { isTcp: false, maxBytes: 4096 });
            assert.equal(length > 0, asked === before, 'a thread knows what the cache knows');
            if (length > 0)
              assert.deepEqual(
                comparable(decodeMessage(packet.subarray(0, length))),
                comparable(decodeMessage(encodeMessage(wanted))),
              );
            else assert.deepEqual(packet.subarray(0, bytes.length), bytes, 'the query is as it was');
          }
        },
      ),
    );
  });

  test('what does not fit into the datagram is left to the main thread', () => {
    const shared = new AnswerMemory();
    const list = Array.from({ length: 40 }, (_, at) => `\xc0\0\x02${String.fromCharCode(at)}`);
    shared.put(answerOf(queryMessage(1, `${mustEncodeName('a.b')}\0`, rrTypes.A, 0), undefined, list), 0, 30, false);
    assert.equal(ask(new AnswerReader(shared.buffer, createShuffle(Math.random)), 'a.b', undefined), undefined);
    assert.equal(ask(new AnswerReader(shared.buffer, createShuffle(Math.random)), 'a.b', 1232)?.answers.length, 40);
  });

  test('after the ring was filled many times over every answer that is found is that of its question', () => {
    const shared = new AnswerMemory({ bytes: 2 ** 19 });
    const reader = new AnswerReader(shared.buffer, createShuffle(Math.random));
    let found = 0;
    for (let at = 0; at < 12_000; at++) {
      shared.put(numbered(at), 0, 3_600, false);
      if (at % 7 !== 0) continue;
      assert.ok(isRight(ask(reader, nameOf(at), 1232), at), `the one just put, ${at}`);
      const other = Math.max(0, at - ((at * 7_919) % 3_000));
      const answer = ask(reader, nameOf(other), 1232);
      if (answer === undefined) continue;
      found++;
      assert.ok(isRight(answer, other), `${other} at ${at}`);
    }
    assert.ok(found > 200, String(found));
  });

  test('a thread that reads while answers are put finds each whole or not at all', async () => {
    const shared = new AnswerMemory();
    const signals = new Int32Array(new SharedArrayBuffer(8));
    for (let at = 0; at < 200; at++) shared.put(numbered(at), 0, 3_600, false);
    const worker = new Worker(new URL(import.meta.url), { workerData: { buffer: shared.buffer, signals } });
    const result = once(worker, 'message') as Promise<[{ readonly found: number; readonly wrong: number }]>;
    // the reader has begun: before that nothing would be read while it changes
    await Atomics.waitAsync(signals, begun, 0, 30_000).value;
    for (let round = 0; round < 15; round++) {
      for (let at = 0; at < 1_000; at++) shared.put(numbered(at % 200), 0, 3_600, false);
      await new Promise((resolve) => setImmediate(resolve));
    }
    Atomics.store(signals, stop, 1);
    const [{ found, wrong }] = await result;
    assert.equal(wrong, 0);
    assert.ok(found > 0);
  });
} else {
  const { buffer, signals } = workerData as { readonly buffer: SharedArrayBuffer; readonly signals: Int32Array };
  const reader = new AnswerReader(buffer, createShuffle(Math.random));
  const counts = { found: 0, wrong: 0 };
  for (let at = 0; Atomics.load(signals, stop) === 0; at = (at + 1) % 200) {
    const answer = ask(reader, nameOf(at), 1232);
    if (answer === undefined) continue;
    if (counts.found++ === 0) {
      Atomics.store(signals, begun, 1);
      Atomics.notify(signals, begun);
    }
    if (!isRight(answer, at)) counts.wrong++;
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(counts);
}

function nameOf(at: number): string {
  return `${'n'.repeat(at % 40)}${at}.example.com`;
}

/** An answer that says its number in every byte that it can. */
function numbered(at: number): Message {
  const list = Array.from({ length: 1 + (at % 5) }, (_, index) =>
    String.fromCharCode(10 + index, (at >> 16) & 255, (at >> 8) & 255, at & 255),
  );
  return answerOf(queryMessage(at & 0xffff, `${mustEncodeName(nameOf(at))}\0`, rrTypes.A, headerFlags.RD), undefined, list);
}

function isRight(answer: Message | undefined, at: number): boolean {
  return (
    answer !== undefined &&
    answer.answers.length === 1 + (at % 5) &&
    new Set(answer.answers.map(({ data }) => data[0])).size === 1 + (at % 5) &&
    answer.answers.every(({ data }) => (((data[1] ?? 0) << 16) | ((data[2] ?? 0) << 8) | (data[3] ?? 0)) === at)
  );
}

function ask(reader: AnswerReader, name: string, udpBytes: number | undefined): Message | undefined {
  const packet = new Uint8Array(4096);
  const bytes = encodeMessage(queryMessage(9, `${mustEncodeName(name)}\0`, rrTypes.A, headerFlags.RD, udpBytes));
  packet.set(bytes);
  const query = createQuery();
  decodeQuery(packet, bytes.length, query);
  const length = reader.answer(packet, query, sharedNowMs());
  return length === 0 ? undefined : decodeMessage(packet.subarray(0, length));
}

/** What an upstream says: an alias and addresses, or that there is no such name. */
function answerOf(query: Message, alias: string | undefined, addresses: readonly string[]): Message {
  const name = query.questions[0]?.name ?? '\0';
  const target = alias === undefined ? name : `${mustEncodeName(alias)}\0`;
  const record = (owner: string, type: number, data: string): ResourceRecord => ({
    name: owner,
    type,
    class: 1,
    ttlSeconds: 30,
    data: bytesOf(data),
  });
  const soa = record(`${mustEncodeName('example.com')}\0`, rrTypes.SOA, `\x02ns\0\x02me\0${'\0'.repeat(19)}\x1e`);
  return {
    ...query,
    flags: headerFlags.QR | headerFlags.RA | headerFlags.AD | (query.flags & headerFlags.RD),
    rcode: addresses.length === 0 ? rcodes.NXDOMAIN : 0,
    answers: [
      ...(alias === undefined ? [] : [record(name, rrTypes.CNAME, target)]),
      ...addresses.map((data) => record(target, rrTypes.A, data)),
    ],
    authorities: addresses.length === 0 ? [soa] : [],
  };
}

/** Addresses come in any order, and owners in the letter case of whoever asks. */
function comparable(message: Message): unknown {
  const texts = message.answers.map(
    ({ name, type, ttlSeconds, data }) => `${name.toLowerCase()} ${type} ${ttlSeconds} ${data.join()}`,
  );
  const authorities = message.authorities.map(({ name, ...rest }) => ({ name: name.toLowerCase(), ...rest }));
  return { ...message, authorities, answers: texts.sort() };
}
