/**
 * TCP (RFC 7766): messages with a two-byte length before each, as many on a connection as the client likes, answered as soon
 * as each is ready, in any order.
 */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import { maxMessageBytes } from '../wire/protocol.ts';

/** Where to listen: an address of this machine, or a listening socket that someone else made. */
export type TcpEndpoint =
  | { readonly fd: number }
  | {
      readonly address: string;
      readonly port: number;
      /** Others may bind the same place, and get a share of the clients. */
      readonly isShared?: boolean;
    };

/** What a connection may take of a client's patience, and the reverse. Defaults are CoreDNS's. */
export interface TcpTimeouts {
  /** From accept to the first query. Default 3 s. */
  readonly firstQueryMs?: number;
  /** Between queries. Default 10 s. */
  readonly idleMs?: number;
  /** For a client to take what it asked for. Default 5 s. */
  readonly writeMs?: number;
}

/** What a handler knows of the connection. */
export interface StreamClient {
  readonly address: string;
  readonly port: number;
}

/** Like a datagram handler; several messages in answer (a zone transfer) come as an array. */
export type StreamHandler = (packet: Uint8Array, length: number, client: StreamClient) => number | Promise<readonly Uint8Array[]>;

/** One listening socket and its connections. */
export class TcpService {
  readonly #server: Server;
  readonly #endpoint: TcpEndpoint;
  readonly #handler: StreamHandler;
  readonly #logger: Logger;
  readonly #timeouts: Required<TcpTimeouts>;
  /** Each with a function that ends it once its answers under way have left. */
  readonly #connections = new Map<Socket, () => void>();
  /** Where a query is read to and answered. Free again before the next one: answers are copied out. */
  readonly #packet = new Uint8Array(maxMessageBytes);
  /** The answers to what came in one piece, which leave in one piece. Empty between two pieces. */
  #staged: Buffer = Buffer.allocUnsafeSlow(stagedBytes);
  #stagedBytes = 0;
  /** Buffers of the same size whose bytes have left. */
  readonly #spare: Buffer[] = [];

  constructor(
    options: { readonly endpoint: TcpEndpoint; readonly handler: StreamHandler; readonly timeouts?: TcpTimeouts },
    { logger }: { readonly logger: Logger },
  ) {
    this.#endpoint = options.endpoint;
    this.#handler = options.handler;
    this.#logger = logger;
    this.#timeouts = { firstQueryMs: 3_000, idleMs: 10_000, writeMs: 5_000, ...options.timeouts };
    // allowHalfOpen: a client that has sent its last query may close its side and still wants its answers.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when connections are taken. Rejects with the system's error when the address cannot be bound. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    if ('fd' in this.#endpoint) this.#server.listen({ fd: this.#endpoint.fd }, resolve);
    else {
      const { address, port, isShared = false } = this.#endpoint;
      this.#server.listen({ host: address, port, ipv6Only: true, reusePort: isShared }, resolve);
    }
    await promise;
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#logger.warn({ err: error }, 'tcp listener failed'));
  }

  get address(): { readonly address: string; readonly port: number } {
    const address = this.#server.address();
    return address === null || typeof address === 'string'
      ? { address: '', port: 0 }
      : { address: address.address, port: address.port };
  }

  /** Stops listening, lets answers under way leave, and ends every connection within `graceMs`. */
  async close(graceMs = 5_000): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const finish of this.#connections.values()) finish();
    const timer = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, graceMs);
    await promise;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const connection = { received: new Uint8Array(0), pending: 0, isEnding: false };
    const endIfDone = (): void => {
      if (connection.isEnding && connection.pending === 0) socket.end();
    };
    const finish = (): void => {
      connection.isEnding = true;
      endIfDone();
    };
    this.#connections.set(socket, finish);
    socket.setTimeout(this.#timeouts.firstQueryMs);
    socket.on('timeout', () => socket.destroy());
    socket.on('error', (error) => this.#logger.debug({ problem: messageOf(error) }, 'connection failed'));
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('end', finish);
    // A client that asks without reading fills our memory: we stop listening to it until it does, or time runs out.
    socket.on('drain', () => {
      socket.setTimeout(this.#timeouts.idleMs);
      socket.resume();
    });
    socket.on('data', (chunk: Buffer) => {
      socket.setTimeout(this.#timeouts.idleMs);
      const bytes = connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
      let at = 0;
      while (bytes.length - at >= 2) {
        const length = bytes.readUInt16BE(at);
        if (bytes.length - at - 2 < length) break;
        this.#packet.set(bytes.subarray(at + 2, at + 2 + length));
        at += 2 + length;
        const answer = this.#handler(this.#packet, length, client);
        if (typeof answer === 'number') {
          if (answer > 0) this.#stage(socket, this.#packet.subarray(0, answer));
          continue;
        }
        connection.pending++;
        void answer.then((messages) => {
          connection.pending--;
          for (const message of messages) this.#stage(socket, message);
          this.#flush(socket);
          endIfDone();
        });
      }
      this.#flush(socket);
      connection.received = new Uint8Array(bytes.subarray(at));
    });
  }

  #stage(socket: Socket, message: Uint8Array): void {
    if (this.#stagedBytes + 2 + message.length > this.#staged.length) this.#flush(socket);
    const at = this.#stagedBytes;
    this.#staged.writeUInt16BE(message.length, at);
    this.#staged.set(message, at + 2);
    this.#stagedBytes = at + 2 + message.length;
  }

  #flush(socket: Socket): void {
    const bytes = this.#stagedBytes;
    this.#stagedBytes = 0;
    if (bytes === 0 || !socket.writable) return;
    if (this.#send(socket, bytes)) return;
    socket.pause();
    socket.setTimeout(this.#timeouts.writeMs);
  }

  /** Sends what is staged: a little as a copy of its own, for a slow client may keep it long; much as it is. False when the client takes no more. */
  #send(socket: Socket, bytes: number): boolean {
    const staged = this.#staged;
    if (bytes < worthHandingOver) return socket.write(Buffer.copyBytesFrom(staged, 0, bytes));
    this.#staged = this.#spare.pop() ?? Buffer.allocUnsafeSlow(stagedBytes);
    return socket.write(staged.subarray(0, bytes), () => {
      if (this.#spare.length < mostSpare) this.#spare.push(staged);
    });
  }
}

/** Room for two of the longest messages. */
const stagedBytes = 2 * (2 + maxMessageBytes);
const worthHandingOver = 16 * 1024;
const mostSpare = 8;
