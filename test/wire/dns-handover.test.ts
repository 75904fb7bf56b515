/** What UDP threads hand over to the main thread: names of elsewhere that nobody remembers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';
import { createForwarder, decodeMessage, encodeMessage, headerFlags, queryMessage, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { namespaceOf, serviceOf } from '../../src/names/sample-objects.ts';
import { openNetlink, RouteSocket } from '../../src/linux/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers } from './dns-harness.ts';
import { isInside } from './linux-harness.ts';

const skip = digSkip;
const names = 2_000;
let elsewhere: DnsServer;
let server: DnsServer;
let port = 0;

const nameOf = (at: number): string => `shop-${at}.www.svc.example.com`;
const queryFor = (id: number, at: number): Uint8Array =>
  encodeMessage(queryMessage(id, `${mustEncodeName(nameOf(at))}\0`, 1, headerFlags.RD));

if (isInside(import.meta.url)) {
  before(async () => {
    const routes = new RouteSocket(openNetlink('route'));
    routes.setUp('lo');
    routes.close();
    const others = handInformers();
    others.namespaces.apply(namespaceOf('www'));
    for (let at = 0; at < names; at++)
      others.services.apply(serviceOf(`www/shop-${at}`, { clusterIPs: [`192.0.${2 + (at >> 8)}.${at & 255}`] }));
    for (const informer of Object.values(others)) informer.finishSync();
    elsewhere = await startDnsServer(
      { source: { informers: others }, clusterDomain: 'example.com', listen: { address: '127.0.0.1', port: 0 }, udpWorkers: 1 },
      { logger: silentLogger },
    );
    await elsewhere.ready;
    const informers = handInformers();
    informers.namespaces.apply(namespaceOf('default'));
    informers.services.apply(serviceOf('web', { clusterIPs: ['10.96.0.5'] }));
    for (const informer of Object.values(informers)) informer.finishSync();
    const [upstream] = elsewhere.addresses;
    assert.ok(upstream !== undefined);
    server = await startDnsServer(
      {
        source: { informers },
        listen: { address: '0.0.0.0', port: 0 },
        udpWorkers: 2,
        forwarder: createForwarder({ upstreams: [upstream] }, { logger: silentLogger }),
      },
      { logger: silentLogger },
    );
    await server.ready;
    port = server.addresses[0]?.port ?? 0;
  });

  after(async () => {
    await server.close();
    await elsewhere.close();
  });

  test('the answer leaves from the address that was asked, also when it comes from elsewhere', { skip }, async () => {
    // dig takes no answer from another address
    assert.equal(await dig({ address: '127.0.0.5', port }, '+short', nameOf(7)), '192.0.2.7\n');
  });

  test('of many thousand queries, hundreds at a time, each gets the answer to its own question', { skip }, async () => {
    const total = 10_000;
    const answers = await askMany(total, 300);
    assert.equal(answers.size, total);
    for (const [id, text] of answers) {
      const at = id % names;
      assert.equal(text, `192.0.${2 + (at >> 8)}.${at & 255}`, nameOf(at));
    }
  });

  test(
    'what the main thread cannot take while it is busy is REFUSED, our own names are answered, and afterwards all is well',
    { skip },
    async () => {
      // This very thread is the server's main thread: it stands still until the client has ended. After each hundred the client waits
      // for a name of ours, so that nothing is lost in a socket.
      const client = `
      const socket = require('node:dgram').createSocket('udp4');
      const [forwarded, own] = ['${hexOf(queryFor(1, 1))}', '${hexOf(ownQuery())}'].map((hex) => Buffer.from(hex, 'hex'));
      const counts = {};
      let rounds = 0;
      const send = () => {
        for (let count = 0; count < 100; count++) socket.send(forwarded, ${port}, '127.0.0.1');
        socket.send(own, ${port}, '127.0.0.1');
      };
      socket.on('message', (bytes) => {
        const key = bytes.readUInt16BE(0) + ':' + (bytes[3] & 15);
        counts[key] = (counts[key] ?? 0) + 1;
        if (!key.startsWith('2:')) return;
        if (++rounds < 80) send();
        else {
          console.log(JSON.stringify(counts));
          socket.close();
        }
      });
      send();`;
      const { stdout } = spawnSync(process.execPath, ['-e', client], { encoding: 'utf8', timeout: 20_000 });
      const counts = JSON.parse(stdout) as Record<string, number>;
      assert.ok((counts['1:5'] ?? 0) > 100, `REFUSED: ${stdout}`);
      assert.equal(counts['2:0'], 80, `our own names: ${stdout}`);
      assert.deepEqual(Object.keys(counts).sort(), ['1:5', '2:0'], 'nothing else can have come');
      assert.equal(await dig({ address: '127.0.0.1', port }, '+short', nameOf(9)), '192.0.2.9\n');
    },
  );
}

/** Asks for `total` names, at most `window` at a time, over several sockets, so that each thread has its share; what came for each id. */
async function askMany(total: number, window: number): Promise<Map<number, string>> {
  const answers = new Map<number, string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = Array.from({ length: 8 }, () => createSocket({ type: 'udp4', recvBufferSize: 2 ** 20 }));
  let sent = 0;
  const sendNext = (): void => {
    if (sent === total) return;
    const id = sent++;
    sockets[id % sockets.length]?.send(queryFor(id, id % names), port, '127.0.0.1');
  };
  for (const socket of sockets)
    socket.on('message', (bytes) => {
      const { id, answers: records } = decodeMessage(bytes);
      answers.set(id, records.map(({ data }) => data.join('.')).join());
      if (answers.size === total) resolve();
      sendNext();
    });
  for (let count = 0; count < window; count++) sendNext();
  const timer = setTimeout(resolve, 30_000);
  await promise;
  clearTimeout(timer);
  for (const socket of sockets) socket.close();
  return answers;
}

function ownQuery(): Uint8Array {
  return encodeMessage(queryMessage(2, `${mustEncodeName('web.default.svc.cluster.local')}\0`, 1, headerFlags.RD));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
