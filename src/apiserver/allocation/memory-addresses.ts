/** IPAddress objects in a map: for tests, and for whoever wants to allocate without a store. */
import type { IPAddress } from '../../api/index.ts';
import type { IpAddressStore } from './ip-allocator.ts';

/** An empty store of IPAddress objects. `create` throws when the name is taken, as any store does. */
export class MemoryAddresses implements IpAddressStore {
  readonly #addresses = new Map<string, IPAddress>();

  get(name: string): IPAddress | undefined {
    return this.#addresses.get(name);
  }

  create(address: IPAddress): void {
    const name = address.metadata?.name ?? '';
    if (this.#addresses.has(name)) throw new Error(`IPAddress ${name} is there already`);
    this.#addresses.set(name, address);
  }

  delete(name: string): void {
    this.#addresses.delete(name);
  }

  list(): Iterable<IPAddress> {
    return this.#addresses.values();
  }
}
