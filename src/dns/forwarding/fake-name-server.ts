/** A name server elsewhere, for tests. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { decodeMessage, encodeMessage } from '../wire/message.ts';
import type { Message } from '../wire/message.ts';
import type { UpstreamAddress } from './upstream-line.ts';

/** A name server on loopback, UDP and TCP, that answers as the test says; undefined: it stays silent. */
export class FakeServer {
  readonly #answer: (query: Message, isTcp: boolean) => Message | undefined;
  readonly #closers: (() => void)[] = [];
  asked = 0;
  to: UpstreamAddress = { address: '127.0.0.1', port: 0 };

  constructor(answer: (query: Message, isTcp: boolean) => Message | undefined) {
    this.#answer = answer;
  }

  async start(): Promise<this> {
    const server = createServer((socket) => {
      this.#closers.push(() => socket.destroy());
      let received: Buffer = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0);
          const reply = this.#reply(received.subarray(2, end), true);
          received = received.subarray(end);
          if (reply !== undefined) socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = server.address() as AddressInfo;
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind({ address: '127.0.0.1', port }, resolve));
    socket.on('message', (datagram, client) => {
      const reply = this.#reply(datagram, false);
      if (reply !== undefined) socket.send(reply, client.port, client.address);
    });
    this.#closers.push(
      () => server.close(),
      () => socket.close(),
    );
    this.to = { address: '127.0.0.1', port };
    after(() => this.close());
    return this;
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }

  #reply(bytes: Uint8Array, isTcp: boolean): Uint8Array | undefined {
    const query = decodeMessage(bytes);
    if (query.questions[0]?.name !== '\0') this.asked++;
    const answer = this.#answer(query, isTcp);
    return answer === undefined ? undefined : encodeMessage(answer);
  }
}
