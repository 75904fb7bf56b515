import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';
import {
  createDnsMetrics,
  createForwarder,
  decodeMessage,
  encodeMessage,
  headerFlags,
  queryMessage,
  startDnsServer,
} from '../../src/dns/index.ts';
import type { DnsMetrics, DnsServer } from '../../src/dns/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers, headerOf } from './dns-harness.ts';

const skip = process.platform === 'linux' ? digSkip : 'needs Linux';
const loopback = { address: '127.0.0.1', port: 0 };
const informers = handInformers();
const elsewhereInformers = handInformers();
let elsewhere: DnsServer;
let server: DnsServer;
let metrics: DnsMetrics;
let at = loopback;

before(async () => {
  if (skip !== false) return;
  elsewhereInformers.namespaces.apply(namespaceOf('www'));
  elsewhereInformers.services.apply(serviceOf('www/shop', { clusterIPs: ['192.0.2.80'] }));
  for (const informer of Object.values(elsewhereInformers)) informer.finishSync();
  elsewhere = await startDnsServer(
    { source: { informers: elsewhereInformers }, clusterDomain: 'example.com', listen: loopback },
    { logger: silentLogger },
  );
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(
    serviceOf('web', { clusterIPs: ['10.96.0.5'] }),
    headlessOf('flip'),
    serviceOf('shop', { type: 'ExternalName', externalName: 'shop.www.svc.example.com' }),
  );
  informers.endpointSlices.apply(sliceOf('flip', ['10.1.0.1', '10.1.0.2']));
  metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => performance.now() / 1000 });
  server = await startDnsServer(
    {
      source: { informers },
      listen: loopback,
      udpWorkers: 2,
      observer: metrics,
      forwarder: createForwarder({ upstreams: [elsewhere.addresses[0] ?? loopback] }, { logger: silentLogger }),
    },
    { logger: silentLogger },
  );
  at = server.addresses[0] ?? loopback;
});

after(async () => {
  if (skip !== false) return;
  await server.close();
  await elsewhere.close();
});

test('threads say SERVFAIL until the objects are read, then answer, with the serial of the main thread', { skip }, async () => {
  assert.match(headerOf(await dig(at, 'gone.default.svc.cluster.local')), /^SERVFAIL/);
  for (const informer of Object.values(informers)) informer.finishSync();
  await server.ready;
  for (let index = 0; index < 8; index++) {
    assert.match(headerOf(await dig(at, 'gone.default.svc.cluster.local')), /^NXDOMAIN/);
    assert.equal(await dig(at, '+short', 'web.default.svc.cluster.local'), '10.96.0.5\n');
    const soa = await dig(at, '+short', 'SOA', 'cluster.local');
    assert.ok(soa.includes(` ${server.index.serial} `), soa);
  }
});

test('ready is when the threads answer, not when the objects are read', { skip }, async () => {
  const second = await startDnsServer({ source: { informers }, listen: loopback, udpWorkers: 1 }, { logger: silentLogger });
  // all that needs no turn of the event loop has happened, and a thread does not start without one
  for (let count = 0; count < 100; count++) await Promise.resolve();
  assert.equal(second.isReady, false);
  await second.ready;
  assert.equal(second.isReady, true);
  await second.close();
});

test('what a thread cannot answer comes from the upstream all the same', { skip }, async () => {
  assert.equal(await dig(at, '+short', 'shop.www.svc.example.com'), '192.0.2.80\n');
  assert.equal(await dig(at, '+short', 'shop.default.svc.cluster.local'), 'shop.www.svc.example.com.\n192.0.2.80\n');
});

test('under load and change every query is answered, with all of the old or all of the new', { skip }, async () => {
  const socket = createSocket('udp4');
  const answers: string[] = [];
  socket.on('message', (bytes) => {
    const message = decodeMessage(bytes);
    answers.push(
      message.answers
        .map(({ data }) => data.join('.'))
        .sort()
        .join(' '),
    );
  });
  const query = encodeMessage(queryMessage(1, `${mustEncodeName('flip.default.svc.cluster.local')}\0`, 1, headerFlags.RD));
  const total = 2_000;
  const deadline = Date.now() + 30_000;
  // Never more under way than any socket buffer holds: what is lost then is lost by the server.
  const answeredUpTo = async (count: number): Promise<void> => {
    while (answers.length < count && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  };
  for (let sent = 0; sent < total; sent++) {
    socket.send(query, at.port, at.address);
    if (sent % 10 !== 0) continue;
    const set = (sent / 10) % 2 === 0 ? ['10.2.0.1', '10.2.0.2', '10.2.0.3'] : ['10.1.0.1', '10.1.0.2'];
    informers.endpointSlices.apply(sliceOf('flip', set));
    await answeredUpTo(sent - 60);
  }
  await answeredUpTo(total);
  socket.close();
  assert.equal(answers.length, total);
  assert.deepEqual([...new Set(answers)].sort(), ['10.1.0.1 10.1.0.2', '10.2.0.1 10.2.0.2 10.2.0.3']);
});

test('threads count where the metrics see it', { skip }, async () => {
  const count = Number(/coredns_dns_requests_total\{.*proto="udp",family="1",type="A"\} (\d+)/.exec(metrics.render())?.[1]);
  assert.ok(count >= 2_000, `${count} counted`);
});

test('a thread that dies is replaced by one that knows as much; queries meanwhile wait', { skip }, async () => {
  const serial = await dig(at, '+short', 'SOA', 'cluster.local');
  await server.crashThreads();
  // asked while nobody answers: the socket keeps it
  assert.equal(await dig(at, '+short', 'web.default.svc.cluster.local'), '10.96.0.5\n');
  for (let index = 0; index < 8; index++) {
    assert.match(headerOf(await dig(at, 'gone.default.svc.cluster.local')), /^NXDOMAIN/);
    assert.equal(await dig(at, '+short', 'SOA', 'cluster.local'), serial);
  }
  assert.equal(server.threadRestarts, 2);
});
