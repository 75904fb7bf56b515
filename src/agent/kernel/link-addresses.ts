/** The addresses that the node's links bear now: which of them answer on node ports follows what an operator adds or removes. */
import type { NetlinkSocket } from '../../linux/index.ts';
import { AddressMonitor, RouteSocket } from '../../linux/index.ts';
import { formatIp, isLoopback } from '../../net/index.ts';
import type { Logger } from '../../observe/index.ts';

export interface LinkAddressesOptions {
  /** A route socket of the node's namespace for listing; closed with this. */
  readonly socket: NetlinkSocket;
  /** A second one for notifications; closed with this. */
  readonly monitorSocket: NetlinkSocket;
}

export class LinkAddresses {
  readonly #options: LinkAddressesOptions;
  readonly #routes: RouteSocket;
  readonly #logger: Logger;
  #monitor: AddressMonitor | undefined;

  constructor(options: LinkAddressesOptions, context: { readonly logger: Logger }) {
    this.#options = options;
    this.#routes = new RouteSocket(options.socket);
    this.#logger = context.logger;
  }

  /** Calls `onChange` whenever some address comes or goes. */
  start(onChange: () => void): void {
    this.#monitor = new AddressMonitor({ socket: this.#options.monitorSocket, onChange }, { logger: this.#logger });
  }

  /** All but loopback ones, in the kernel's order. Throws `NetlinkError`. */
  list(): string[] {
    const addresses = this.#routes.listAddresses().map(({ address }) => address.address);
    return addresses.filter((address) => !isLoopback(address)).map(formatIp);
  }

  async stop(): Promise<void> {
    await this.#monitor?.close();
    this.#routes.close();
  }
}
