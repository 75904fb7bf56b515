import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { closeDescriptor, libc } from '../libc.ts';
import { openSocket } from '../namespaces/open-socket.ts';
import { decodeSocketAddress } from '../socket-address.ts';
import { originBytes, senderOf, UdpBatch } from './udp-batch.ts';
import { createWakePair, wake, wakerOf } from './waker.ts';

const skip = process.platform === 'linux' ? {} : { skip: 'needs Linux' };

function openServer(address: string): { readonly fd: number; readonly port: number } {
  const fd = openSocket({ type: 'udp', bind: { address, port: 0 } });
  return { fd, port: decodeSocketAddress(libc().getsockname(fd))?.port ?? 0 };
}

describe('batches', skip, () => {
  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    test(`IPv${family}: many datagrams are received at once, each answered to its sender, in its own buffer`, async () => {
      const { fd, port } = openServer(address);
      const batch = new UdpBatch({ fd, family, slots: 8, slotBytes: 64 });
      const clients = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const client = createSocket(family === 4 ? 'udp4' : 'udp6');
          client.connect(port, address);
          await once(client, 'connect');
          return client;
        }),
      );
      const answers = clients.map(async (client) => {
        const [message] = (await once(client, 'message')) as [Buffer];
        return message.toString();
      });
      await Promise.all(clients.map((client, index) => new Promise((sent) => client.send(`query ${index}`, sent))));
      assert.equal(batch.receive(1000), 3);
      for (let slot = 0; slot < 3; slot++) {
        const buffer = batch.buffers[slot];
        assert.ok(buffer !== undefined);
        assert.equal(batch.length(slot), 7);
        assert.equal(batch.source(slot)?.address, address);
        assert.equal(Buffer.from(buffer.subarray(0, 6)).toString(), 'query ');
        buffer.set(Buffer.from('reply '));
        // The one in the middle goes unanswered for now: answers need not be those of the first slots.
        if (slot !== 1) batch.reply(slot, 7);
      }
      assert.equal(batch.flush(), 2);
      batch.reply(1, 7);
      assert.equal(batch.flush(), 1);
      assert.deepEqual((await Promise.all(answers)).sort(), ['reply 0', 'reply 1', 'reply 2']);
      assert.equal(batch.receive(0), 0);
      for (const client of clients) client.close();
      closeDescriptor(fd);
    });
  }

  test('lengths are right again after a round with longer ones, and a datagram beyond the slot is marked', async () => {
    const { fd, port } = openServer('127.0.0.1');
    const batch = new UdpBatch({ fd, family: 4, slots: 2, slotBytes: 16 });
    const client = createSocket('udp4');
    for (const [length, want, isTruncated] of [
      [16, 16, false],
      [3, 3, false],
      [17, 16, true],
      [5, 5, false],
    ] as const) {
      await new Promise((sent) => client.send(Buffer.alloc(length), port, '127.0.0.1', sent));
      assert.equal(batch.receive(1000), 1);
      assert.deepEqual([batch.length(0), batch.isTruncated(0)], [want, isTruncated]);
      assert.notEqual(batch.source(0)?.port, 0);
    }
    client.close();
    closeDescriptor(fd);
  });

  test('a socket for any address answers from the one that was asked', async () => {
    const { fd, port } = openServer('0.0.0.0');
    const batch = new UdpBatch({ fd, family: 4, replyFromArrival: true });
    const client = createSocket('udp4');
    const answer = once(client, 'message');
    await new Promise((sent) => client.send('hello', port, '127.0.0.5', sent));
    assert.equal(batch.receive(1000), 1);
    batch.reply(0, batch.length(0));
    assert.equal(batch.flush(), 1);
    const [, sender] = (await answer) as [Buffer, RemoteInfo];
    assert.equal(sender.address, '127.0.0.5');
    client.close();
    closeDescriptor(fd);
  });

  for (const [family, anyAddress, asked] of [
    [4, '0.0.0.0', '127.0.0.5'],
    [6, '::', '::1'],
  ] as const) {
    test(`IPv${family}: an answer can leave from another batch over the same socket, to the sender and from the address that was asked`, async () => {
      const { fd, port } = openServer(anyAddress);
      const batch = new UdpBatch({ fd, family, replyFromArrival: true });
      const other = new UdpBatch({ fd, family, replyFromArrival: true, slots: 2, slotBytes: 64 });
      const client = createSocket(family === 4 ? 'udp4' : 'udp6');
      const answers: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      client.on('message', (message, sender) => {
        answers.push(`${message.toString()} from ${sender.address}`);
        if (answers.length === 2) resolve();
      });
      const origins: Uint8Array[] = [];
      for (const text of ['a', 'b']) {
        await new Promise((sent) => client.send(text, port, asked, sent));
        assert.equal(batch.receive(1000), 1);
        const origin = new Uint8Array(originBytes);
        origins.push(origin.slice(0, batch.copyOrigin(0, origin)));
      }
      assert.equal(decodeSocketAddress(senderOf(origins[0] ?? new Uint8Array(0)))?.port, client.address().port);
      for (const [slot, origin] of origins.entries()) {
        other.setOrigin(slot, origin);
        other.buffers[slot]?.set(Buffer.from(`answer ${slot}`));
        other.reply(slot, 8);
      }
      assert.equal(other.flush(), 2);
      await promise;
      assert.deepEqual(answers.sort(), [`answer 0 from ${asked}`, `answer 1 from ${asked}`]);
      client.close();
      closeDescriptor(fd);
    });
  }

  test('an answer that cannot be sent is counted and does not hold up the others', async () => {
    const { fd, port } = openServer('127.0.0.1');
    const batch = new UdpBatch({ fd, family: 4, slots: 4, slotBytes: 64 });
    const client = createSocket('udp4');
    for (const text of ['a', 'b']) await new Promise((sent) => client.send(text, port, '127.0.0.1', sent));
    assert.equal(batch.receive(1000), 2);
    // Port 0: EINVAL.
    batch.sourceBytes(0).fill(0, 2, 4);
    const answer = once(client, 'message');
    batch.reply(0, 1);
    batch.reply(1, 1);
    assert.equal(batch.flush(), 1);
    assert.equal(batch.dropped, 1);
    const [message] = (await answer) as [Buffer];
    assert.equal(message.toString(), 'b');
    client.close();
    closeDescriptor(fd);
  });

  test('a wait ends after its time, and at once when woken from another thread', async () => {
    const { fd } = openServer('127.0.0.1');
    const pair = createWakePair();
    const batch = new UdpBatch({ fd, family: 4, waker: wakerOf(pair.waitFd) });
    assert.equal(batch.receive(10), 0);
    const door = new URL('./waker.ts', import.meta.url).href;
    const worker = new Worker(`import('${door}').then(({ wake }) => wake(${pair.wakeFd}));`, { eval: true });
    const start = performance.now();
    assert.equal(batch.receive(20_000), 0);
    assert.ok(performance.now() - start < 10_000);
    wake(pair.wakeFd);
    wake(pair.wakeFd);
    assert.equal(batch.receive(20_000), 0);
    const later = performance.now();
    assert.equal(batch.receive(20), 0);
    assert.ok(performance.now() - later >= 15, 'two wakes count as one');
    await worker.terminate();
    pair.close();
    closeDescriptor(fd);
  });
});
