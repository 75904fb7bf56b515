/**
 * Keys and data of kernel rows as binary strings: one character per byte (Latin-1), so that they are compact, comparable and
 * usable as Map keys. Every field of a concatenation is padded to 4 bytes:
 *
 *     frontend   address (4 or 16) | protocol 0 0 0 | port (big endian) 0 0
 *     port key                       protocol 0 0 0 | port 0 0
 *     endpoint   address           | port 0 0
 *     number     32 bits in host order (all supported machines are little endian)
 */
import type { IpAddress, IpFamily, Protocol } from '../../net/index.ts';
import { formatIp, mustParseIp, parseIpv4Bits, protocolFromNumber, protocolNumbers } from '../../net/index.ts';

/** One character per byte, 0 to 255. */
export type Bytes = string;

export function packIp(text: string): Bytes {
  const bits = parseIpv4Bits(text);
  if (bits < 0) return packIpBytes(mustParseIp(text));
  return String.fromCharCode(bits >>> 24, (bits >> 16) & 0xff, (bits >> 8) & 0xff, bits & 0xff);
}

export function packIpBytes({ bytes }: IpAddress): Bytes {
  // Spreading costs an iterator; nearly all addresses have four bytes.
  return bytes.length === 4
    ? String.fromCharCode(bytes[0] ?? 0, bytes[1] ?? 0, bytes[2] ?? 0, bytes[3] ?? 0)
    : String.fromCharCode(...bytes);
}

/** Protocol and port as in `nodeports`. */
export function packPortKey(protocol: Protocol, port: number): Bytes {
  return String.fromCharCode(protocolNumbers[protocol], 0, 0, 0, port >> 8, port & 0xff, 0, 0);
}

/** A frontend; `address` absent is the all-zero one that stands for every address of the node. */
export function packFrontend(family: IpFamily, address: string | undefined, protocol: Protocol, port: number): Bytes {
  return (address === undefined ? '\0'.repeat(addressLength(family)) : packIp(address)) + packPortKey(protocol, port);
}

/** An endpoint as map data: address and port, the port padded. */
export function packEndpoint(address: string, port: number): Bytes {
  const bits = parseIpv4Bits(address);
  if (bits >= 0) {
    // In one call, so that no string in between becomes garbage.
    return String.fromCharCode(bits >>> 24, (bits >> 16) & 0xff, (bits >> 8) & 0xff, bits & 0xff, port >> 8, port & 0xff, 0, 0);
  }
  return packIp(address) + String.fromCharCode(port >> 8, port & 0xff, 0, 0);
}

/** An index or id, 32 bits in host order. */
export function packNumber(value: number): Bytes {
  return String.fromCharCode(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}

/** The number that starts at this place. */
export function unpackNumber(bytes: Bytes, at = 0): number {
  const [a, b, c, d] = [bytes.charCodeAt(at), bytes.charCodeAt(at + 1), bytes.charCodeAt(at + 2), bytes.charCodeAt(at + 3)];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** Bytes of an address of the family: 4 or 16. */
export function addressLength(family: IpFamily): number {
  return family === 'IPv4' ? 4 : 16;
}

/** Bytes of a frontend key: 12 or 24. */
export function frontendLength(family: IpFamily): number {
  return addressLength(family) + 8;
}

export function toUint8Array(bytes: Bytes): Uint8Array {
  return Buffer.from(bytes, 'latin1');
}

export function fromUint8Array(bytes: Uint8Array): Bytes {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** `10.96.0.1:80/TCP`, or `node:30080/TCP` for the all-zero address: for logs and tests. */
export function frontendText(key: Bytes, family: IpFamily): string {
  const length = addressLength(family);
  const address = key.slice(0, length);
  const host = /[^\0]/.test(address) ? ipText(address) : 'node';
  const protocol = protocolFromNumber(key.charCodeAt(length)) ?? String(key.charCodeAt(length));
  return `${host.includes(':') ? `[${host}]` : host}:${portAt(key, length + 4)}/${protocol}`;
}

/** `10.244.1.2:8080`: for logs and tests. */
export function endpointText(data: Bytes): string {
  const length = data.length === 8 ? 4 : 16;
  const host = ipText(data.slice(0, length));
  return `${host.includes(':') ? `[${host}]` : host}:${portAt(data, length)}`;
}

export function ipText(bytes: Bytes): string {
  return formatIp(unpackIp(bytes));
}

export function unpackIp(bytes: Bytes): IpAddress {
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes: Uint8Array.from(toUint8Array(bytes)) };
}

export function portAt(bytes: Bytes, offset: number): number {
  return (bytes.charCodeAt(offset) << 8) | bytes.charCodeAt(offset + 1);
}
