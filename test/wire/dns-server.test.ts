import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { decodeMessage, encodeMessage, headerFlags, queryMessage } from '../../src/dns/index.ts';
import { openSocket } from '../../src/linux/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers, headerOf } from './dns-harness.ts';

const informers = handInformers();
let server: DnsServer;
let at: { readonly address: string; readonly port: number };
const skip = digSkip;

before(async () => {
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(
    serviceOf('web', { clusterIPs: ['10.96.0.5'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
    headlessOf('my-service'),
    headlessOf('many', { ports: [{ name: 'http', port: 80 }] }),
    serviceOf('sample-externalname', { type: 'ExternalName', externalName: 'thisis.externalname.com' }),
  );
  informers.endpointSlices.apply(
    sliceOf('my-service', [
      '10.244.1.2',
      '10.244.2.2',
      '10.244.3.2',
      { addresses: ['10.244.3.3'], conditions: { ready: false } },
    ]),
    sliceOf(
      'many',
      Array.from({ length: 1000 }, (_, index) => `10.250.${index >> 8}.${index & 255}`),
      [{ name: 'http', port: 80, protocol: 'TCP' }],
    ),
  );
  server = await startDnsServer(
    { source: { informers }, listen: { address: '127.0.0.1', port: 0 }, tcpTimeouts: { firstQueryMs: 300, idleMs: 600 } },
    { logger: silentLogger },
  );
  at = server.addresses[0] ?? { address: '', port: 0 };
});

after(() => server.close());

test('until the objects are read dig sees SERVFAIL for what is missing, then NXDOMAIN', { skip }, async () => {
  assert.equal(server.isReady, false);
  assert.equal(headerOf(await dig(at, 'gone.default.svc.cluster.local')), 'SERVFAIL qr aa rd');
  for (const informer of Object.values(informers)) informer.finishSync();
  await server.ready;
  assert.equal(headerOf(await dig(at, 'gone.default.svc.cluster.local')), 'NXDOMAIN qr aa rd');
});

test('dig gets the same address over UDP and TCP, with and without EDNS', { skip }, async () => {
  for (const options of [[], ['+tcp'], ['+noedns'], ['+bufsize=512'], ['+nocookie'], ['+dnssec']]) {
    const output = await dig(at, 'web.default.svc.cluster.local', ...options);
    assert.match(output, /web\.default\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.5/, options.join(' '));
    assert.equal(headerOf(output), 'NOERROR qr aa rd', options.join(' '));
    assert.doesNotMatch(output, /echoed|malformed|WARNING: Message/i, options.join(' '));
  }
});

test('dig prints every ready pod of a headless Service and the order changes', { skip }, async () => {
  const orders = new Set<string>();
  for (let index = 0; index < 12; index++) orders.add(await dig(at, '+short', 'my-service.default.svc.cluster.local'));
  assert.ok(orders.size > 1, 'the order rotates');
  for (const order of orders) assert.equal(order.trim().split('\n').sort().join(' '), '10.244.1.2 10.244.2.2 10.244.3.2');
});

test('dig prints SRV, CNAME, PTR and SOA as they are', { skip }, async () => {
  assert.equal(
    await dig(at, '+short', 'SRV', '_http._tcp.web.default.svc.cluster.local'),
    '0 100 80 web.default.svc.cluster.local.\n',
  );
  assert.equal(await dig(at, '+short', 'CNAME', 'sample-externalname.default.svc.cluster.local'), 'thisis.externalname.com.\n');
  assert.equal(await dig(at, '+short', '-x', '10.96.0.5'), 'web.default.svc.cluster.local.\n');
  assert.match(
    await dig(at, '+short', 'SOA', 'cluster.local'),
    /^ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 30\n$/,
  );
  assert.equal(await dig(at, '+short', 'TXT', 'dns-version.cluster.local'), '"1.1.0"\n');
});

test('a large answer is cut with TC over UDP and whole over TCP', { skip }, async () => {
  const cut = await dig(at, '+ignore', 'many.default.svc.cluster.local');
  assert.equal(headerOf(cut), 'NOERROR qr aa tc rd');
  const size = Number(/MSG SIZE +rcvd: (\d+)/.exec(cut)?.[1]);
  assert.ok(size <= 1232 && size > 1200, `${size} bytes`);
  const small = await dig(at, '+ignore', '+noedns', 'many.default.svc.cluster.local');
  assert.ok(Number(/MSG SIZE +rcvd: (\d+)/.exec(small)?.[1]) <= 512);
  const whole = await dig(at, '+short', 'many.default.svc.cluster.local');
  assert.equal(new Set(whole.trim().split('\n')).size, 1000);
  const srv = await dig(at, '+tcp', 'SRV', '_http._tcp.many.default.svc.cluster.local');
  assert.match(srv, /ANSWER: \d{3,}/);
  assert.doesNotMatch(srv, /malformed|extra/i);
});

test('wrong versions, classes, opcodes and transfers are refused as they should be', { skip }, async () => {
  assert.match(headerOf(await dig(at, '+edns=1', '+noednsnegotiation', 'web.default.svc.cluster.local')), /^BADVERS/);
  assert.match(headerOf(await dig(at, 'CH', 'TXT', 'version.bind')), /^REFUSED/);
  assert.match(headerOf(await dig(at, '+opcode=2', 'web.default.svc.cluster.local')), /^NOTIMP/);
  assert.match(await dig(at, 'AXFR', 'cluster.local'), /Transfer failed/);
  assert.match(headerOf(await dig(at, 'www.example.com')), /^REFUSED/);
});

test('TCP answers pipelined queries, also when they come in pieces, and ends idle connections', async () => {
  const names = ['web', 'my-service', 'gone'].map((name) => `${mustEncodeName(`${name}.default.svc.cluster.local`)}\0`);
  const stream = Buffer.concat(
    names.map((name, id) => {
      const query = encodeMessage(queryMessage(id, name, 1, headerFlags.RD));
      return Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]);
    }),
  );
  const socket = connect(at.port, at.address);
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.setNoDelay(true);
  for (let index = 0; index < stream.length; index += 7) {
    socket.write(stream.subarray(index, index + 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  const bytes = Buffer.concat(received);
  const rcodes: string[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt16BE(offset);
    const message = decodeMessage(bytes.subarray(offset + 2, offset + 2 + length));
    rcodes.push(`${message.id}:${message.rcode}:${message.answers.length}`);
    offset += 2 + length;
  }
  assert.deepEqual(rcodes, ['0:0:1', '1:0:3', '2:3:0']);
});

test('a change shows in the next answer and moves the serial only when a client can see it', { skip }, async () => {
  const slice = sliceOf('my-service', ['10.244.1.2']);
  informers.endpointSlices.apply(slice);
  assert.equal(await dig(at, '+short', 'my-service.default.svc.cluster.local'), '10.244.1.2\n');
  const serial = server.index.serial;
  informers.endpointSlices.apply({ ...slice, metadata: { ...slice.metadata, annotations: { note: 'x' } } });
  assert.equal(server.index.serial, serial);
});

for (const [family, address] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const) {
  test(
    `${family} sockets that someone else made and bound are served`,
    { skip: skip === false ? withoutAddress(address) : skip },
    async () => {
      const udpFd = openSocket({ type: 'udp', bind: { address, port: 0 } });
      const tcpFd = openSocket({ type: 'tcp', bind: { address, port: 0 }, listen: 16 });
      const second = await startDnsServer(
        { source: { informers }, listen: { udpFds: [udpFd], tcpFds: [tcpFd] } },
        { logger: silentLogger },
      );
      try {
        await second.ready;
        for (const { protocol, ...bound } of second.addresses) {
          const options = protocol === 'TCP' ? ['+tcp'] : ['+notcp'];
          assert.equal(bound.address, address);
          assert.equal(await dig(bound, '+short', 'web.default.svc.cluster.local', ...options), '10.96.0.5\n', protocol);
        }
      } finally {
        await second.close();
      }
    },
  );
}

function withoutAddress(address: string): string | false {
  const has = Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address) === true);
  return has ? false : `this machine has no ${address}`;
}
