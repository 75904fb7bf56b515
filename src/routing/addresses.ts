/** Addresses and prefixes as they stand in old objects: space around them and leading zeros are forgiven. */
import { cidrContains, formatCidr, formatIp, maskCidr, parseCidr, parseIp, parseIpv4Bits } from '../net/index.ts';
import type { Cidr, IpAddress, IpFamily } from '../net/index.ts';

/**
 * Reads an address leniently: leading zeros in IPv4 are decimal, never octal (`172.30.0.041` is 172.30.0.41), as
 * kube-proxy reads objects that were stored before validation became strict. Undefined when it is no address.
 */
export function parseStoredIp(text: string): IpAddress | undefined {
  return parseIp(withoutZeros(text.trim()));
}

/** Reads a prefix leniently, as `parseStoredIp`, and clears the bits beyond its length. */
export function parseStoredCidr(text: string): Cidr | undefined {
  const trimmed = text.trim();
  const slash = trimmed.indexOf('/');
  if (slash < 0) return undefined;
  const cidr = parseCidr(`${withoutZeros(trimmed.slice(0, slash))}/${withoutZeros(trimmed.slice(slash + 1))}`);
  return cidr === undefined ? undefined : maskCidr(cidr);
}

/**
 * The prefixes that a load-balancer address admits, none inside another, sorted; undefined when everybody is admitted:
 * no ranges, ranges of the other family only, or one of length 0. When the node's own address is admitted, so are the
 * load balancer's addresses: traffic from the node may come back with one of them as its source.
 * Source: k8s pkg/proxy/nftables/proxier.go v1.36.
 */
export function admittedRanges(
  ranges: readonly string[],
  family: IpFamily,
  nodeAddresses: readonly string[],
  vips: readonly string[],
): readonly string[] | undefined {
  const cidrs = ranges.map(parseStoredCidr).filter((cidr) => cidr?.address.family === family) as Cidr[];
  if (cidrs.length === 0 || cidrs.some((cidr) => cidr.prefixLength === 0)) return undefined;
  const isNodeAdmitted = nodeAddresses.some((text) => {
    const ip = parseStoredIp(text);
    return ip !== undefined && cidrs.some((cidr) => cidrContains(cidr, ip));
  });
  if (isNodeAdmitted) {
    for (const vip of vips) {
      const address = parseStoredIp(vip);
      if (address?.family === family) cidrs.push({ address, prefixLength: address.bytes.length * 8 });
    }
  }
  return withoutNested(cidrs).map(formatCidr);
}

/** The same set of addresses with no prefix inside another, sorted by address. */
export function withoutNested(cidrs: readonly Cidr[]): Cidr[] {
  const sorted = cidrs
    .map(maskCidr)
    .sort((a, b) => compareBytes(a.address.bytes, b.address.bytes) || a.prefixLength - b.prefixLength);
  const kept: Cidr[] = [];
  for (const cidr of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !cidrContains(last, cidr.address)) kept.push(cidr);
  }
  return kept;
}

/** Canonical text of a stored address of this family, or undefined. */
export function canonicalIp(text: string, family: IpFamily): string | undefined {
  // an object that nobody has validated may hold anything
  if (typeof text !== 'string') return undefined;
  // The strict form of IPv4 is its canonical one; nearly all addresses have it.
  if (family === 'IPv4' && parseIpv4Bits(text) >= 0) return text;
  const ip = parseStoredIp(text);
  return ip?.family === family ? formatIp(ip) : undefined;
}

function withoutZeros(text: string): string {
  return text.includes(':') ? text : text.replaceAll(/(^|\.)0+(?=\d)/g, '$1');
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
