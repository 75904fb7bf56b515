/**
 * UDP in batches: up to `slots` datagrams with one system call, each answered in the buffer that it came in. Everything is
 * allocated once; a datagram leaves no garbage. Blocks its thread while it waits, so it is for a Worker.
 *
 * All memory is one block whose structures point into itself (64-bit Linux):
 *
 *     struct mmsghdr (64 bytes): name *, name length u32, -, iovec *, iovec count, control *, control length, flags, length u32, -
 *     struct iovec   (16 bytes): base *, length
 *
 *     | receive headers | receive iovecs | reply templates | reply iovecs | send headers | names | controls | datagrams |
 */
import {
  IPV6_RECVPKTINFO,
  IP_PKTINFO,
  MSG_DONTWAIT,
  SOL_IP,
  SOL_IPV6,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
  intOption,
} from '../constants.ts';
import { LinuxError } from '../errors.ts';
import { libc } from '../libc.ts';
import { decodeSocketAddress } from '../socket-address.ts';
import type { Waker } from './waker.ts';

export interface UdpBatchOptions {
  /** A bound UDP descriptor, non-blocking. The caller closes it. */
  readonly fd: number;
  readonly family: 4 | 6;
  /** Datagrams per system call. Default 64. */
  readonly slots?: number;
  /** Largest datagram, received or sent. Default 4096. */
  readonly slotBytes?: number;
  /** Answers leave from the address that the question came to, also on a socket bound to any address. Costs some 5 %. */
  readonly replyFromArrival?: boolean;
  /** Ends a wait early. */
  readonly waker?: Waker;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
}

const HEADER_BYTES = 64;
const HEADER = {
  NAME: 0,
  NAME_LENGTH: 8,
  IOVEC: 16,
  IOVEC_COUNT: 24,
  CONTROL: 32,
  CONTROL_LENGTH: 40,
  FLAGS: 48,
  LENGTH: 56,
} as const;
const IOVEC_BYTES = 16;
const NAME_BYTES = 32;
/** Room for one IP_PKTINFO (28, padded) or IPV6_PKTINFO (36, padded). */
const CONTROL_BYTES = 64;
const CONTROL_HEADER_BYTES = 16;
const ORIGIN_HEAD_BYTES = 2;
const MSG_TRUNC = 0x20;
const POLL_IN = 1;
const POLL_OUT = 4;
/** How long to wait for room in the send buffer before answers are dropped, as the network would. */
const SEND_PATIENCE_MS = 5;

/** Room for any origin (`copyOrigin`). */
export const originBytes = ORIGIN_HEAD_BYTES + NAME_BYTES + CONTROL_BYTES;

/** The sender's sockaddr in an origin. */
export function senderOf(origin: Uint8Array): Uint8Array {
  return origin.subarray(ORIGIN_HEAD_BYTES, ORIGIN_HEAD_BYTES + (origin[0] ?? 0));
}

/** Receives and sends many datagrams with one system call each, in buffers that are made once (recvmmsg, sendmmsg). */
export class UdpBatch {
  readonly slots: number;
  /** The whole buffer of each slot: a received datagram at its start, its length from `length`. */
  readonly buffers: readonly Uint8Array[];
  /** Answers that the kernel refused or had no room for. */
  dropped = 0;
  /** Why it refused the last of those of the last `flush`; undefined when it refused none. */
  refusal: LinuxError | undefined;

  readonly #fd: number;
  readonly #isV6: boolean;
  readonly #waker: Waker | undefined;
  readonly #hasControl: boolean;
  readonly #memory: Uint8Array;
  readonly #words: Uint32Array;
  readonly #received: Uint8Array;
  readonly #sent: Uint8Array[];
  readonly #polled = new Uint8Array(16);
  readonly #at: Layout;
  #count = 0;
  #queued = 0;

  constructor(options: UdpBatchOptions) {
    const { fd, family, slots = 64, slotBytes = 4096, replyFromArrival = false, waker } = options;
    this.slots = slots;
    this.#fd = fd;
    this.#isV6 = family === 6;
    this.#waker = waker;
    this.#hasControl = replyFromArrival;
    this.#at = layOut(slots, (slotBytes + 7) & ~7);
    const block = new ArrayBuffer(this.#at.total);
    this.#memory = new Uint8Array(block);
    this.#words = new Uint32Array(block);
    this.#received = this.#memory.subarray(this.#at.receive, this.#at.receiveIovecs);
    // A view for each place where a partly sent batch may have to go on.
    this.#sent = Array.from({ length: slots }, (_, index) =>
      this.#memory.subarray(this.#at.send + index * HEADER_BYTES, this.#at.names),
    );
    this.buffers = Array.from({ length: slots }, (_, slot) => {
      const start = this.#at.datagrams + slot * this.#at.slotBytes;
      return this.#memory.subarray(start, start + slotBytes);
    });
    this.#point(slotBytes);
    this.#setOptions(options);
  }

  /**
   * Takes what has arrived, waiting up to `timeoutMs` if there is nothing (-1: for ever). Answers the number of datagrams, in
   * slots 0 to n-1; 0 after the time or a wake-up. Unsent answers of the last round are lost: `flush` before.
   */
  receive(timeoutMs: number): number {
    this.#queued = 0;
    this.#resetHeaders();
    let count = this.#receiveNow();
    if (count === 0 && timeoutMs !== 0) {
      this.#poll(POLL_IN, timeoutMs);
      count = this.#receiveNow();
    }
    this.#count = count;
    return count;
  }

  /** Bytes of the datagram in a slot. */
  length(slot: number): number {
    return this.#words[(this.#at.receive + slot * HEADER_BYTES + HEADER.LENGTH) >> 2] ?? 0;
  }

  /** Whether the datagram was longer than the slot, and its end is lost. */
  isTruncated(slot: number): boolean {
    return ((this.#words[(this.#at.receive + slot * HEADER_BYTES + HEADER.FLAGS) >> 2] ?? 0) & MSG_TRUNC) !== 0;
  }

  /** Who sent it, for logs and rare paths: makes garbage. */
  source(slot: number): { readonly address: string; readonly port: number } | undefined {
    return decodeSocketAddress(this.sourceBytes(slot));
  }

  /** The sender's sockaddr, a view valid until the next `receive`. */
  sourceBytes(slot: number): Uint8Array {
    const start = this.#at.names + slot * NAME_BYTES;
    const length = this.#words[(this.#at.receive + slot * HEADER_BYTES + HEADER.NAME_LENGTH) >> 2] ?? 0;
    return this.#memory.subarray(start, start + length);
  }

  /**
   * Copies where a slot's datagram came from to `origin`, which has room for `originBytes`: its sender and, with `replyFromArrival`,
   * the address that it was sent to. Returns how many bytes that is. `setOrigin` of any batch over the same socket reads it.
   *
   *     name length u8 | control length u8 | sockaddr | control message
   */
  copyOrigin(slot: number, origin: Uint8Array): number {
    const received = this.#at.receive + slot * HEADER_BYTES;
    const nameLength = this.#words[(received + HEADER.NAME_LENGTH) >> 2] ?? 0;
    const controlLength = this.#hasControl ? (this.#words[(received + HEADER.CONTROL_LENGTH) >> 2] ?? 0) : 0;
    origin[0] = nameLength;
    origin[1] = controlLength;
    copyBytes(this.#memory, this.#at.names + slot * NAME_BYTES, origin, ORIGIN_HEAD_BYTES, nameLength);
    copyBytes(this.#memory, this.#at.controls + slot * CONTROL_BYTES, origin, ORIGIN_HEAD_BYTES + nameLength, controlLength);
    return ORIGIN_HEAD_BYTES + nameLength + controlLength;
  }

  /** Makes a slot's datagram one from there: `reply` then answers to it. For a batch that never receives. */
  setOrigin(slot: number, origin: Uint8Array): void {
    const received = this.#at.receive + slot * HEADER_BYTES;
    const nameLength = origin[0] ?? 0;
    const controlLength = origin[1] ?? 0;
    this.#words[(received + HEADER.NAME_LENGTH) >> 2] = nameLength;
    this.#words[(received + HEADER.CONTROL_LENGTH) >> 2] = controlLength;
    copyBytes(origin, ORIGIN_HEAD_BYTES, this.#memory, this.#at.names + slot * NAME_BYTES, nameLength);
    copyBytes(origin, ORIGIN_HEAD_BYTES + nameLength, this.#memory, this.#at.controls + slot * CONTROL_BYTES, controlLength);
  }

  /** Queues the first `length` bytes of a slot's buffer as an answer to its sender. Once per slot and round. */
  reply(slot: number, length: number): void {
    const from = this.#at.templates + slot * HEADER_BYTES;
    const to = this.#at.send + this.#queued * HEADER_BYTES;
    const received = this.#at.receive + slot * HEADER_BYTES;
    this.#memory.copyWithin(to, from, from + HEADER_BYTES);
    this.#words[(to + HEADER.NAME_LENGTH) >> 2] = this.#words[(received + HEADER.NAME_LENGTH) >> 2] ?? 0;
    this.#words[(this.#at.replyIovecs + slot * IOVEC_BYTES + 8) >> 2] = length;
    if (this.#hasControl) {
      const controlLength = this.#words[(received + HEADER.CONTROL_LENGTH) >> 2] ?? 0;
      this.#words[(to + HEADER.CONTROL_LENGTH) >> 2] = controlLength;
      if (controlLength > 0) this.#clearInterface(slot);
    }
    this.#queued++;
  }

  /** Sends the queued answers; what cannot be sent is dropped and counted. Answers how many went. */
  flush(): number {
    const queued = this.#queued;
    this.refusal = undefined;
    let done = 0;
    let sent = 0;
    while (done < queued) {
      const headers = this.#sent[done];
      if (headers === undefined) break;
      const count = this.#sendNow(headers, queued - done);
      if (count > 0) {
        sent += count;
        done += count;
      } else if (count === REFUSED) {
        done++;
      } else if (!this.#poll(POLL_OUT, SEND_PATIENCE_MS)) {
        break;
      }
    }
    this.dropped += queued - sent;
    this.#queued = 0;
    return sent;
  }

  #receiveNow(): number {
    const count = libc().recvmmsg(this.#fd, this.#received, this.slots, MSG_DONTWAIT);
    return Math.max(count, 0);
  }

  /** The number sent, 0 for no room, `REFUSED` when the first one cannot be sent at all. */
  #sendNow(headers: Uint8Array, count: number): number {
    try {
      return Math.max(libc().sendmmsg(this.#fd, headers, count, MSG_DONTWAIT), 0);
    } catch (error) {
      // EPERM (a firewall), ENETUNREACH, EINVAL (port 0): the one datagram's fault, or an ICMP error of an earlier one.
      if (!(error instanceof LinuxError)) throw error;
      this.refusal = error;
      return REFUSED;
    }
  }

  /** struct pollfd twice: ours, and the waker's (-1 is passed over). True when ours is ready. */
  #poll(events: number, timeoutMs: number): boolean {
    const view = new DataView(this.#polled.buffer);
    view.setInt32(0, this.#fd, true);
    view.setUint32(4, events, true);
    view.setInt32(8, this.#waker?.fd ?? -1, true);
    view.setUint32(12, POLL_IN, true);
    if (libc().poll(this.#polled, 2, timeoutMs) === 0) return false;
    if (view.getUint16(14, true) !== 0) this.#waker?.clear();
    return view.getUint16(6, true) !== 0;
  }

  /** The kernel has written over these lengths for every slot that it filled. */
  #resetHeaders(): void {
    for (let slot = 0; slot < this.#count; slot++) {
      const header = this.#at.receive + slot * HEADER_BYTES;
      this.#words[(header + HEADER.NAME_LENGTH) >> 2] = NAME_BYTES;
      this.#words[(header + HEADER.CONTROL_LENGTH) >> 2] = this.#hasControl ? CONTROL_BYTES : 0;
    }
  }

  /** Writes all pointers, once. */
  #point(slotBytes: number): void {
    const base = libc().addressOf(this.#memory);
    const view = new DataView(this.#memory.buffer);
    const put = (at: number, value: number | bigint): void => view.setBigUint64(at, BigInt(value), true);
    const at = this.#at;
    for (let slot = 0; slot < this.slots; slot++) {
      const name = base + BigInt(at.names + slot * NAME_BYTES);
      const control = base + BigInt(at.controls + slot * CONTROL_BYTES);
      const datagram = base + BigInt(at.datagrams + slot * at.slotBytes);
      for (const [headers, iovecs, length] of [
        [at.receive, at.receiveIovecs, slotBytes],
        [at.templates, at.replyIovecs, 0],
      ] as const) {
        const header = headers + slot * HEADER_BYTES;
        const iovec = iovecs + slot * IOVEC_BYTES;
        put(header + HEADER.NAME, name);
        put(header + HEADER.NAME_LENGTH, NAME_BYTES);
        put(header + HEADER.IOVEC, base + BigInt(iovec));
        put(header + HEADER.IOVEC_COUNT, 1);
        if (this.#hasControl) {
          put(header + HEADER.CONTROL, control);
          put(header + HEADER.CONTROL_LENGTH, CONTROL_BYTES);
        }
        put(iovec, datagram);
        put(iovec + 8, length);
      }
    }
  }

  /**
   * The arrival's control message goes back as it came, but for the interface: that would force the way out, while the
   * routing table knows better. IPv4: index, source, destination. IPv6: source, index.
   */
  #clearInterface(slot: number): void {
    const data = this.#at.controls + slot * CONTROL_BYTES + CONTROL_HEADER_BYTES;
    this.#words[(this.#isV6 ? data + 16 : data) >> 2] = 0;
  }

  #setOptions(options: UdpBatchOptions): void {
    const set = (level: number, option: number, value: number): void =>
      libc().setsockopt(this.#fd, level, option, intOption(value));
    if (options.receiveBufferBytes !== undefined) set(SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes);
    if (options.sendBufferBytes !== undefined) set(SOL_SOCKET, SO_SNDBUF, options.sendBufferBytes);
    if (!this.#hasControl) return;
    if (this.#isV6) set(SOL_IPV6, IPV6_RECVPKTINFO, 1);
    else set(SOL_IP, IP_PKTINFO, 1);
  }
}

/** A few bytes: a loop is quicker than a view and its `set`, and leaves no garbage. */
function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  for (let index = 0; index < length; index++) to[toAt + index] = from[fromAt + index] as number;
}

const REFUSED = -1;

/** Where in the block each part starts. */
interface Layout {
  readonly receive: number;
  readonly receiveIovecs: number;
  readonly templates: number;
  readonly replyIovecs: number;
  readonly send: number;
  readonly names: number;
  readonly controls: number;
  readonly datagrams: number;
  readonly slotBytes: number;
  readonly total: number;
}

function layOut(slots: number, slotBytes: number): Layout {
  const receive = 0;
  const receiveIovecs = receive + slots * HEADER_BYTES;
  const templates = receiveIovecs + slots * IOVEC_BYTES;
  const replyIovecs = templates + slots * HEADER_BYTES;
  const send = replyIovecs + slots * IOVEC_BYTES;
  const names = send + slots * HEADER_BYTES;
  const controls = names + slots * NAME_BYTES;
  const datagrams = controls + slots * CONTROL_BYTES;
  return {
    receive,
    receiveIovecs,
    templates,
    replyIovecs,
    send,
    names,
    controls,
    datagrams,
    slotBytes,
    total: datagrams + slots * slotBytes,
  };
}
