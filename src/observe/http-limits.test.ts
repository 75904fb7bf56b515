import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, test } from 'node:test';
import { limitHttp } from './http-limits.ts';
import type { HttpLimits } from './http-limits.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(limits: HttpLimits, body = 'ok'): Promise<number> {
  const server = createServer((_request, response) => response.end(body));
  limitHttp(server, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function ask(port: number): Promise<number | undefined> {
  const request = get({ host: '127.0.0.1', port, agent: false });
  const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

test('a probe is answered beside more silent clients than may be connected, of which the oldest go', async () => {
  const port = await listen({ most: 8 });
  const sockets: Socket[] = [];
  const closed: number[] = [];
  for (let at = 0; at < 20; at++) {
    const socket = await open(port);
    socket.once('close', () => closed.push(at));
    socket.resume();
    sockets.push(socket);
  }
  assert.equal(await ask(port), 200);
  while (closed.length < 12) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(
    closed.slice(0, 12).every((at) => at <= 12),
    `closed: ${closed.join(' ')}`,
  );
});

test('a client that says nothing, or does not take its answer, is let go', async () => {
  const port = await listen({ idleMs: 200 }, 'x'.repeat(32 * 1024 * 1024));
  const silent = await open(port);
  silent.resume();
  const deaf = await open(port);
  deaf.pause();
  deaf.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(silent, 'close');
  await new Promise((resolve) => setTimeout(resolve, 600));
  let bytes = 0;
  deaf.on('data', (chunk: Buffer) => (bytes += chunk.length));
  deaf.resume();
  await once(deaf, 'close');
  assert.ok(bytes < 32 * 1024 * 1024, `${bytes} bytes came`);
});
