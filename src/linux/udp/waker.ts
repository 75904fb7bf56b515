/** Ends another thread's wait in `UdpBatch.receive`: say, because there is a message for it. */
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../constants.ts';
import { libc } from '../libc.ts';

/** The waiting side. */
export interface Waker {
  /** Readable while there was a `wake` that was not cleared. */
  readonly fd: number;
  clear(): void;
}

/** A pair of connected descriptors; plain numbers, so that either side can be handed to another thread. */
export function createWakePair(): { readonly wakeFd: number; readonly waitFd: number; close(): void } {
  const [wakeFd, waitFd] = libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  return {
    wakeFd,
    waitFd,
    close: () => {
      libc().close(wakeFd);
      libc().close(waitFd);
    },
  };
}

/** Wakes whoever waits on the other side. Any number of wakes before a clear count as one. */
export function wake(wakeFd: number): void {
  // No room means that wakes are pending already.
  libc().send(wakeFd, Uint8Array.of(1), MSG_DONTWAIT);
}

/** The waiting side of a pair. */
export function wakerOf(waitFd: number): Waker {
  const bytes = new Uint8Array(64);
  return {
    fd: waitFd,
    clear: () => {
      while (libc().recv(waitFd, bytes, MSG_DONTWAIT) === bytes.length);
    },
  };
}
