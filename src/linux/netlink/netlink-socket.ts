/**
 * One netlink socket with synchronous requests. rtnetlink and nfnetlink do their work inside the `send` call, so answers are
 * there when it returns: nothing waits. Made in the thread's network namespace and staying in it, whoever uses it later.
 */
import { hasCode } from '../../observe/index.ts';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  MSG_TRUNC,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  intOption,
} from '../constants.ts';
import { LinuxError, NetlinkError } from '../errors.ts';
import { libc } from '../libc.ts';
import { encodeNetlinkAddress } from '../socket-address.ts';
import { readAcknowledgement, toNetlinkError, type Acknowledgement, type ShapeOf } from './extended-ack.ts';
import { readMessages, readU32, type Message } from './message-reader.ts';
import { NLM_F_DUMP_INTR, type MessageWriter } from './message-writer.ts';
import { SmallMessages } from './small-messages.ts';

/** Netlink protocols that are spoken here. */
export type NetlinkProtocol = 'route' | 'netfilter';

const protocolNumbers: Readonly<Record<NetlinkProtocol, number>> = { route: 0, netfilter: 12 };

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** No more than this is held of what a caller sends in one piece (root; others get what net.core.wmem_max allows). */
const SEND_BUFFER_BYTES = 512 * 1024 * 1024;
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
/** The kernel puts at most 32 KiB of a dump into one block. */
const BLOCK_BYTES = 64 * 1024;
/** A dump that is disturbed by changes again and again is given up after so many starts. */
const MAX_DUMP_STARTS = 20;
/** How long an answer may take that the protocol says is there at once. */
const ANSWER_TIMEOUT_MS = 5000;

/**
 * Opens a netlink socket in the calling thread's network namespace, or wraps a descriptor made elsewhere
 * (`NamespaceThread.openNetlink`). The descriptor is closed with the socket.
 */
export function openNetlink(protocol: NetlinkProtocol, options: { readonly fd?: number } = {}): NetlinkSocket {
  return new NetlinkSocket(options.fd ?? openNetlinkFd(protocol));
}

/** The descriptor alone: bound, extended acknowledgements on, buffers as large as allowed. */
export function openNetlinkFd(protocol: NetlinkProtocol): number {
  const calls = libc();
  const fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocolNumbers[protocol]);
  try {
    calls.bind(fd, encodeNetlinkAddress());
    calls.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, intOption(1));
    calls.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, intOption(1));
    if (protocol === 'route') calls.setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, intOption(1));
    setBufferSize(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_BYTES);
    setBufferSize(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  } catch (error) {
    calls.close(fd);
    throw error;
  }
  return fd;
}

/** Synchronous requests over one descriptor. Not for use by two threads at once. */
export class NetlinkSocket {
  readonly fd: number;
  /** Largest message or batch that the send buffer takes, in bytes; more is EMSGSIZE. */
  readonly maxSendBytes: number;
  /** The address that the kernel gave this socket. */
  readonly portId: number;
  #sequence = 1;
  #isClosed = false;
  /** Nothing is left in the receive queue: the last request went to its end. */
  #isDrained = false;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #smallMessages: SmallMessages | undefined;

  constructor(fd: number) {
    this.fd = fd;
    const calls = libc();
    // netlink_sendmsg refuses what is longer than the send buffer less 32.
    this.maxSendBytes = readU32(calls.getsockopt(fd, SOL_SOCKET, SO_SNDBUF, 4), 0) - 32;
    this.portId = readU32(calls.getsockname(fd), 4);
  }

  /**
   * Sends all messages of the writer in one piece and collects what comes back for them. Every message should ask for an
   * acknowledgement, or none (a batch). Throws `NetlinkError` for the first refused message; messages other than
   * acknowledgements are returned.
   */
  request(writer: MessageWriter, shapeOf: ShapeOf, expectedAcks = writer.count): Message[] {
    const first = this.#send(writer, shapeOf);
    const replies: Message[] = [];
    let failure: { readonly acknowledgement: Acknowledgement; readonly index: number } | undefined;
    let pending = expectedAcks;
    for (;;) {
      const block = this.#receive(pending > 0);
      if (block === undefined) {
        this.#isDrained = true;
        break;
      }
      for (const message of readMessages(block)) {
        const index = (message.sequence - first) >>> 0;
        if (index >= writer.count) continue;
        if (message.type !== NLMSG_ERROR) {
          replies.push(message);
          continue;
        }
        pending--;
        const acknowledgement = readAcknowledgement(message);
        // A refused batch ends without the acknowledgements of the other messages.
        if (acknowledgement.errno !== 0) failure ??= { acknowledgement, index };
      }
      if (failure !== undefined && expectedAcks === 1) break;
    }
    if (failure !== undefined) {
      const { acknowledgement, index } = failure;
      throw toNetlinkError(acknowledgement, messageAt(writer.bytes, index), shapeOf, writer.count > 1 ? index : undefined);
    }
    return replies;
  }

  /**
   * As `request`, for one message that brings many small ones (of at most a kilobyte) before its acknowledgement: each is visited as it
   * comes, and its bytes are valid during the call. Whoever asks must not ask for more than the receive buffer holds: ENOBUFS.
   */
  requestMany(writer: MessageWriter, shapeOf: ShapeOf, visit: (message: Message) => void): void {
    const first = this.#send(writer, shapeOf);
    this.#smallMessages ??= new SmallMessages(128, 1024);
    for (;;) {
      const blocks = this.#smallMessages.receive(this.fd);
      if (blocks.length === 0) throw failureOf('ETIMEDOUT', 110, writer, shapeOf, 'the answers stopped');
      for (const message of blocks.flatMap(readMessages)) {
        if (message.sequence !== first) continue;
        if (message.type === NLMSG_ERROR) {
          const acknowledgement = readAcknowledgement(message);
          this.#isDrained = true;
          if (acknowledgement.errno !== 0) throw toNetlinkError(acknowledgement, writer.bytes, shapeOf);
          return;
        }
        visit(message);
      }
    }
  }

  /**
   * Sends the writer's one dump request and returns all messages of the answer. A dump that a change has disturbed
   * (NLM_F_DUMP_INTR) or that overran is started again. The messages' bytes are the caller's to keep.
   */
  dump(writer: MessageWriter, shapeOf: ShapeOf): Message[] {
    for (let start = 1; ; start++) {
      const messages = this.#dumpOnce(writer, shapeOf);
      if (messages !== undefined) return messages;
      if (start >= MAX_DUMP_STARTS) {
        throw failureOf('EINTR', 4, writer, shapeOf, `disturbed by changes ${MAX_DUMP_STARTS} times in a row`);
      }
    }
  }

  /**
   * As `dump`, piece by piece as the kernel walks on: for tables that are too large to hold. Until the end the socket can do nothing
   * else; a dump that is left off is thrown away by the next request. It is not started again when changes disturb it.
   */
  *dumpPieces(writer: MessageWriter, shapeOf: ShapeOf): Generator<readonly Message[], void> {
    const first = this.#send(writer, shapeOf);
    for (;;) {
      const block = this.#receive(true);
      if (block === undefined) throw failureOf('ETIMEDOUT', 110, writer, shapeOf, 'the dump stopped');
      const messages = readMessages(block);
      const end = messages.findIndex(({ type }) => type === NLMSG_ERROR || type === NLMSG_DONE);
      yield (end === -1 ? messages : messages.slice(0, end)).filter(({ sequence }) => sequence === first);
      const last = messages[end];
      if (last === undefined || last.sequence !== first) continue;
      const acknowledgement = readAcknowledgement(last);
      if (acknowledgement.errno !== 0) throw toNetlinkError(acknowledgement, writer.bytes, shapeOf);
      return;
    }
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    libc().close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dumpOnce(writer: MessageWriter, shapeOf: ShapeOf): Message[] | undefined {
    const first = this.#send(writer, shapeOf);
    const messages: Message[] = [];
    let isDisturbed = false;
    for (;;) {
      const block = this.#receive(true);
      if (block === undefined) throw failureOf('ETIMEDOUT', 110, writer, shapeOf, 'the dump stopped');
      for (const message of readMessages(block)) {
        if (message.sequence !== first) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) isDisturbed = true;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const acknowledgement = readAcknowledgement(message);
          this.#isDrained = true;
          if (acknowledgement.errno === EINTR) return undefined;
          if (acknowledgement.errno !== 0) throw toNetlinkError(acknowledgement, writer.bytes, shapeOf);
          return isDisturbed ? undefined : messages;
        }
        messages.push(message);
      }
    }
  }

  /** Answers the sequence number of the first message. */
  #send(writer: MessageWriter, shapeOf: ShapeOf): number {
    if (this.#isClosed) throw new Error('netlink socket is closed');
    if (!this.#isDrained) this.discardPending();
    const first = this.#sequence;
    const bytes = writer.bytes;
    if (bytes.length > this.maxSendBytes) {
      throw failureOf('EMSGSIZE', 90, writer, shapeOf, `${bytes.length} bytes, the socket takes ${this.maxSendBytes}`);
    }
    renumber(bytes, first);
    this.#sequence = (first + writer.count) >>> 0 || 1;
    this.#isDrained = false;
    try {
      libc().send(this.fd, bytes, 0);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      throw failureOf(error.facts.code, error.facts.errno, writer, shapeOf, undefined, error);
    }
    return first;
  }

  /** A copy of the next block, undefined when there is none (after a wait, if an answer is due). */
  #receive(isDue: boolean): Uint8Array | undefined {
    const calls = libc();
    let length = calls.recv(this.fd, this.#block, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && isDue) {
      if (calls.poll(pollRequest(this.fd), 1, ANSWER_TIMEOUT_MS) > 0) {
        length = calls.recv(this.fd, this.#block, MSG_DONTWAIT | MSG_TRUNC);
      }
    }
    return length < 0 ? undefined : this.#block.slice(0, Math.min(length, this.#block.length));
  }

  /**
   * Throws away all that was received: what an abandoned request has left (or the next dump would be refused with EBUSY), or
   * what was queued before an overrun (until the queue is empty, the kernel goes on dropping notifications).
   */
  discardPending(): void {
    for (;;) {
      try {
        if (libc().recv(this.fd, this.#block, MSG_DONTWAIT) < 0) return;
      } catch (error) {
        // An overrun of the past: the leftovers were to be thrown away anyhow.
        if (!hasCode(error, 'ENOBUFS')) throw error;
      }
    }
  }
}

const EINTR = 4;

function setBufferSize(fd: number, forced: number, plain: number, size: number): void {
  try {
    libc().setsockopt(fd, SOL_SOCKET, forced, intOption(size));
  } catch (error) {
    // Only for CAP_NET_ADMIN outside of user namespaces. The plain one is cut to net.core.{w,r}mem_max, silently.
    if (!hasCode(error, 'EPERM')) throw error;
    libc().setsockopt(fd, SOL_SOCKET, plain, intOption(size));
  }
}

/** struct pollfd: fd, events (POLLIN), returned events. */
function pollRequest(fd: number): Uint8Array {
  const request = new Uint8Array(8);
  const view = new DataView(request.buffer);
  view.setInt32(0, fd, true);
  view.setUint16(4, 1, true);
  return request;
}

/** Gives the messages of a block consecutive sequence numbers. */
function renumber(bytes: Uint8Array, first: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, sequence = first; at + 16 <= bytes.length; sequence++) {
    view.setUint32(at + 8, sequence >>> 0, true);
    at += (view.getUint32(at, true) + 3) & ~3;
  }
}

/** The message with this index in a block of messages. */
function messageAt(bytes: Uint8Array, index: number): Uint8Array {
  let at = 0;
  for (let step = 0; step < index; step++) at += (readU32(bytes, at) + 3) & ~3;
  return bytes.subarray(at, at + readU32(bytes, at));
}

function failureOf(
  code: string,
  errno: number,
  writer: MessageWriter,
  shapeOf: ShapeOf,
  reason?: string,
  cause?: unknown,
): NetlinkError {
  const operation = shapeOf((writer.bytes[4] ?? 0) | ((writer.bytes[5] ?? 0) << 8))?.name ?? 'netlink request';
  const text = `${operation}: ${code}${reason === undefined ? '' : `, ${reason}`}`;
  return new NetlinkError(text, { code, errno, operation, ...(reason === undefined ? {} : { reason }) }, { cause });
}
