/** The plain parts of DNS, held against other authoritative servers that have the very records of ours. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { PeerName, RunningServer } from '../../bench/dns-peers.ts';
import { peerProblem, startPeer, zoneLines } from '../../bench/dns-peers.ts';
import {
  decodeMessage,
  encodeMessage,
  headerFlags,
  queryMessage,
  rcodeName,
  startDnsServer,
  typeName,
} from '../../src/dns/index.ts';
import type { DnsServer, Message } from '../../src/dns/index.ts';
import { formatName, mustEncodeName, rrTypes } from '../../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { handInformers } from './dns-harness.ts';

const zone = 'cluster.local';
const domain = `default.svc.${zone}`;
const folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-peers-'));
const http = { name: 'http', port: 80, protocol: 'TCP' };
const types = { ...rrTypes, MX: 15, HINFO: 13, CAA: 257 };
let ours: DnsServer;

before(async () => {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(
    serviceOf('web', { clusterIPs: ['10.96.0.5'], ports: [http, { name: 'dns', port: 53, protocol: 'UDP' }] }),
    serviceOf('dual', { clusterIPs: ['10.96.0.6', 'fd00:10:96::6'], ports: [http] }),
    headlessOf('db', { ports: [{ name: 'pg', port: 5432 }] }),
    headlessOf('large', { ports: [http] }),
    serviceOf('alias', { type: 'ExternalName', externalName: `web.${domain}` }),
    serviceOf('alias-of-alias', { type: 'ExternalName', externalName: `alias.${domain}` }),
    serviceOf('alias-to-nothing', { type: 'ExternalName', externalName: `gone.${domain}` }),
  );
  const pg = [{ name: 'pg', port: 15_432, protocol: 'TCP' }];
  informers.endpointSlices.apply(
    sliceOf('db', [{ addresses: ['10.244.1.10'], hostname: 'db-0' }, '10.244.1.11'], pg),
    sliceOf('db', [{ addresses: ['fd00:10:244::10'], hostname: 'db-0' }], pg, 'b'),
    sliceOf(
      'large',
      Array.from({ length: 200 }, (_, at) => `10.245.0.${at + 1}`),
      [http],
    ),
  );
  for (const informer of Object.values(informers)) informer.finishSync();
  ours = await startDnsServer({ source: { informers }, listen: { address: '127.0.0.1', port: 0 } }, { logger: silentLogger });
  await ours.ready;
});

after(async () => {
  await ours.close();
  rmSync(folder, { recursive: true });
});

const relativeNames =
  'web dual db db-0.db 10-244-1-11.db _http._tcp.web _dns._udp.web _dns._tcp.web _tcp.web _pg._tcp.db _tcp.db x.web x.y.db gone ' +
  'gone.gone x.alias * *.db WEB Db-0.dB _HTTP._Tcp.Web';
const names = relativeNames.split(' ').map((name) => `${name}.${domain}`);
names.push(zone, domain, `svc.${zone}`, `bogus.${zone}`, `web.other.svc.${zone}`, `dns.${zone}`);
const aliases = ['alias', 'alias-of-alias', 'alias-to-nothing', 'ALIAS'].map((name) => `${name}.${domain}`);

// unbound's local data knows neither aliases that it follows itself nor names that exist without data
const peers: readonly (readonly [peer: PeerName, questions: readonly string[]])[] = [
  ['knot', [...names, ...aliases]],
  ['nsd', [...names, ...aliases]],
  ['unbound', names.filter((name) => !/^_tcp|^svc|^dns\.|^default\.|^cluster/.test(name))],
];

for (const [name, questions] of peers) {
  const skip = peerProblem(name);
  test(`${name} says the same of every name and type`, skip === undefined ? {} : { skip }, async () => {
    const peer = await startPeer(name, { lines: zoneLines(ours.index), folder });
    try {
      for (const question of questions) {
        for (const [typeText, type] of Object.entries(types)) {
          const [mine, theirs] = await bothSay(peer, question, type, 1232);
          assert.deepEqual(digest(mine), digest(theirs), `${question} ${typeText}`);
          assert.deepEqual(digest(await askOverTcp(ours.addresses[0]?.port ?? 0, question, type)), digest(theirs), 'over TCP');
        }
      }
    } finally {
      await peer.stop();
    }
  });

  test(`${name} cuts where we cut, and never sends more than was asked for`, skip === undefined ? {} : { skip }, async () => {
    const peer = await startPeer(name, { lines: zoneLines(ours.index), folder });
    try {
      for (const udpBytes of [undefined, 100, 512, 900, 1232]) {
        for (const question of [`large.${domain}`, `web.${domain}`]) {
          const [mine, theirs] = await bothSay(peer, question, rrTypes.A, udpBytes);
          const isCut = (message: Message): boolean => (message.flags & headerFlags.TC) !== 0;
          assert.equal(isCut(mine), isCut(theirs), `${question} in ${udpBytes}`);
          assert.equal(mine.edns === undefined, theirs.edns === undefined);
        }
      }
    } finally {
      await peer.stop();
    }
  });
}

/** What must be alike: code, authority, the answer's records in any order, and whether a negative answer may be kept. */
function digest(message: Message): object {
  return {
    rcode: rcodeName(message.rcode),
    isAuthoritative: (message.flags & headerFlags.AA) !== 0,
    hasRecursionDesired: (message.flags & headerFlags.RD) !== 0,
    question: message.questions.map(({ name }) => formatName(name)),
    answers: message.answers
      // the letter case of an owner is the server's own business
      .map((record) => `${formatName(record.name).toLowerCase()} ${typeName(record.type)} ${dataOf(record)}`)
      .sort(),
    // nsd names the zone's servers with positive answers too
    negative: message.authorities.filter(({ type }) => type === rrTypes.SOA).map(({ name }) => formatName(name).toLowerCase()),
  };
}

/** Without the serial of an SOA record, which is each server's own. */
function dataOf({ type, data }: Message['answers'][number]): string {
  const bytes = Buffer.from(data);
  if (type === rrTypes.SOA) bytes.fill(0, bytes.length - 20, bytes.length - 16);
  return bytes.toString('latin1').toLowerCase();
}

async function askOverTcp(port: number, name: string, type: number): Promise<Message> {
  const socket = connect(port, '127.0.0.1');
  const query = encodeMessage(queryMessage(9, `${mustEncodeName(name)}\0`, type, headerFlags.RD, 1232));
  // the other half stays open until the answer has come
  socket.end(Uint8Array.of(query.length >> 8, query.length & 255, ...query));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return decodeMessage(Buffer.concat(chunks).subarray(2));
}

async function bothSay(
  peer: RunningServer,
  name: string,
  type: number,
  udpBytes: number | undefined,
): Promise<[Message, Message]> {
  return Promise.all([ask(ours.addresses[0]?.port ?? 0), ask(peer.port)]);

  async function ask(port: number): Promise<Message> {
    const socket = createSocket('udp4');
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const timer = setTimeout(() => reject(new Error(`no answer for ${name}`)), 5_000);
    socket.once('message', (bytes) => {
      const limit = Math.max(512, udpBytes ?? 512);
      if (bytes.length > limit) reject(new Error(`${bytes.length} bytes where ${limit} were allowed`));
      else resolve(decodeMessage(bytes));
    });
    socket.send(encodeMessage(queryMessage(9, `${mustEncodeName(name)}\0`, type, headerFlags.RD, udpBytes)), port, '127.0.0.1');
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      socket.close();
    }
  }
}
