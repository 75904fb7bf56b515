/** Follows changes of link addresses in one namespace (rtnetlink groups for addresses). Event-driven in the calling thread. */
import type { Logger } from '../../observe/index.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';
import { Notifications } from '../netlink/notifications.ts';

/** RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR of linux/rtnetlink.h. */
const addressGroups = [5, 9] as const;

/** Runs from construction to `close()`. Says only that something changed: whoever cares lists the addresses then. */
export class AddressMonitor {
  readonly #notifications: Notifications;

  /** `socket`: a route socket for this alone, closed with the monitor. */
  constructor(
    { socket, onChange }: { readonly socket: NetlinkSocket; readonly onChange: () => void },
    context: { readonly logger: Logger },
  ) {
    const groups = addressGroups;
    this.#notifications = new Notifications(
      { socket, groups, subject: 'addresses', onData: onChange, onOverrun: onChange },
      context,
    );
  }

  close(): Promise<void> {
    return this.#notifications.close();
  }
}
