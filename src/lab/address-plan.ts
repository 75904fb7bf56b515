/**
 * Who has which address in the lab. Pure.
 *
 *   underlay        10.0.0.0/16      fd00:0:0:1::/64      one bridge that everything below hangs on
 *   control plane   10.0.0.1         fd00:0:0:1::1        the API server, and the way out for what nobody knows (unreachable)
 *   cluster DNS     10.0.0.10        fd00:0:0:1::10       the name server itself (Services reach it by its cluster IP)
 *   node N          10.0.1.N         fd00:0:0:1::1:N
 *   outside         10.0.9.1 … .30   fd00:0:0:1::9:1 …    the rest of the world: .1 is its own, the others are clients
 *   load balancers  10.0.8.0/24      fd00:0:0:8::/64      held by nobody: outside sends them to nodes
 *   pods of node N  10.244.N.0/24    fd00:10:244:N::/64
 */
import type { Cidr, IpAddress, IpFamily } from '../net/index.ts';
import { mustParseCidr, mustParseIp } from '../net/index.ts';

interface FamilyPlan {
  /** Last part in decimal digits, so that 10.0.9.30 pairs with ::9:30. */
  host(third: number, fourth: number): IpAddress;
  readonly underlayPrefix: number;
  /** What pods have, all nodes together. */
  readonly allPods: Cidr;
  readonly loadBalancers: Cidr;
}

export const addressPlan: Readonly<Record<IpFamily, FamilyPlan>> = {
  IPv4: {
    host: (third, fourth) => mustParseIp(`10.0.${third}.${fourth}`),
    underlayPrefix: 16,
    allPods: mustParseCidr('10.244.0.0/16'),
    loadBalancers: mustParseCidr('10.0.8.0/24'),
  },
  IPv6: {
    host: (third, fourth) => mustParseIp(third === 0 ? `fd00:0:0:1::${fourth}` : `fd00:0:0:1::${third}:${fourth}`),
    underlayPrefix: 64,
    allPods: mustParseCidr('fd00:10:244::/48'),
    loadBalancers: mustParseCidr('fd00:0:0:8::/64'),
  },
};

/** Number of addresses that `outside` has: its own and the clients'. */
export const outsideAddressCount = 30;

/** The control plane's address. */
export function controlPlaneAddress(family: IpFamily): IpAddress {
  return addressPlan[family].host(0, 1);
}

/** Where the name server listens. */
export function dnsAddress(family: IpFamily): IpAddress {
  return addressPlan[family].host(0, 10);
}

/** The underlay address of the N-th node, from 1. */
export function nodeAddress(family: IpFamily, index: number): IpAddress {
  return addressPlan[family].host(1, index);
}

/** The N-th address of `outside`, from 1. */
export function outsideAddress(family: IpFamily, index: number): IpAddress {
  return addressPlan[family].host(9, index);
}

/** The pod prefix of the N-th node, unless the Node object brings its own. */
export function defaultPodCidr(family: IpFamily, index: number): string {
  return family === 'IPv4' ? `10.244.${index}.0/24` : `fd00:10:244:${index}::/64`;
}

/** A MAC address that says whose it is: 02:fa kind index. Fixed ones let a cut link be told from a whole one. */
export function macAddress(kind: 'fabric' | 'outside' | 'node', index: number): string {
  const number = { fabric: 0, outside: 9, node: 1 }[kind];
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `02:fa:00:${hex(number)}:${hex(index >> 8)}:${hex(index & 0xff)}`;
}
