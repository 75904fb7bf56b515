/** The address ranges of Services, as ServiceCIDR objects state them. */
import type { ServiceCIDR } from '../../api/index.ts';
import type { Cidr, IpAddress, IpFamily } from '../../net/index.ts';
import { addToIp, cidrContains, cidrRange, formatCidr, ipFromBigInt, ipToBigInt, maskCidr, parseCidr } from '../../net/index.ts';
import { staticAddressBand, walkFromRandom } from './allocation-bands.ts';

/** Name of the ServiceCIDR that holds the ranges the API server was started with. */
export const defaultServiceCidrName = 'kubernetes';

/** One range: a prefix, without its first address and, for IPv4, without its last. */
export interface ServiceRange {
  readonly cidr: Cidr;
  readonly text: string;
  readonly family: IpFamily;
}

/**
 * The ranges that addresses may be taken from, in the order in which they are tried: those of the start first, then by age.
 * Left out are ServiceCIDRs that are being deleted or whose Ready condition is False. One without the condition counts:
 * in this API server nobody has to make a range ready.
 */
export function usableRanges(serviceCidrs: Iterable<ServiceCIDR>): ServiceRange[] {
  return [...serviceCidrs]
    .filter(isUsable)
    .toSorted(byPrecedence)
    .flatMap((serviceCidr) => (serviceCidr.spec?.cidrs ?? []).flatMap((text) => parseServiceRange(text) ?? []));
}

/** The range that a text names; undefined when it is no prefix or an IPv6 prefix shorter than /64 (KEP-1880). */
export function parseServiceRange(text: string): ServiceRange | undefined {
  const parsed = parseCidr(text);
  if (parsed === undefined || (parsed.address.family === 'IPv6' && parsed.prefixLength < 64)) return undefined;
  const cidr = maskCidr(parsed);
  return { cidr, text: formatCidr(cidr), family: cidr.address.family };
}

/** The address above the network address: of the first range, the address of the `kubernetes` Service. */
export function firstServiceAddress(range: ServiceRange): IpAddress {
  return addToIp(range.cidr.address, 1);
}

/** Whether the prefix covers the address, usable or not. */
export function coversAddress(range: ServiceRange, ip: IpAddress): boolean {
  return cidrContains(range.cidr, ip);
}

/** Whether a Service can have the address: in the prefix, and neither network nor IPv4 broadcast address. */
export function hasUsableAddress(range: ServiceRange, ip: IpAddress): boolean {
  const { first, last } = boundsOf(range);
  const value = ipToBigInt(ip);
  return ip.family === range.family && value >= first && value <= last;
}

/** How many addresses automatic allocation leaves alone at the bottom while there are others. */
export function staticBandOf(range: ServiceRange): bigint {
  return staticAddressBand(sizeOf(range));
}

/** Every usable address once, in the order of automatic allocation: from a random one in the upper band, then the lower. */
export function* walkAddresses(range: ServiceRange, random: () => number): Generator<IpAddress, undefined> {
  const { first, last } = boundsOf(range);
  const dynamic = first + staticBandOf(range);
  for (const value of walkFromRandom(dynamic, last, random)) yield ipFromBigInt(value, range.family);
  for (const value of walkFromRandom(first, dynamic - 1n, random)) yield ipFromBigInt(value, range.family);
  return undefined;
}

function sizeOf(range: ServiceRange): bigint {
  const { first, last } = cidrRange(range.cidr);
  return ipToBigInt(last) - ipToBigInt(first) + 1n;
}

function boundsOf(range: ServiceRange): { readonly first: bigint; readonly last: bigint } {
  const { first, last } = cidrRange(range.cidr);
  return { first: ipToBigInt(first) + 1n, last: ipToBigInt(last) - (range.family === 'IPv4' ? 1n : 0n) };
}

function isUsable(serviceCidr: ServiceCIDR): boolean {
  if (serviceCidr.metadata?.deletionTimestamp !== undefined) return false;
  return !(serviceCidr.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'False');
}

function byPrecedence(a: ServiceCIDR, b: ServiceCIDR): number {
  return precedenceOf(a) < precedenceOf(b) ? -1 : 1;
}

function precedenceOf({ metadata }: ServiceCIDR): string {
  const isDefault = metadata?.name === defaultServiceCidrName;
  return `${isDefault ? 0 : 1} ${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
}
