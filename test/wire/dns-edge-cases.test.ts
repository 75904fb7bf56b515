/**
 * Queries at the edge of the protocol, byte for byte, to us and to three other servers with the same zone: where they agree we
 * agree, and where they do not we say what one of them says.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunningServer } from '../../bench/dns-peers.ts';
import { peerNames, peerProblem, startPeer, zoneLines } from '../../bench/dns-peers.ts';
import { encodeMessage, headerFlags, queryMessage, rcodeName, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { namespaceOf, serviceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { handInformers } from './dns-harness.ts';

const skip = peerNames.map(peerProblem).find((problem) => problem !== undefined);
const folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-edge-'));
const peers: RunningServer[] = [];
let ours: DnsServer;

before(async () => {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(serviceOf('web', { clusterIPs: ['10.96.0.5'] }));
  for (const informer of Object.values(informers)) informer.finishSync();
  ours = await startDnsServer({ source: { informers }, listen: { address: '127.0.0.1', port: 0 } }, { logger: silentLogger });
  await ours.ready;
  if (skip !== undefined) return;
  for (const name of peerNames) peers.push(await startPeer(name, { lines: zoneLines(ours.index), folder }));
});

after(async () => {
  for (const peer of peers) await peer.stop();
  await ours.close();
  rmSync(folder, { recursive: true });
});

const plain = [...encodeMessage(queryMessage(9, `${mustEncodeName('web.default.svc.cluster.local')}\0`, 1, headerFlags.RD))];
const header = plain.slice(0, 12);
const question = plain.slice(12);

/** An OPT record: size, the code's upper bits, version, flags, options. */
const opt = (size: number, extendedCode: number, version: number, flags: number, ...options: readonly number[]): number[] =>
  [0, 0, 41, size >> 8, size & 255, extendedCode, version, flags >> 8, flags & 255, 0, options.length].concat(options);
const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 1, 2, 3, 4];
/** The plain query with other bytes at a place, and more behind it. */
const changed = (at: number, values: readonly number[], ...behind: readonly number[][]): number[] => [
  ...plain.map((byte, index) => values[index - at] ?? byte),
  ...behind.flat(),
];
const typed = (qtype: number, qclass = 1): number[] => changed(plain.length - 4, [qtype >> 8, qtype & 255, 0, qclass]);

const cases: Readonly<Record<string, readonly number[]>> = {
  'a plain query': plain,
  'EDNS version 1': changed(11, [1], opt(1232, 0, 1, 0)),
  'EDNS version 1 with DO': changed(11, [1], opt(1232, 0, 1, 0x8000)),
  'EDNS with size 0': changed(11, [1], opt(0, 0, 0, 0)),
  'EDNS with DO': changed(11, [1], opt(1232, 0, 0, 0x8000)),
  'EDNS with flags that nobody knows': changed(11, [1], opt(1232, 0, 0, 0x7fff)),
  'EDNS with an option that nobody knows': changed(11, [1], opt(1232, 0, 0, 0, 0xff, 0xf0, 0, 1, 1)),
  'EDNS with an option that exceeds its record': changed(11, [1], opt(1232, 0, 0, 0, 0, 10, 0, 8, 1)),
  'EDNS with an extended code': changed(11, [1], opt(1232, 7, 0, 0)),
  'two OPT records': changed(11, [2], opt(1232, 0, 0, 0), opt(1232, 0, 0, 0)),
  'an OPT record that is not of the root': changed(11, [1], [1, 0x61], opt(1232, 0, 0, 0)),
  'an A record beside the question': changed(11, [1], record),
  'an A record before the OPT record': changed(11, [2], record, opt(1232, 0, 0, 0)),
  'a record that is announced and missing': changed(11, [1]),
  'bytes behind the message': [...plain, 1, 2, 3],
  'no question, but its bytes': changed(4, [0, 0]),
  'a header alone': [...header.slice(0, 5), 0, ...header.slice(6)],
  'two questions': changed(5, [2], question),
  'an answer in the query': changed(7, [1], record),
  'an authority in the query': changed(9, [1], record),
  'an answer instead of a query': changed(2, [0x81]),
  ...Object.fromEntries([1, 2, 3, 6, 15].map((opcode) => [`opcode ${opcode}`, changed(2, [(opcode << 3) | 1])])),
  'flags AA and TC in the query': changed(2, [0x07]),
  'the flag that is reserved': changed(3, [0x40]),
  'the flag RA in the query': changed(3, [0x80]),
  'a code in the query': changed(3, [0x05]),
  'class CHAOS': typed(1, 3),
  'class 0': typed(1, 0),
  'type OPT': typed(41),
  'type MAILB': typed(253),
  'type TKEY': typed(249),
  'type AXFR': typed(252),
  'a type that nobody knows': typed(65_280),
  'a pointer in the name': [...header, 0xc0, 12, 0, 1, 0, 1],
  'a label of a type that is dead': [...header, 0x41, 0, 0, 0, 1, 0, 1],
  'a name that is cut': plain.slice(0, 20),
  'a question that is cut': plain.slice(0, -3),
  'eleven bytes': plain.slice(0, 11),
  'nothing at all': [],
  'the root': [...header, 0, 0, 1, 0, 1],
};

for (const [name, bytes] of Object.entries(cases)) {
  test(`${name}: answered as others do, over UDP and TCP`, skip === undefined ? {} : { skip }, async () => {
    const port = ours.addresses[0]?.port ?? 0;
    const mine = await overUdp(port, bytes);
    const theirs = await Promise.all(peers.map(async (peer) => overUdp(peer.port, bytes)));
    const what = `${mine} where ${peers.map((peer, at) => `${peer.name} says ${theirs[at]}`).join(', ')}`;
    assert.ok(theirs.includes(mine), what);
    if (new Set(theirs).size === 1) assert.equal(mine, theirs[0]);
    // a transfer is another thing over TCP, and nothing at all cannot be told from more to come
    if (bytes.length > 0 && name !== 'type AXFR') assert.equal(await overTcp(port, bytes), mine, 'over TCP');
  });
}

/** What matters of an answer, in a word; silence is a dash. */
function digest(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const optAt = bytes.findLastIndex(
    (_, at) => bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 41 && at + 11 === bytes.length,
  );
  const hasOpt = view.getUint16(10) > 0 && optAt > 0;
  const rcode = (view.getUint16(2) & 15) | (hasOpt ? (bytes[optAt + 5] ?? 0) << 4 : 0);
  return `${rcodeName(rcode)} with ${view.getUint16(6)} answers`;
}

/** Each server answers in the order of arrival: when the plain query behind is answered, there was no answer to the first. */
async function overUdp(port: number, bytes: readonly number[]): Promise<string> {
  const socket = createSocket('udp4');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sentinel = changed(0, [0x77, 0x77]);
  socket.on('message', (answer) => resolve(answer.readUInt16BE(0) === 0x7777 ? '-' : digest(answer)));
  const timer = setTimeout(() => reject(new Error(`port ${port} does not answer`)), 10_000);
  for (const query of [bytes, sentinel]) socket.send(Uint8Array.from(query), port, '127.0.0.1');
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

async function overTcp(port: number, bytes: readonly number[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
  socket.on('close', () => resolve(received.length < 2 ? '-' : digest(received.subarray(2))));
  socket.on('error', reject);
  socket.end(Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes));
  return promise;
}
