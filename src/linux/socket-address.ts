/** `struct sockaddr_*` as bytes. Pure. */
import { formatIp, parseIp } from '../net/index.ts';
import { AF_INET, AF_INET6, AF_NETLINK } from './constants.ts';

/**
 * sockaddr_in (16 bytes: family u16 host, port u16 BE, address) or sockaddr_in6 (28: family, port, flowinfo, address,
 * scope id). Throws `TypeError` for a text that is no address.
 */
export function encodeSocketAddress(address: string, port: number): Uint8Array {
  const ip = parseIp(address);
  if (ip === undefined) throw new TypeError(`not an IP address: ${JSON.stringify(address)}`);
  const isV4 = ip.family === 'IPv4';
  const bytes = new Uint8Array(isV4 ? 16 : 28);
  bytes[0] = isV4 ? AF_INET : AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(ip.bytes, isV4 ? 4 : 8);
  return bytes;
}

/** The reverse; undefined for other families. */
export function decodeSocketAddress(bytes: Uint8Array): { readonly address: string; readonly port: number } | undefined {
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (family === AF_INET && bytes.length >= 8) return { address: formatIp({ family: 'IPv4', bytes: bytes.slice(4, 8) }), port };
  if (family === AF_INET6 && bytes.length >= 24)
    return { address: formatIp({ family: 'IPv6', bytes: bytes.slice(8, 24) }), port };
  return undefined;
}

/** sockaddr_nl: family, padding, port id (0 = the kernel chooses), group bits (groups 1 to 32). */
export function encodeNetlinkAddress(portId = 0, groups = 0): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[0] = AF_NETLINK;
  const view = new DataView(bytes.buffer);
  view.setUint32(4, portId, true);
  view.setUint32(8, groups, true);
  return bytes;
}
