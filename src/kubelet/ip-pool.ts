/** Pod addresses of one node: handed out from its pod CIDRs, each as late again as possible. Pure. */
import type { Cidr } from '../net/index.ts';
import { addToIp, cidrContains, cidrRange, formatIp, ipToBigInt, parseIp } from '../net/index.ts';

/** Gives out one address per prefix. Network, gateway (the first address) and broadcast addresses are never given. */
export interface IpPool {
  /**
   * One free address of every prefix, in the prefixes' order. `preferred` are taken where they are free, so that pods keep
   * their addresses over a restart. Undefined when a prefix has none left (nothing is taken then).
   */
  allocate(preferred?: readonly string[]): readonly string[] | undefined;
  /** Gives addresses back. Unknown ones are ignored. */
  release(addresses: readonly string[]): void;
  readonly usedCount: number;
}

/** A pool over `cidrs` (one per family). Addresses are given in ascending order and reused only after the range was walked once. */
export function createIpPool(cidrs: readonly Cidr[]): IpPool {
  const used = new Set<string>();
  const ranges = cidrs.map((cidr) => ({ cidr, ...usableRange(cidr), next: 0n }));

  const findFree = (range: (typeof ranges)[number]): { text: string; next: bigint } | undefined => {
    // at most one more step than there are addresses in use, so a /64 costs nothing
    for (let step = 0n; step < range.count && step <= BigInt(used.size); step++) {
      const offset = (range.next + step) % range.count;
      const text = formatIp(addToIp(range.first, offset));
      if (!used.has(text)) return { text, next: (offset + 1n) % range.count };
    }
    return undefined;
  };

  return {
    allocate(preferred = []) {
      const chosen: string[] = [];
      for (const range of ranges) {
        const wish = preferred.find((text) => isUsable(text, range) && !used.has(text));
        const found = wish === undefined ? findFree(range) : { text: wish, next: range.next };
        if (found === undefined) return undefined;
        range.next = found.next;
        chosen.push(found.text);
      }
      for (const text of chosen) used.add(text);
      return chosen;
    },
    release(addresses) {
      for (const text of addresses) used.delete(text);
    },
    get usedCount() {
      return used.size;
    },
  };
}

interface UsableRange {
  readonly first: ReturnType<typeof addToIp>;
  readonly count: bigint;
}

function usableRange(cidr: Cidr): UsableRange {
  const { first, last } = cidrRange(cidr);
  const size = ipToBigInt(last) - ipToBigInt(first) + 1n;
  const reserved = cidr.address.family === 'IPv4' ? 3n : 2n;
  return { first: addToIp(first, size > reserved ? 2 : 0), count: size > reserved ? size - reserved : size };
}

function isUsable(text: string, range: UsableRange & { readonly cidr: Cidr }): boolean {
  const ip = parseIp(text);
  if (ip === undefined || !cidrContains(range.cidr, ip)) return false;
  const offset = ipToBigInt(ip) - ipToBigInt(range.first);
  return offset >= 0n && offset < range.count;
}
