/** rtnetlink messages: numbers, encoders, decoders. Pure. Source: linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h, fib_rules.h. */
import type { Cidr, IpAddress, IpFamily } from '../../net/index.ts';
import type { AttributeShape, MessageShape } from '../netlink/extended-ack.ts';
import { AttributeTable, readU16, readU32, type Message } from '../netlink/message-reader.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import type { DumpedRoute, Link, LinkAddress, Neighbour, RouteRule, RouteType } from './model.ts';

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;

export const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, MASTER: 10, LINKINFO: 18, NET_NS_FD: 28 } as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
export const VETH_INFO_PEER = 1;
export const IFF_UP = 1;
const IFF_RUNNING = 0x40;

export const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
export const IFA_F_NODAD = 0x2;
const IFA_F_TENTATIVE = 0x40;
export const IFA_F_NOPREFIXROUTE = 0x200;

export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9, TABLE: 15, VIA: 18 } as const;
export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_MAIN = 254;
/** Our routes say that a static configuration made them (RTPROT_STATIC). */
export const RTPROT_STATIC = 4;
export const RTNH_F_ONLINK = 4;
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253, HOST: 254 } as const;

export const FRA = { DST: 1, SRC: 2, IIFNAME: 3, PRIORITY: 6, FWMARK: 10, TABLE: 15 } as const;
export const FR_ACT_TO_TBL = 1;

export const NDA = { DST: 1, LLADDR: 2 } as const;
export const NUD_PERMANENT = 0x80;

/** Bytes of the header that follows the netlink header. */
const HEADER = { link: 16, address: 8, route: 12, rule: 12, neighbour: 12 } as const;

export const routeTypes: Readonly<Record<RouteType, number>> = {
  unicast: 1,
  local: 2,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
};

/** AF_INET or AF_INET6; AF_UNSPEC for undefined. */
export function familyNumber(family: IpFamily | undefined): number {
  return family === undefined ? 0 : family === 'IPv4' ? 2 : 10;
}

/** struct ifinfomsg: family, padding, type, index, flags, change mask. */
export function writeLinkHeader(writer: MessageWriter, index: number, flags = 0, change = 0): MessageWriter {
  return writer.u8(0).u8(0).u16(0).u32(index).u32(flags).u32(change);
}

/** struct ifaddrmsg: family, prefix length, flags (low byte), scope, index. */
export function writeAddressHeader(writer: MessageWriter, family: number, prefixLength: number, index: number): MessageWriter {
  return writer.u8(family).u8(prefixLength).u8(0).u8(0).u32(index);
}

/** struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags. */
export function writeRouteHeader(
  writer: MessageWriter,
  header: { family: number; prefixLength: number; table: number; protocol: number; scope: number; type: number; flags: number },
): MessageWriter {
  writer.u8(header.family).u8(header.prefixLength).u8(0).u8(0);
  writer.u8(header.table > 255 ? RT_TABLE_UNSPEC : header.table).u8(header.protocol);
  return writer.u8(header.scope).u8(header.type).u32(header.flags);
}

/** struct fib_rule_hdr: family, destination and source length, tos, table, two reserved, action, flags. */
export function writeRuleHeader(
  writer: MessageWriter,
  family: number,
  destination = 0,
  source = 0,
  table = 0,
  action = 0,
): MessageWriter {
  writer
    .u8(family)
    .u8(destination)
    .u8(source)
    .u8(0)
    .u8(table > 255 ? 0 : table);
  return writer.u8(0).u8(0).u8(action).u32(0);
}

/** struct ndmsg: family, padding, index, state, flags, type. */
export function writeNeighbourHeader(writer: MessageWriter, family: number, index = 0, state = 0): MessageWriter {
  return writer.u8(family).u8(0).u16(0).u32(index).u16(state).u8(0).u8(0);
}

const table = new AttributeTable(64);
const nested = new AttributeTable(32);

/** A NEWLINK message. */
export function decodeLink(message: Message): Link {
  const { bytes, start } = message;
  const attributes = table.parse(bytes, start + HEADER.link, message.end);
  const flags = readU32(bytes, start + 8);
  const kind = nested.parseNested(attributes, IFLA.LINKINFO).string(IFLA_INFO.KIND);
  const mac = formatMac(attributes.bytes(IFLA.ADDRESS));
  const master = attributes.u32(IFLA.MASTER);
  return {
    index: readU32(bytes, start + 4),
    name: attributes.string(IFLA.IFNAME) ?? '',
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    isUp: (flags & IFF_UP) !== 0,
    isRunning: (flags & IFF_RUNNING) !== 0,
    ...(mac === undefined ? {} : { mac }),
    ...(kind === undefined ? {} : { kind }),
    ...(master === undefined ? {} : { master }),
  };
}

/** A NEWADDR message; undefined for families other than IPv4 and IPv6. */
export function decodeAddress(message: Message): LinkAddress | undefined {
  const { bytes, start } = message;
  const attributes = table.parse(bytes, start + HEADER.address, message.end);
  // On point-to-point links ADDRESS is the peer's; LOCAL is ours.
  const address = toIp(attributes.bytes(IFA.LOCAL) ?? attributes.bytes(IFA.ADDRESS));
  if (address === undefined) return undefined;
  return {
    linkIndex: readU32(bytes, start + 4),
    address: { address, prefixLength: bytes[start + 1] ?? 0 },
    scope: bytes[start + 3] ?? 0,
    isTentative: ((attributes.u32(IFA.FLAGS) ?? 0) & IFA_F_TENTATIVE) !== 0,
  };
}

/** A NEWROUTE message; undefined for families other than IPv4 and IPv6. */
export function decodeRoute(message: Message): DumpedRoute | undefined {
  const { bytes, start } = message;
  const family = familyOf(bytes[start] ?? 0);
  if (family === undefined) return undefined;
  const attributes = table.parse(bytes, start + HEADER.route, message.end);
  const destination = toIp(attributes.bytes(RTA.DST));
  const prefixLength = bytes[start + 1] ?? 0;
  const type = Object.entries(routeTypes).find(([, number]) => number === bytes[start + 7])?.[0] as RouteType | undefined;
  const metric = attributes.u32(RTA.PRIORITY);
  const via = gatewayOf(attributes);
  const linkIndex = attributes.u32(RTA.OIF);
  const src = toIp(attributes.bytes(RTA.PREFSRC));
  const multipath = decodeNextHops(bytes, attributes.start(RTA.MULTIPATH), attributes.end(RTA.MULTIPATH));
  return {
    family,
    dst: destination === undefined ? undefined : { address: destination, prefixLength },
    type: type ?? 'other',
    table: attributes.u32(RTA.TABLE) ?? bytes[start + 4] ?? 0,
    protocol: bytes[start + 5] ?? 0,
    scope: bytes[start + 6] ?? 0,
    ...(metric === undefined ? {} : { metric }),
    ...(via === undefined ? {} : { via }),
    ...(linkIndex === undefined ? {} : { linkIndex }),
    ...(src === undefined ? {} : { src }),
    ...(multipath.length === 0 ? {} : { multipath }),
  };
}

/** struct rtnexthop, repeated: length, flags, hops (weight - 1), index, attributes. */
function decodeNextHops(bytes: Uint8Array, start: number, end: number): NonNullable<DumpedRoute['multipath']> {
  const hops: { via?: IpAddress; linkIndex: number; weight: number }[] = [];
  for (let at = start; at + 8 <= end;) {
    const length = readU16(bytes, at);
    if (length < 8) break;
    const via = gatewayOf(nested.parse(bytes, at + 8, at + length));
    hops.push({ ...(via === undefined ? {} : { via }), linkIndex: readU32(bytes, at + 4), weight: (bytes[at + 3] ?? 0) + 1 });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** A NEWRULE message; undefined for families other than IPv4 and IPv6. */
export function decodeRule(message: Message): RouteRule | undefined {
  const { bytes, start } = message;
  const family = familyOf(bytes[start] ?? 0);
  if (family === undefined) return undefined;
  const attributes = table.parse(bytes, start + HEADER.rule, message.end);
  const priority = attributes.u32(FRA.PRIORITY);
  const dst = toIp(attributes.bytes(FRA.DST));
  const src = toIp(attributes.bytes(FRA.SRC));
  const inputInterface = attributes.string(FRA.IIFNAME);
  const mark = attributes.u32(FRA.FWMARK);
  return {
    family,
    table: attributes.u32(FRA.TABLE) ?? bytes[start + 4] ?? 0,
    ...(priority === undefined ? {} : { priority }),
    ...(dst === undefined ? {} : { dst: { address: dst, prefixLength: bytes[start + 1] ?? 0 } }),
    ...(src === undefined ? {} : { src: { address: src, prefixLength: bytes[start + 2] ?? 0 } }),
    ...(inputInterface === undefined ? {} : { inputInterface }),
    ...(mark === undefined ? {} : { mark }),
  };
}

/** A NEWNEIGH message; undefined for entries without an address. */
export function decodeNeighbour(message: Message): Neighbour | undefined {
  const { bytes, start } = message;
  const attributes = table.parse(bytes, start + HEADER.neighbour, message.end);
  const address = toIp(attributes.bytes(NDA.DST));
  if (address === undefined) return undefined;
  const mac = formatMac(attributes.bytes(NDA.LLADDR));
  return {
    linkIndex: readU32(bytes, start + 4),
    address,
    state: readU16(bytes, start + 8),
    ...(mac === undefined ? {} : { mac }),
  };
}

/** `02:00:0a:01:02:03` to six bytes. Throws `TypeError` for anything else. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new TypeError(`not a MAC address: ${JSON.stringify(text)}`);
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

/** Whether a prefix is a default route's. */
export function isDefault(dst: Cidr | undefined): boolean {
  return dst === undefined || (dst.prefixLength === 0 && dst.address.bytes.every((byte) => byte === 0));
}

function formatMac(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 6) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function toIp(bytes: Uint8Array | undefined): IpAddress | undefined {
  if (bytes?.length !== 4 && bytes?.length !== 16) return undefined;
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes: bytes.slice() };
}

/** The gateway; RTA_VIA (a family, then the address) is an IPv4 route's by way of IPv6. */
function gatewayOf(attributes: AttributeTable): IpAddress | undefined {
  return toIp(attributes.bytes(RTA.GATEWAY)) ?? toIp(attributes.bytes(RTA.VIA)?.subarray(2));
}

function familyOf(number: number): IpFamily | undefined {
  return number === 2 ? 'IPv4' : number === 10 ? 'IPv6' : undefined;
}

const linkAttributes: Readonly<Record<number, AttributeShape>> = {
  1: { name: 'address' },
  3: { name: 'name', isSubject: true },
  4: { name: 'mtu' },
  10: { name: 'master' },
  18: { name: 'link info', children: { 1: { name: 'kind' }, 2: { name: 'data', children: { 1: { name: 'peer' } } } } },
  28: { name: 'namespace' },
};
const shapes: readonly (readonly [number, string, number, Readonly<Record<number, AttributeShape>>])[] = [
  [RTM.NEWLINK, 'LINK', HEADER.link, linkAttributes],
  [RTM.NEWADDR, 'ADDR', HEADER.address, { 1: { name: 'address' }, 2: { name: 'local' }, 8: { name: 'flags' } }],
  [
    RTM.NEWROUTE,
    'ROUTE',
    HEADER.route,
    {
      1: { name: 'dst' },
      4: { name: 'dev' },
      5: { name: 'via' },
      6: { name: 'metric' },
      7: { name: 'src' },
      9: { name: 'multipath' },
      15: { name: 'table' },
    },
  ],
  [RTM.NEWNEIGH, 'NEIGH', HEADER.neighbour, { 1: { name: 'address' }, 2: { name: 'mac' } }],
  [RTM.NEWRULE, 'RULE', HEADER.rule, { 1: { name: 'dst' }, 2: { name: 'src' }, 3: { name: 'input interface', isSubject: true } }],
];

/** Names for error texts. */
export function routeShapeOf(type: number): MessageShape | undefined {
  const shape = shapes.find(([first]) => type >= first && type < first + 3);
  const verb = ['NEW', 'DEL', 'GET'][type - (shape?.[0] ?? 0)];
  return shape === undefined ? undefined : { name: `RTM_${verb}${shape[1]}`, headerBytes: shape[2], attributes: shape[3] };
}
