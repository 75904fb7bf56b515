import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { silentLogger } from '../observe/index.ts';
import { EchoServer } from './echo-server.ts';
import type { PodNetwork } from './runtime.ts';

/** Loopback in place of a pod's namespace; remembers what port 0 became. */
function loopback(): PodNetwork & { port(): number; udpPort(): number } {
  let server: Server | undefined;
  const udp = createSocket('udp4');
  return {
    addresses: ['127.0.0.1'],
    namespacePath: '',
    listenTcp: async (given) => {
      server = given;
      given.listen(0, '127.0.0.1');
      await once(given, 'listening');
    },
    openUdp: async () => {
      udp.bind(0, '127.0.0.1');
      await once(udp, 'listening');
      return udp;
    },
    dial: () => Promise.reject(new Error('not needed')),
    port: () => (server?.address() as AddressInfo | null)?.port ?? 0,
    udpPort: () => udp.address().port,
  };
}

const identity = { pod: 'web-0', namespace: 'ns', node: 'node-1', hostname: 'web-0', podIPs: ['127.0.0.1'] };
const line = 'pod web-0 node node-1 client 127.0.0.1\n';

function start(network: PodNetwork, lines: string[] = []): EchoServer {
  return new EchoServer(
    {
      identity,
      network,
      ports: [
        { port: 1, protocol: 'TCP' },
        { port: 1, protocol: 'UDP' },
      ],
      wildcard: '127.0.0.1',
      log: (text) => lines.push(text),
    },
    { logger: silentLogger },
  );
}

describe('the echo server', () => {
  const network = loopback();
  const lines: string[] = [];
  const server = start(network, lines);
  before(() => server.start());
  after(() => server.close());

  test('names itself at the first bytes, then echoes', async () => {
    const socket = connect(network.port());
    socket.write('one');
    assert.equal(await readUntil(socket, 'one'), `${line}one`);
    socket.write('two');
    assert.equal(await readUntil(socket, 'two'), 'two');
    socket.end();
    await once(socket, 'close');
    assert.match(lines.at(-1) ?? '', /^TCP from 127\.0\.0\.1 port \d+$/);
  });

  test('names itself to a client that sends nothing and closes', async () => {
    const socket = connect(network.port());
    socket.end();
    assert.equal(await readAll(socket), line);
  });

  test('speaks HTTP, kept alive, even when the request comes in pieces', async () => {
    const socket = connect(network.port());
    socket.write('GE');
    await new Promise((resolve) => setImmediate(resolve));
    socket.write('T /hostname HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(await readUntil(socket, 'web-0'), /^HTTP\/1\.1 200 OK\r\n/);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(await readUntil(socket, line), /^HTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
  });

  test('lives on whatever path and query it is asked', async () => {
    const targets = [
      '//',
      '//[',
      '/redirect?location=%0d%0a',
      '/redirect?location=%E2%82%AC',
      '/echo?code=204&msg=x',
      '/redirect?code=304',
    ];
    for (const target of targets) {
      const socket = connect(network.port());
      socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      assert.match(await readAll(socket), /^HTTP\/1\.1 [23]\d\d /, target);
    }
  });

  test('answers datagrams', async () => {
    const socket = createSocket('udp4');
    socket.send('hostname', network.udpPort(), '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    assert.equal(answer.toString(), 'web-0');
  });
});

test('a drain accepts for a while, then waits for what is open', async () => {
  const network = loopback();
  const server = start(network);
  await server.start();
  const port = network.port();
  const held = connect(port);
  held.write('x');
  await readUntil(held, 'x');
  const idleHttp = connect(port);
  idleHttp.write('GET /hostname HTTP/1.1\r\nhost: x\r\n\r\n');
  await readUntil(idleHttp, 'web-0');
  const idleClosed = once(idleHttp, 'close');
  let isDrained = false;
  const drained = server.drain(100, new AbortController().signal).then(() => {
    isDrained = true;
  });
  const late = connect(port);
  late.end('late');
  assert.equal(await readAll(late), `${line}late`);
  await idleClosed;
  const refused = connect(port);
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  assert.equal(isDrained, false);
  held.end();
  await drained;
});

test('a drain ends at once when it is cut short', async () => {
  const network = loopback();
  const server = start(network);
  await server.start();
  const held = connect(network.port());
  held.on('error', () => undefined);
  held.write('x');
  await readUntil(held, 'x');
  const controller = new AbortController();
  const drained = server.drain(60_000, controller.signal);
  controller.abort();
  await drained;
  await once(held, 'close');
});

async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = '';
  while (!text.endsWith(end)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString();
  }
  return text;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
