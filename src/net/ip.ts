/** IP addresses and prefixes as values: parsing, printing, arithmetic. Strict, as Kubernetes is since 1.36. Pure. */

export type IpFamily = 'IPv4' | 'IPv6';

/** An address: 4 or 16 bytes in network order. `family` says which. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly bytes: Uint8Array;
}

/** A prefix, e.g. 10.96.0.0/16. `address` may have bits beyond the prefix; `maskCidr` clears them. */
export interface Cidr {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/**
 * Parses an address. Undefined when the text is not one: leading zeros in IPv4 (`010.0.0.1`), short forms (`10.1`),
 * zone indexes and surrounding space are all refused, as by Go's netip. An IPv4-mapped IPv6 text stays IPv6.
 */
export function parseIp(text: string): IpAddress | undefined {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (bytes === undefined) return undefined;
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes };
}

/**
 * The 32 bits of an IPv4 address, as strict as `parseIp`; -1 when the text is none. By hand and without garbage: every endpoint of
 * every slice passes here.
 */
export function parseIpv4Bits(text: string): number {
  const { length } = text;
  if (length > 15) return -1;
  let bits = 0;
  let fields = 0;
  let digits = 0;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) {
      if (digits > 0 && value === 0) return -1;
      value = value * 10 + code - 0x30;
      digits++;
      if (value > 255) return -1;
    } else if (code === 0x2e && digits > 0 && fields < 3) {
      bits = (bits << 8) | value;
      fields++;
      digits = 0;
      value = 0;
    } else {
      return -1;
    }
  }
  return fields === 3 && digits > 0 ? ((bits << 8) | value) >>> 0 : -1;
}

/** Parses an address that is known to be good. Throws `TypeError` otherwise: for constants and validated objects only. */
export function mustParseIp(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw new TypeError(`not an IP address: ${JSON.stringify(text)}`);
  return ip;
}

/** The canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(ip: IpAddress): string {
  return ip.family === 'IPv4' ? ip.bytes.join('.') : formatIpv6(ip.bytes);
}

/** The family of an address text, or undefined when it is not an address. */
export function ipFamilyOf(text: string): IpFamily | undefined {
  return parseIp(text)?.family;
}

/** Parses `address/length`. Undefined when malformed. Bits beyond the prefix are kept as written. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return undefined;
  const prefixLength = Number(lengthText);
  return prefixLength <= address.bytes.length * 8 ? { address, prefixLength } : undefined;
}

/** Parses a prefix that is known to be good. Throws `TypeError` otherwise. */
export function mustParseCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new TypeError(`not a CIDR: ${JSON.stringify(text)}`);
  return cidr;
}

/** `address/length` with the address as it is held (not masked). */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.address)}/${cidr.prefixLength}`;
}

/** The same prefix with all bits beyond its length cleared. */
export function maskCidr(cidr: Cidr): Cidr {
  const bytes = Uint8Array.from(cidr.address.bytes, (byte, index) => byte & maskByte(cidr.prefixLength, index));
  return { address: { family: cidr.address.family, bytes }, prefixLength: cidr.prefixLength };
}

/** Whether the prefix contains the address. False across families. */
export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  if (cidr.address.family !== ip.family) return false;
  return ip.bytes.every((byte, index) => ((byte ^ (cidr.address.bytes[index] ?? 0)) & maskByte(cidr.prefixLength, index)) === 0);
}

/** First and last address of a prefix, both inclusive. */
export function cidrRange(cidr: Cidr): { readonly first: IpAddress; readonly last: IpAddress } {
  const first = maskCidr(cidr).address;
  const last = Uint8Array.from(first.bytes, (byte, index) => byte | (~maskByte(cidr.prefixLength, index) & 0xff));
  return { first, last: { family: first.family, bytes: last } };
}

/** An address as an unsigned integer, for arithmetic. */
export function ipToBigInt(ip: IpAddress): bigint {
  let value = 0n;
  for (const byte of ip.bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The address with the given unsigned value. Throws `RangeError` when it does not fit the family. */
export function ipFromBigInt(value: bigint, family: IpFamily): IpAddress {
  const length = family === 'IPv4' ? 4 : 16;
  if (value < 0n || value >> BigInt(length * 8) !== 0n) throw new RangeError(`${value} is no ${family} address`);
  const bytes = new Uint8Array(length);
  for (let index = length - 1, rest = value; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return { family, bytes };
}

/** The address `offset` above `ip`. */
export function addToIp(ip: IpAddress, offset: number | bigint): IpAddress {
  return ipFromBigInt(ipToBigInt(ip) + BigInt(offset), ip.family);
}

/** Negative, zero or positive: IPv4 before IPv6, then by value. */
export function compareIps(a: IpAddress, b: IpAddress): number {
  if (a.bytes.length !== b.bytes.length) return a.bytes.length - b.bytes.length;
  for (let index = 0; index < a.bytes.length; index++) {
    const difference = (a.bytes[index] ?? 0) - (b.bytes[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether two addresses are the same. */
export function ipsEqual(a: IpAddress, b: IpAddress): boolean {
  return compareIps(a, b) === 0;
}

/** 0.0.0.0 or ::. */
export function isUnspecified(ip: IpAddress): boolean {
  return ip.bytes.every((byte) => byte === 0);
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(ip: IpAddress): boolean {
  if (ip.family === 'IPv4') return ip.bytes[0] === 127;
  return ip.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** 169.254.0.0/16 or fe80::/10. */
export function isLinkLocalUnicast(ip: IpAddress): boolean {
  const [a = 0, b = 0] = ip.bytes;
  return ip.family === 'IPv4' ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80;
}

/** 224.0.0.0/24 or ff02::/16. */
export function isLinkLocalMulticast(ip: IpAddress): boolean {
  const [a = 0, b = 0, c = 0] = ip.bytes;
  return ip.family === 'IPv4' ? a === 224 && b === 0 && c === 0 : a === 0xff && (b & 0x0f) === 0x02;
}

/** ::ffff:a.b.c.d. */
export function isIpv4Mapped(ip: IpAddress): boolean {
  return ip.family === 'IPv6' && ip.bytes.every((byte, index) => index >= 12 || byte === (index >= 10 ? 0xff : 0));
}

function maskByte(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bits = parseIpv4Bits(text);
  return bits < 0 ? undefined : Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [index, group] of groups.entries()) {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  }
  return bytes;
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 tail is allowed where the text ends. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && isLast && index === parts.length - 1) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = v4;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) groups.push(((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0));
  if (isIpv4Mapped({ family: 'IPv6', bytes })) return `::ffff:${bytes.slice(12).join('.')}`;
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}
