import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { connectUdp } from './connected-udp.ts';

const skip = process.platform === 'linux' ? {} : { skip: 'needs Linux' };

async function serverAt(address: string): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

/** Numbers of this process's open descriptors. */
function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('connected UDP', skip, () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`${address}: what is sent arrives, and all answers are read, whatever their number and length`, async () => {
      const { socket, port } = await serverAt(address);
      socket.on('message', (message, client: RemoteInfo) => {
        const [count = 0, length = 0] = message.toString().split(' ').map(Number);
        for (let index = 0; index < count; index++) socket.send(Buffer.alloc(length, index), client.port, client.address);
      });
      const seen: number[][] = [];
      let awaited = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      const line = connectUdp(
        { address, port },
        {
          onDatagram: (bytes) => {
            seen.push([bytes.length, bytes[0] ?? -1, bytes.at(-1) ?? -1]);
            if (seen.length === awaited) resolve();
          },
          onError: (error) => assert.fail(error),
        },
      );
      // more than are read in one turn, an empty one, and a long one
      const asked = [
        [100, 40],
        [1, 0],
        [3, 40_000],
      ] as const;
      awaited = 104;
      for (const [count, length] of asked) line.send(Buffer.from(`${count} ${length}`));
      await promise;
      const want = asked.flatMap(([count, length]) =>
        Array.from({ length: count }, (_, index) => (length === 0 ? [0, -1, -1] : [length, index, index])),
      );
      const sorted = (all: readonly number[][]): string[] => all.map((each) => each.join()).sort();
      assert.deepEqual(sorted(seen), sorted(want));
      line.close();
      socket.close();
    });
  }

  test('datagrams of anybody else are not seen', async () => {
    const [{ socket, port }, stranger] = await Promise.all([serverAt('127.0.0.1'), serverAt('127.0.0.1')]);
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = connectUdp(
      { address: '127.0.0.1', port },
      {
        onDatagram: (bytes) => {
          seen.push(Buffer.from(bytes).toString());
          resolve();
        },
        onError: (error) => assert.fail(error),
      },
    );
    const asked = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>;
    line.send(Buffer.from('?'));
    const [, client] = await asked;
    await new Promise((sent) => stranger.socket.send('forged', client.port, client.address, sent));
    socket.send('true', client.port, client.address);
    await promise;
    assert.deepEqual(seen, ['true']);
    line.close();
    socket.close();
    stranger.socket.close();
  });

  test('that nobody listens there is told once, and the descriptor is given back', async () => {
    const { socket, port } = await serverAt('127.0.0.1');
    await new Promise<void>((closed) => socket.close(closed));
    const before = openDescriptors();
    const errors: Error[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = connectUdp(
      { address: '127.0.0.1', port },
      {
        onDatagram: () => assert.fail('from nobody'),
        onError: (error) => {
          errors.push(error);
          resolve();
        },
      },
    );
    for (let count = 0; count < 3; count++) line.send(Buffer.from('?'));
    await promise;
    line.send(Buffer.from('?'));
    line.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(errors.length, 1);
    assert.match(errors[0]?.message ?? '', /ECONNREFUSED/);
    assert.equal(openDescriptors(), before);
  });

  test('what was sent before it is closed arrives, and closing in the middle of an answer ends the reading', async () => {
    const { socket, port } = await serverAt('127.0.0.1');
    const asked: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('message', (message, client: RemoteInfo) => {
      asked.push(message.length);
      if (message.length === 1) for (let count = 0; count < 10; count++) socket.send('answer', client.port, client.address);
      if (message.length === 2_000) resolve();
    });
    let seen = 0;
    const { promise: answered, resolve: seeAnswer } = Promise.withResolvers<void>();
    const line = connectUdp(
      { address: '127.0.0.1', port },
      {
        onDatagram: () => {
          seen++;
          for (const length of [2, 3, 2_000]) line.send(Buffer.alloc(length));
          line.close();
          line.close();
          line.send(Buffer.alloc(4));
          seeAnswer();
        },
        onError: (error) => assert.fail(error),
      },
    );
    line.send(Buffer.alloc(1));
    await Promise.all([promise, answered]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(seen, 1);
    assert.deepEqual(
      asked.sort((a, b) => a - b),
      [1, 2, 3, 2_000],
    );
    socket.close();
  });
});
