/** What the kernel tells of by itself to a netlink socket: groups joined, messages read in the calling thread, overruns survived. */
import { hasCode, messageOf } from '../../observe/index.ts';
import type { Logger } from '../../observe/index.ts';
import { NETLINK_ADD_MEMBERSHIP, SOL_NETLINK, intOption } from '../constants.ts';
import { readDescriptor } from '../descriptor-reader.ts';
import type { DescriptorReader } from '../descriptor-reader.ts';
import { libc } from '../libc.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

/** Which notifications, and what is done with them. */
export interface NotificationOptions {
  /** For this alone; closed with the reading. */
  readonly socket: NetlinkSocket;
  /** Numbers of the multicast groups. */
  readonly groups: readonly number[];
  /** What they are of, for the log. */
  readonly subject: string;
  /** One or more whole messages. */
  readonly onData: (bytes: Uint8Array) => void;
  /** Some were lost: whoever follows them starts over. */
  readonly onOverrun: () => void;
}

/** Reads from construction to `close()`. */
export class Notifications {
  readonly #options: NotificationOptions;
  readonly #logger: Logger;
  #reader: DescriptorReader;
  #isClosed = false;

  constructor(options: NotificationOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    for (const group of options.groups)
      libc().setsockopt(options.socket.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, intOption(group));
    this.#reader = this.#read();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#reader.stop();
    this.#options.socket.close();
  }

  #read(): DescriptorReader {
    const { socket, subject, onData, onOverrun } = this.#options;
    return readDescriptor(socket.fd, {
      onData,
      onError: (error) => {
        if (this.#isClosed) return;
        if (!hasCode(error, 'ENOBUFS'))
          this.#logger.error({ subject, error: messageOf(error) }, 'reading notifications of the kernel failed');
        // While the queue is not empty the kernel drops all that comes, and does not say so again.
        socket.discardPending();
        this.#reader = this.#read();
        onOverrun();
      },
    });
  }
}
