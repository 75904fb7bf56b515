/** Addresses for load balancers: which are whose, and which comes next. Holds no more than that; nothing is read or written. */
import { addToIp, cidrContains, cidrRange, compareIps, formatIp, ipsEqual, parseIp } from '../../net/index.ts';
import type { Cidr, IpAddress, IpFamily } from '../../net/index.ts';

/** Why no address could be given. */
export type PoolFault = 'taken' | 'outside' | 'exhausted' | 'no-pool';

/** Hands out addresses of one or more ranges, the lowest free one first. */
export class AddressPool {
  readonly #pools: readonly Cidr[];
  /** Address text -> owner's key. */
  readonly #owners = new Map<string, string>();

  /** One prefix per family, or more; the first and the last address of each are not given out. */
  constructor(pools: readonly Cidr[]) {
    this.#pools = pools;
  }

  ownerOf(address: string): string | undefined {
    return this.#owners.get(canonical(address));
  }

  /** The owner's addresses. */
  of(owner: string): readonly string[] {
    return Array.from(this.#owners)
      .filter(([, key]) => key === owner)
      .map(([address]) => address);
  }

  /** Notes that an address is in use. False when it is somebody else's or not ours to give. */
  claim(owner: string, address: string): boolean {
    const ip = parseIp(address);
    if (ip === undefined || !this.#pools.some((pool) => cidrContains(pool, ip))) return false;
    const text = formatIp(ip);
    const known = this.#owners.get(text);
    if (known !== undefined && known !== owner) return false;
    this.#owners.set(text, owner);
    return true;
  }

  /** An address of a family for an owner: the one it has, the one it asks for, or the lowest free one. */
  take(owner: string, family: IpFamily, wanted?: string): { readonly address: string } | { readonly fault: PoolFault } {
    const pools = this.#pools.filter((pool) => pool.address.family === family);
    if (pools.length === 0) return { fault: 'no-pool' };
    const has = this.of(owner).find((address) => parseIp(address)?.family === family);
    const ip = wanted === undefined ? undefined : parseIp(wanted);
    if (ip?.family === family) {
      const text = formatIp(ip);
      if (has === text) return { address: text };
      if (!pools.some((pool) => isUsable(pool, ip))) return { fault: 'outside' };
      if (!this.claim(owner, text)) return { fault: 'taken' };
      if (has !== undefined) this.#owners.delete(has);
      return { address: text };
    }
    if (has !== undefined) return { address: has };
    for (const pool of pools) {
      const { first, last } = cidrRange(pool);
      for (let next = addToIp(first, 1); compareIps(next, last) < 0; next = addToIp(next, 1)) {
        const text = formatIp(next);
        if (this.#owners.has(text)) continue;
        this.#owners.set(text, owner);
        return { address: text };
      }
    }
    return { fault: 'exhausted' };
  }

  /** Gives back the owner's addresses, but for those to keep, and returns what was given back. */
  release(owner: string, keep: readonly string[] = []): readonly string[] {
    const gone = this.of(owner).filter((address) => !keep.includes(address));
    for (const address of gone) this.#owners.delete(address);
    return gone;
  }
}

function isUsable(pool: Cidr, ip: IpAddress): boolean {
  const { first, last } = cidrRange(pool);
  return cidrContains(pool, ip) && !ipsEqual(ip, first) && !ipsEqual(ip, last);
}

function canonical(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}
