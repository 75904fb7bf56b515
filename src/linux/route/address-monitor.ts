/** Follows changes of link addresses in one namespace (rtnetlink groups for addresses). Event-driven in the calling thread. */
import { messageOf, type Logger, hasCode } from '../../observe/index.ts';
import { NETLINK_ADD_MEMBERSHIP, SOL_NETLINK, intOption } from '../constants.ts';
import { readDescriptor, type DescriptorReader } from '../descriptor-reader.ts';
import { libc } from '../libc.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';

/** RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR of linux/rtnetlink.h. */
const addressGroups = [5, 9] as const;

/** Runs from construction to `close()`. Says only that something changed: whoever cares lists the addresses then. */
export class AddressMonitor {
  readonly #socket: NetlinkSocket;
  readonly #onChange: () => void;
  readonly #logger: Logger;
  #reader: DescriptorReader;
  #isClosed = false;

  /** `socket`: a route socket for this alone, closed with the monitor. */
  constructor(options: { readonly socket: NetlinkSocket; readonly onChange: () => void }, context: { readonly logger: Logger }) {
    this.#socket = options.socket;
    this.#onChange = options.onChange;
    this.#logger = context.logger;
    for (const group of addressGroups) libc().setsockopt(this.#socket.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, intOption(group));
    this.#reader = this.#read();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#reader.stop();
    this.#socket.close();
  }

  #read(): DescriptorReader {
    return readDescriptor(this.#socket.fd, {
      onData: () => this.#onChange(),
      onError: (error) => {
        if (this.#isClosed) return;
        if (!hasCode(error, 'ENOBUFS')) {
          this.#logger.error({ error: messageOf(error) }, 'reading address notifications failed');
        }
        this.#socket.discardPending();
        this.#reader = this.#read();
        this.#onChange();
      },
    });
  }
}
