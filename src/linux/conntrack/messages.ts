/** ctnetlink messages. Pure. Source: linux/netfilter/nfnetlink_conntrack.h; CTA_FILTER since Linux 5.8. */
import { ipsEqual, type IpAddress } from '../../net/index.ts';
import type { AttributeShape, MessageShape } from '../netlink/extended-ack.ts';
import { AttributeTable, type Message } from '../netlink/message-reader.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import type { Flow, FlowFilter, FlowTuple } from './model.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
export const CT_MSG = {
  NEW: NFNL_SUBSYS_CTNETLINK << 8,
  GET: (NFNL_SUBSYS_CTNETLINK << 8) | 1,
  DELETE: (NFNL_SUBSYS_CTNETLINK << 8) | 2,
  GET_STATS: (NFNL_SUBSYS_CTNETLINK << 8) | 5,
} as const;

const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, TIMEOUT: 7, ID: 12, FILTER: 25, STATUS_MASK: 26 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
/** CTA_FILTER_FLAG_CTA_*: which parts of the tuple count. */
const FILTER_FLAG = { IP_SRC: 1, IP_DST: 2, PROTO_NUM: 8, PROTO_SRC_PORT: 16, PROTO_DST_PORT: 32 } as const;
export const CTA_STATS_GLOBAL_ENTRIES = 1;

/** Writes the whole tuple of one direction, for a deletion. */
export function writeOriginalTuple(writer: MessageWriter, tuple: FlowTuple): void {
  writeTuple(writer, CTA.TUPLE_ORIG, {
    source: tuple.source,
    destination: tuple.destination,
    protocol: tuple.protocol,
    sourcePort: tuple.sourcePort,
    destinationPort: tuple.destinationPort,
  });
}

/**
 * Writes what the kernel can filter by: parts of the original tuple, else parts of the reply's. (Both tuples in one request
 * are possible, but the ports of either need the protocol in the same one.) `matchesFilter` does the rest, IPv6 addresses among
 * it: Linux compares those the wrong way round (`ctnetlink_filter_match_tuple` passes over what is equal; seen on 6.18).
 */
export function writeFilter(writer: MessageWriter, filter: FlowFilter): void {
  const original = {
    source: ipv4Only(filter.originalSource),
    destination: ipv4Only(filter.originalDestination),
    protocol: filter.protocol,
    destinationPort: filter.originalDestinationPort,
  };
  const replySource = ipv4Only(filter.replySource);
  const reply = { source: replySource, protocol: filter.protocol, sourcePort: filter.replySourcePort };
  const originalFlags = tupleFlags(original);
  const replyFlags = replySource === undefined && filter.replySourcePort === undefined ? 0 : tupleFlags(reply);
  if (originalFlags !== 0 || replyFlags !== 0) {
    if (originalFlags !== 0) writeTuple(writer, CTA.TUPLE_ORIG, original);
    if (replyFlags !== 0) writeTuple(writer, CTA.TUPLE_REPLY, reply);
    const nest = writer.beginNest(CTA.FILTER);
    writer.attributeU32(CTA_FILTER.ORIG_FLAGS, originalFlags).attributeU32(CTA_FILTER.REPLY_FLAGS, replyFlags);
    writer.endNest(nest);
  }
}

/** Whether a flow is what the filter asks for: for kernels that do not filter, and for what they cannot. */
export function matchesFilter(flow: Flow, filter: FlowFilter): boolean {
  const { original, reply } = flow;
  return (
    (filter.protocol === undefined || original.protocol === filter.protocol) &&
    isOrAny(original.destination, filter.originalDestination) &&
    isOrAny(original.source, filter.originalSource) &&
    isOrAny(reply.source, filter.replySource) &&
    (filter.originalDestinationPort === undefined || original.destinationPort === filter.originalDestinationPort) &&
    (filter.replySourcePort === undefined || reply.sourcePort === filter.replySourcePort) &&
    (filter.status === undefined || (flow.status & filter.status) === filter.status)
  );
}

const top = new AttributeTable(27);
const tuple = new AttributeTable(3);
const part = new AttributeTable(4);

/** Undefined for an entry without both tuples. */
export function decodeFlow(message: Message): Flow | undefined {
  top.parse(message.bytes, message.start + 4, message.end);
  const original = decodeTuple(CTA.TUPLE_ORIG);
  const reply = decodeTuple(CTA.TUPLE_REPLY);
  if (original === undefined || reply === undefined) return undefined;
  return {
    original,
    reply,
    status: top.be32(CTA.STATUS) ?? 0,
    timeoutSeconds: top.be32(CTA.TIMEOUT) ?? 0,
    id: top.be32(CTA.ID) ?? 0,
  };
}

function decodeTuple(type: number): FlowTuple | undefined {
  if (!top.has(type)) return undefined;
  tuple.parseNested(top, type);
  part.parseNested(tuple, CTA_TUPLE.IP);
  const source = toIp(part.bytes(CTA_IP.V4_SRC) ?? part.bytes(CTA_IP.V6_SRC));
  const destination = toIp(part.bytes(CTA_IP.V4_DST) ?? part.bytes(CTA_IP.V6_DST));
  if (source === undefined || destination === undefined) return undefined;
  part.parseNested(tuple, CTA_TUPLE.PROTO);
  return {
    source,
    destination,
    protocol: part.u8(CTA_PROTO.NUM) ?? 0,
    sourcePort: part.be16(CTA_PROTO.SRC_PORT) ?? 0,
    destinationPort: part.be16(CTA_PROTO.DST_PORT) ?? 0,
  };
}

type PartialTuple = { readonly [K in keyof FlowTuple]?: FlowTuple[K] | undefined };

function ipv4Only(address: IpAddress | undefined): IpAddress | undefined {
  return address?.family === 'IPv4' ? address : undefined;
}

function tupleFlags(parts: PartialTuple): number {
  return (
    (parts.source === undefined ? 0 : FILTER_FLAG.IP_SRC) |
    (parts.destination === undefined ? 0 : FILTER_FLAG.IP_DST) |
    (parts.protocol === undefined ? 0 : FILTER_FLAG.PROTO_NUM) |
    // The kernel reads ports by the protocol's rules, so without one it cannot filter by them.
    (parts.protocol === undefined || parts.sourcePort === undefined ? 0 : FILTER_FLAG.PROTO_SRC_PORT) |
    (parts.protocol === undefined || parts.destinationPort === undefined ? 0 : FILTER_FLAG.PROTO_DST_PORT)
  );
}

function writeTuple(writer: MessageWriter, type: number, parts: PartialTuple): void {
  const nest = writer.beginNest(type);
  if (parts.source !== undefined || parts.destination !== undefined) {
    const ip = writer.beginNest(CTA_TUPLE.IP);
    const isV4 = (parts.source ?? parts.destination)?.family === 'IPv4';
    if (parts.source !== undefined) writer.attribute(isV4 ? CTA_IP.V4_SRC : CTA_IP.V6_SRC, parts.source.bytes);
    if (parts.destination !== undefined) writer.attribute(isV4 ? CTA_IP.V4_DST : CTA_IP.V6_DST, parts.destination.bytes);
    writer.endNest(ip);
  }
  if (parts.protocol !== undefined) {
    const protocol = writer.beginNest(CTA_TUPLE.PROTO);
    writer.attributeU8(CTA_PROTO.NUM, parts.protocol);
    if (parts.sourcePort !== undefined) writer.attributeBe16(CTA_PROTO.SRC_PORT, parts.sourcePort);
    if (parts.destinationPort !== undefined) writer.attributeBe16(CTA_PROTO.DST_PORT, parts.destinationPort);
    writer.endNest(protocol);
  }
  writer.endNest(nest);
}

function toIp(bytes: Uint8Array | undefined): IpAddress | undefined {
  if (bytes?.length !== 4 && bytes?.length !== 16) return undefined;
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes };
}

function isOrAny(address: IpAddress, wanted: IpAddress | undefined): boolean {
  return wanted === undefined || ipsEqual(address, wanted);
}

const tupleShape: AttributeShape = {
  name: 'tuple',
  children: {
    1: {
      name: 'ip',
      children: { 1: { name: 'source' }, 2: { name: 'destination' }, 3: { name: 'source' }, 4: { name: 'destination' } },
    },
    2: { name: 'protocol', children: { 1: { name: 'number' }, 2: { name: 'source port' }, 3: { name: 'destination port' } } },
  },
};
const attributes: Readonly<Record<number, AttributeShape>> = {
  1: { ...tupleShape, name: 'original' },
  2: { ...tupleShape, name: 'reply' },
  25: { name: 'filter' },
};
const names = new Map<number, string>(Object.entries(CT_MSG).map(([name, type]) => [type, `IPCTNL_MSG_CT_${name}`]));

/** Names for error texts. */
export function conntrackShapeOf(type: number): MessageShape | undefined {
  const name = names.get(type);
  return name === undefined ? undefined : { name, headerBytes: 4, attributes };
}
