/** TCP: answers as soon as each is ready, and how long a client may take. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMessage, emptyAnswer, encodeMessage, headerFlags, queryMessage, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { until } from './cluster-harness.ts';
import { handInformers } from './dns-harness.ts';

let server: DnsServer;

before(async () => {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(serviceOf('web', { clusterIPs: ['10.96.0.5'] }), headlessOf('many'));
  informers.endpointSlices.apply(
    sliceOf(
      'many',
      Array.from({ length: 3_000 }, (_, at) => `10.250.${at >> 8}.${at & 255}`),
    ),
  );
  for (const informer of Object.values(informers)) informer.finishSync();
  server = await startDnsServer(
    {
      source: { informers },
      listen: { address: '127.0.0.1', port: 0 },
      tcpTimeouts: { firstQueryMs: 400, idleMs: 1_000, writeMs: 500 },
      forwarder: {
        async forward(query) {
          await sleep(200);
          return emptyAnswer(query, 0);
        },
        close: async () => undefined,
      },
    },
    { logger: silentLogger },
  );
  await server.ready;
});

after(() => server.close());

const own = 'web.default.svc.cluster.local';
const framed = (id: number, name: string): Uint8Array => {
  const bytes = encodeMessage(queryMessage(id, `${mustEncodeName(name)}\0`, 1, headerFlags.RD));
  return Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes);
};

async function open(): Promise<{ readonly socket: Socket; readonly ids: () => number[]; isClosed: () => boolean }> {
  const at = server.addresses.find(({ protocol }) => protocol === 'TCP');
  const socket = connect(at?.port ?? 0, '127.0.0.1');
  let received: Buffer = Buffer.alloc(0);
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
  socket.on('close', () => (isClosed = true));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const ids = (): number[] => {
    const found: number[] = [];
    for (let offset = 0; offset + 2 <= received.length; offset += 2 + received.readUInt16BE(offset)) {
      const end = offset + 2 + received.readUInt16BE(offset);
      if (end <= received.length) found.push(decodeMessage(received.subarray(offset + 2, end)).id);
    }
    return found;
  };
  return { socket, ids, isClosed: () => isClosed };
}

test('an answer that waits for others does not hold up those behind it', async () => {
  const { socket, ids } = await open();
  for (const [id, name] of [
    [1, 'slow.example'],
    [2, own],
    [3, 'slow.example.org'],
    [4, own],
  ] as const)
    socket.write(framed(id, name));
  await until('all four are answered', () => ids().length === 4);
  assert.deepEqual(ids().slice(0, 2), [2, 4]);
  assert.deepEqual(new Set(ids().slice(2)), new Set([1, 3]));
  socket.destroy();
});

test('any number of queries may come on one connection', async () => {
  const { socket, ids } = await open();
  for (let id = 0; id < 2_000; id++) socket.write(framed(id, own));
  await until('all are answered', () => ids().length === 2_000);
  assert.equal(new Set(ids()).size, 2_000);
  socket.destroy();
});

test('who asks nothing is hung up on, sooner than who has asked', async () => {
  const [silent, asked] = [await open(), await open()];
  asked.socket.write(framed(1, own));
  await until('the silent one is closed', silent.isClosed);
  assert.equal(asked.isClosed(), false);
  await until('the other one too, in the end', asked.isClosed);
  assert.deepEqual(asked.ids(), [1]);
});

test('half a query is no query', async () => {
  const { socket, isClosed, ids } = await open();
  socket.write(framed(1, own).subarray(0, 20));
  await until('it is closed', isClosed);
  assert.deepEqual(ids(), []);
});

test('who asks for much and reads nothing is hung up on', async () => {
  const { socket, isClosed, ids } = await open();
  socket.pause();
  for (let id = 0; id < 400; id++) socket.write(framed(id, 'many.default.svc.cluster.local'));
  await sleep(2_000);
  // what the kernel holds for it is less than what it asked for: the rest was never sent
  socket.resume();
  await until('it is closed', isClosed);
  assert.ok(ids().length < 400, `${ids().length} of 400 answers`);
});
