/** What goes from a UDP thread to the main thread through shared memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { createRingBuffer, QueryRingReader, QueryRingWriter } from './query-ring.ts';

const sizes = { packetBytes: 4_096, originBytes: 128 };

function ringOf(bytes: number): { readonly writer: QueryRingWriter; readonly reader: QueryRingReader } {
  const buffer = createRingBuffer(bytes);
  return { writer: new QueryRingWriter(buffer), reader: new QueryRingReader(buffer, sizes) };
}

/** Bytes that differ by number and place. */
function bytesFor(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (number * 31 + at) & 0xff);
}

function taken(reader: QueryRingReader): { readonly query: Uint8Array; readonly origin: Uint8Array } {
  return { query: reader.packet.slice(0, reader.length), origin: reader.origin.slice(0, reader.originLength) };
}

test('queries come out whole and in order, whatever their lengths and however often the memory is gone round', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ query: fc.nat(600), origin: fc.nat(100), takes: fc.boolean() }), { minLength: 1, maxLength: 200 }),
      (steps) => {
        const { writer, reader } = ringOf(2_048);
        const waiting: { readonly query: Uint8Array; readonly origin: Uint8Array }[] = [];
        const takeAll = (): void => {
          reader.begin();
          while (reader.take()) assert.deepEqual(taken(reader), waiting.shift());
          assert.equal(waiting.length, 0);
        };
        for (const [number, step] of steps.entries()) {
          const [query, origin] = [bytesFor(number, step.query), bytesFor(number + 1, step.origin)];
          if (writer.put(query, query.length, origin, origin.length)) waiting.push({ query, origin });
          else assert.ok(waiting.length > 0, 'an empty ring has room for any of these');
          if (step.takes) takeAll();
        }
        takeAll();
      },
    ),
  );
});

test('a full ring takes nothing until there is room, and loses nothing that it took', () => {
  const { writer, reader } = ringOf(256);
  const origin = bytesFor(0, 16);
  let put = 0;
  while (writer.put(bytesFor(put, 40), 40, origin, 16)) put++;
  assert.equal(put, 4);
  assert.equal(writer.put(bytesFor(9, 40), 40, origin, 16), false);
  reader.begin();
  assert.equal(reader.take(), true);
  assert.equal(writer.put(bytesFor(4, 40), 40, origin, 16), true);
  assert.deepEqual(taken(reader).query, bytesFor(0, 40));
  for (const number of [1, 2, 3]) {
    assert.equal(reader.take(), true);
    assert.deepEqual(taken(reader).query, bytesFor(number, 40));
  }
  assert.equal(reader.take(), false, 'what came after the beginning is for the next turn');
  assert.equal(reader.hasMore, true);
  reader.begin();
  assert.equal(reader.take(), true);
  assert.deepEqual(taken(reader), { query: bytesFor(4, 40), origin });
  assert.equal(reader.hasMore, false);
});

test('the bell is rung once for all that comes until it is answered', () => {
  const { writer, reader } = ringOf(1_024);
  const put = (): void => assert.ok(writer.put(bytesFor(1, 8), 8, bytesFor(2, 8), 8));
  put();
  assert.equal(writer.mustRing(), true);
  put();
  assert.equal(writer.mustRing(), false);
  reader.begin();
  put();
  assert.equal(writer.mustRing(), true, 'it may have come too late for this turn');
});

test('positions that pass 2^32 are no harm', () => {
  const buffer = createRingBuffer(256);
  // as after four billion bytes
  new Int32Array(buffer).fill(-64, 0, 2);
  const [writer, reader] = [new QueryRingWriter(buffer), new QueryRingReader(buffer, sizes)];
  for (let number = 0; number < 20; number++) {
    assert.ok(writer.put(bytesFor(number, 30), 30, bytesFor(number, 16), 16));
    reader.begin();
    assert.ok(reader.take());
    assert.deepEqual(taken(reader).query, bytesFor(number, 30));
    assert.equal(reader.take(), false);
  }
});

test('a thread hears that it is to end', () => {
  const { writer, reader } = ringOf(256);
  assert.equal(writer.isStopping, false);
  reader.stopWriter();
  assert.equal(writer.isStopping, true);
});

test('what another thread puts in as fast as it can comes out whole, in order and complete', async () => {
  const buffer = createRingBuffer(4_096);
  const reader = new QueryRingReader(buffer, sizes);
  const total = 20_000;
  const door = new URL('./query-ring.ts', import.meta.url).href;
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import('${door}').then(({ QueryRingWriter }) => {
       const writer = new QueryRingWriter(workerData);
       const packet = new Uint8Array(600), origin = new Uint8Array(40);
       for (let number = 0; number < ${total}; number++) {
         const length = 4 + (number * 7) % 590, originLength = number % 41;
         packet.fill(number, 0, length);
         new DataView(packet.buffer).setUint32(0, number);
         origin.fill(number + 1, 0, originLength);
         while (!writer.put(packet, length, origin, originLength));
         if (writer.mustRing()) parentPort.postMessage(null);
       }
     });`,
    { eval: true, workerData: buffer },
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let number = 0;
  const drain = (): void => {
    reader.begin();
    for (; reader.take(); number++) {
      const { packet, length, origin, originLength } = reader;
      const stands = new DataView(packet.buffer).getUint32(0);
      const isWhole =
        stands === number &&
        length === 4 + ((number * 7) % 590) &&
        originLength === number % 41 &&
        packet.subarray(4, length).every((byte) => byte === (number & 0xff)) &&
        origin.subarray(0, originLength).every((byte) => byte === ((number + 1) & 0xff));
      if (!isWhole) return reject(new Error(`query ${number} came as ${stands} with ${length} bytes`));
    }
    if (number === total) resolve();
    else if (reader.hasMore) setImmediate(drain);
  };
  worker.on('message', drain);
  worker.on('error', reject);
  await promise;
  await worker.terminate();
});
