/** A server that stops answers what has arrived: nobody who asked in time waits in vain. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMessage, emptyAnswer, encodeMessage, headerFlags, queryMessage, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer, Forwarder } from '../../src/dns/index.ts';
import { mustEncodeName } from '../../src/names/index.ts';
import { namespaceOf, serviceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { until } from './cluster-harness.ts';
import { handInformers } from './dns-harness.ts';

/** An upstream that takes its time. */
const slow: Forwarder = {
  async forward(query) {
    await sleep(300);
    return emptyAnswer(query, 0);
  },
  close: async () => undefined,
};

async function start(udpWorkers: number): Promise<DnsServer> {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(serviceOf('web', { clusterIPs: ['10.96.0.5'] }));
  for (const informer of Object.values(informers)) informer.finishSync();
  const server = await startDnsServer(
    { source: { informers }, listen: { address: '127.0.0.1', port: 0 }, udpWorkers, forwarder: slow },
    { logger: silentLogger },
  );
  await server.ready;
  return server;
}

const query = (id: number, name: string): Uint8Array =>
  encodeMessage(queryMessage(id, `${mustEncodeName(name)}\0`, 1, headerFlags.RD));
const own = 'web.default.svc.cluster.local';

for (const udpWorkers of process.platform === 'linux' ? [1, 0] : [0]) {
  const how = udpWorkers === 0 ? 'on the main thread' : 'in a thread';
  test(`${how}: what waits in the socket, and what waits for others, is answered before the socket closes`, async () => {
    const server = await start(udpWorkers);
    const port = server.addresses[0]?.port ?? 0;
    const socket = createSocket('udp4');
    const answered = new Set<number>();
    socket.on('message', (bytes) => answered.add(decodeMessage(bytes).id));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const total = 60;
    const sent = Array.from(
      { length: total },
      (_, id) =>
        new Promise((resolve) => socket.send(query(id, id % 10 === 0 ? `${id}.example` : own), port, '127.0.0.1', resolve)),
    );
    // all are in the kernel's hands, which on loopback means: in the server's socket
    await Promise.all(sent);
    await server.close();
    await until('every query is answered', () => answered.size === total);
    socket.close();
  });
}

test('over TCP an answer under way leaves, new connections are refused, and an idle client does not keep it', async () => {
  const server = await start(0);
  const at = server.addresses.find(({ protocol }) => protocol === 'TCP');
  const [asking, idle] = [connect(at?.port ?? 0, '127.0.0.1'), connect(at?.port ?? 0, '127.0.0.1')];
  idle.on('error', () => undefined);
  const received: Buffer[] = [];
  asking.on('data', (chunk: Buffer) => received.push(chunk));
  await Promise.all([once(asking, 'connect'), once(idle, 'connect')]);
  const bytes = query(1, 'www.example');
  asking.write(Uint8Array.of(0, bytes.length, ...bytes));
  await sleep(50);
  const startedMs = performance.now();
  await server.close();
  assert.ok(performance.now() - startedMs < 6_000, 'within its five seconds');
  await until('the answer has come', () => received.length > 0);
  const refused = connect(at?.port ?? 0, '127.0.0.1');
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});
