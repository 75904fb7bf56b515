/** UDP: datagrams in, answers out, over Node's dgram. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../observe/index.ts';
import { maxMessageBytes, maxUdpPacketBytes } from '../wire/protocol.ts';

/** Where to answer from: an address of this machine, or a socket that someone else made and bound (perhaps in another network namespace). */
export type UdpEndpoint =
  | { readonly fd: number; readonly family?: 'IPv4' | 'IPv6' }
  | {
      readonly address: string;
      readonly port: number;
      /** Others may bind the same place, and get a share of the clients. */
      readonly isShared?: boolean;
    };

/**
 * Answers one datagram in place: `packet[0, length)` is the query, the rest of the packet is room for the answer. Returns
 * the answer's length, 0 to say nothing, or a promise of an answer of its own when it needs others.
 */
export type DatagramHandler = (
  packet: Uint8Array,
  length: number,
  client: RemoteInfo,
) => number | Promise<Uint8Array | undefined>;

/** One UDP socket and its answers. */
export class UdpService {
  readonly #socket: Socket;
  readonly #endpoint: UdpEndpoint;
  readonly #handler: DatagramHandler;
  readonly #logger: Logger;
  /** Packets not in use. A packet is in use from the datagram's arrival until the kernel has taken its answer. */
  readonly #free: Uint8Array[] = [];
  #isClosed = false;
  /** Datagrams so far, and queries whose answer is not sent yet. */
  #received = 0;
  #pending = 0;

  constructor(
    options: { readonly endpoint: UdpEndpoint; readonly handler: DatagramHandler },
    { logger }: { readonly logger: Logger },
  ) {
    const { endpoint } = options;
    this.#endpoint = endpoint;
    this.#handler = options.handler;
    this.#logger = logger;
    // With a descriptor the family must be known before: a v4 socket object cannot send to v6 addresses.
    const isV6 = 'fd' in endpoint ? endpoint.family === 'IPv6' : endpoint.address.includes(':');
    // A v6 socket that also took v4 would keep the v4 port from its own socket.
    this.#socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      reusePort: 'isShared' in endpoint && endpoint.isShared === true,
    });
  }

  /** Resolves when datagrams are taken. Rejects with the system's error when the address cannot be bound. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.once('error', reject);
    if ('fd' in this.#endpoint) this.#socket.bind({ fd: this.#endpoint.fd }, resolve);
    else this.#socket.bind({ address: this.#endpoint.address, port: this.#endpoint.port }, resolve);
    await promise;
    this.#socket.off('error', reject);
    this.#socket.on('error', (error) => this.#logger.warn({ err: error }, 'udp socket failed'));
    this.#socket.on('message', (datagram, client) => this.#receive(datagram, client));
  }

  get address(): { readonly address: string; readonly port: number } {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  /** Answers what has arrived, for `graceMs` at most, and closes the socket. */
  async close(graceMs = 5_000): Promise<void> {
    if (this.#isClosed) return;
    const untilMs = performance.now() + graceMs;
    for (let before = -1; (before !== this.#received || this.#pending > 0) && performance.now() < untilMs;) {
      before = this.#received;
      // a turn of the event loop takes in what waits in the socket; answers of others come when they come
      await (this.#pending > 0 ? sleep(5) : nextTurn());
    }
    this.#isClosed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.close(resolve);
    await promise;
  }

  #receive(datagram: Uint8Array, client: RemoteInfo): void {
    this.#received++;
    const packet = this.#free.pop() ?? new Uint8Array(maxUdpPacketBytes);
    packet.set(datagram.length > maxUdpPacketBytes ? datagram.subarray(0, maxUdpPacketBytes) : datagram);
    const answer = this.#handler(packet, Math.min(datagram.length, maxUdpPacketBytes), client);
    if (typeof answer === 'number') {
      if (answer > 0) this.#send(packet, answer, client);
      else this.#free.push(packet);
      return;
    }
    this.#free.push(packet);
    this.#pending++;
    void answer.then((message) => {
      this.#pending--;
      if (message !== undefined && !this.#isClosed) this.#sendOwn(message, client);
    });
  }

  #send(packet: Uint8Array, length: number, client: RemoteInfo): void {
    this.#socket.send(packet, 0, length, client.port, client.address, (error) => {
      this.#free.push(packet);
      if (error !== null) this.#logger.debug({ err: error }, 'answer not sent');
    });
  }

  #sendOwn(message: Uint8Array, client: RemoteInfo): void {
    this.#socket.send(message, 0, Math.min(message.length, maxMessageBytes), client.port, client.address, (error) => {
      if (error !== null) this.#logger.debug({ err: error }, 'answer not sent');
    });
  }
}
