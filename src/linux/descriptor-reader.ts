/**
 * Event-driven reading of a descriptor that Node has no stream for, such as a netlink socket, in the calling thread and with
 * public interfaces only: a stream is made over one end of a socket pair, and before libuv first polls it, the descriptor
 * under it is replaced by `dup3`. libuv polls and reads whatever is behind the number.
 */
import { Socket } from 'node:net';
import { AF_UNIX, F_GETFL, F_SETFL, O_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './constants.ts';
import { libc } from './libc.ts';

/** Stops the reading; the descriptor itself stays open and the caller's. */
export interface DescriptorReader {
  stop(): Promise<void>;
}

/**
 * Calls `onData` with the bytes of each read (of a datagram socket: one or more whole datagrams, up to 64 KiB each) and
 * `onError` once when a read fails; then the reading has stopped. Makes the descriptor non-blocking.
 */
export function readDescriptor(
  fd: number,
  handlers: { readonly onData: (bytes: Uint8Array) => void; readonly onError: (error: Error) => void },
): DescriptorReader {
  const calls = libc();
  calls.fcntl(fd, F_SETFL, calls.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  const [end, other] = calls.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  const stream = new Socket({ fd: end, readable: true, writable: false });
  calls.dup3(fd, end);
  calls.close(other);
  stream.on('data', handlers.onData);
  stream.on('error', handlers.onError);
  return {
    stop: () =>
      new Promise((resolve) => {
        if (stream.closed) {
          resolve();
          return;
        }
        stream.once('close', () => resolve());
        stream.destroy();
      }),
  };
}
