/**
 * A connected UDP socket on the event loop, for many small messages: those of one turn of the loop leave together, with one system
 * call and one wake-up of the other side; and when the loop says that one has come, all that have come are read. Node's dgram, which
 * makes a request and a callback of each message, only watches here.
 */
import { createSocket } from 'node:dgram';
import { MSG_DONTWAIT } from '../constants.ts';
import { libc } from '../libc.ts';
import { openSocket } from '../namespaces/open-socket.ts';
import { UdpBatch } from './udp-batch.ts';

export interface ConnectedUdpHandlers {
  /** The bytes are valid during the call only. */
  readonly onDatagram: (bytes: Uint8Array) => void;
  /** The other side cannot be reached (ECONNREFUSED and the like), or reading failed. The socket is closed already. */
  readonly onError: (error: Error) => void;
}

/** An open socket. */
export interface ConnectedUdp {
  /** Sends by the end of this turn of the event loop, or loses: where there is no room, as the network would. A failure is told by `onError`. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Opens it. Linux only. Throws `LinuxError` (ENETUNREACH, EMFILE, …). */
export function connectUdp(
  to: { readonly address: string; readonly port: number },
  handlers: ConnectedUdpHandlers,
): ConnectedUdp {
  const family = to.address.includes(':') ? 6 : 4;
  const fd = openSocket({ type: 'udp', connect: to, receiveBufferBytes });
  const outgoing = new UdpBatch({ fd, family, slots: datagramsPerCall, slotBytes: plainBytes });
  const watcher = createSocket(family === 6 ? 'udp6' : 'udp4');
  const state = { isOpen: true, queued: 0 };
  const end = (): void => {
    state.isOpen = false;
    watcher.close();
  };
  const fail = (error: unknown): void => {
    if (!state.isOpen) return;
    end();
    handlers.onError(error instanceof Error ? error : new Error(String(error)));
  };
  /** What the call gives; undefined when it fails, the socket then closed. */
  const attempt = (call: () => number): number | undefined => {
    try {
      return call();
    } catch (error) {
      fail(error);
      return undefined;
    }
  };
  const receive = (): number => libc().recv(fd, received, MSG_DONTWAIT);
  const flush = (): void => {
    if (!state.isOpen || state.queued === 0) return;
    state.queued = 0;
    outgoing.flush();
    if (outgoing.refusal !== undefined) fail(outgoing.refusal);
  };
  const readAll = (first: Uint8Array): void => {
    handlers.onDatagram(first);
    // No more than these in one turn: others want theirs too, and the loop tells again. A handler may have closed the socket,
    // and its descriptor be another's.
    for (let count = 1; state.isOpen && count < datagramsPerTurn; count++) {
      const length = attempt(receive);
      if (length === undefined || length < 0) return;
      handlers.onDatagram(received.subarray(0, length));
    }
  };
  watcher.on('message', readAll);
  watcher.on('error', fail);
  watcher.bind({ fd, exclusive: true });
  return {
    send(bytes) {
      if (state.queued === datagramsPerCall) flush();
      if (!state.isOpen) return;
      if (bytes.length > plainBytes) {
        attempt(() => libc().send(fd, bytes, MSG_DONTWAIT));
        return;
      }
      if (state.queued === 0) setImmediate(flush);
      outgoing.setOrigin(state.queued, connectedPeer);
      outgoing.buffers[state.queued]?.set(bytes);
      outgoing.reply(state.queued++, bytes.length);
    },
    close() {
      flush();
      if (state.isOpen) end();
    },
  };
}

/** As the origin of a datagram (`UdpBatch.setOrigin`): no address, for the socket has one. */
const connectedPeer = Uint8Array.of(0, 0);
const datagramsPerCall = 16;
/** Nearly all messages are shorter; longer ones leave by themselves. */
const plainBytes = 512;
/** For many answers that come at once. */
const receiveBufferBytes = 2 ** 20;
const datagramsPerTurn = 64;
/** Longest datagram. Every one is handled before the next is read. */
const received = new Uint8Array(65_535);
