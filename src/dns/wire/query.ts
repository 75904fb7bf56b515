/**
 * Reads a query in place: header, the one question, the OPT record. Strict, and without garbage: everything lands in a
 * `Query` that is made once and used again.
 *
 *   +--------+-------------------------+-----------------+
 *   | header | qname  qtype  qclass    | records (OPT)   |
 *   +--------+-------------------------+-----------------+
 *   0        12       qnameEnd    questionEnd         length
 */
import { headerBytes, headerFlags, plainUdpBytes, queryTypes } from './protocol.ts';

/** What a decoded query says. Fields keep the last query's values until the next `decodeQuery`. */
export interface Query {
  id: number;
  /** Second word of the header. */
  flags: number;
  opcode: number;
  qtype: number;
  qclass: number;
  /** Number of labels of the name; the root has none. */
  labelCount: number;
  /** Where each label's length octet stands. `labelCount` entries are valid. */
  readonly labelAt: Uint8Array;
  /** Where the name's final zero octet stands. */
  qnameEnd: number;
  /** First byte behind the question; 12 when the question could not be read. */
  questionEnd: number;
  hasOpt: boolean;
  /** EDNS version (RFC 6891 §6.1.3). */
  ednsVersion: number;
  /** DNSSEC OK. */
  isDnssecOk: boolean;
  /** The UDP payload that the client takes; 512 without EDNS and never below. */
  udpBytes: number;
}

/** What to do with a packet. */
export const queryVerdicts = { ok: 0, drop: 1, malformed: 2 } as const;
export type QueryVerdict = (typeof queryVerdicts)[keyof typeof queryVerdicts];

/** An empty query, to be filled anew for each message that comes. */
export function createQuery(): Query {
  return {
    id: 0,
    flags: 0,
    opcode: 0,
    qtype: 0,
    qclass: 0,
    labelCount: 0,
    labelAt: new Uint8Array(128),
    qnameEnd: 0,
    questionEnd: 0,
    hasOpt: false,
    ednsVersion: 0,
    isDnssecOk: false,
    udpBytes: plainUdpBytes,
  };
}

/**
 * Reads `packet[0, length)` into `query`. `drop`: no header, or an answer (never answer an answer). `malformed`: reply FORMERR;
 * `query.questionEnd` is then behind the question if that much was readable, else 12. Counts are held to what miekg/dns accepts:
 * one question, at most one answer, one authority and two additional records. Bytes behind the message are ignored.
 */
export function decodeQuery(packet: Uint8Array, length: number, query: Query): QueryVerdict {
  if (length < headerBytes) return queryVerdicts.drop;
  query.id = uint16At(packet, 0);
  query.flags = uint16At(packet, 2);
  query.opcode = (query.flags >> 11) & 15;
  query.questionEnd = headerBytes;
  query.hasOpt = false;
  query.isDnssecOk = false;
  query.ednsVersion = 0;
  query.udpBytes = plainUdpBytes;
  if ((query.flags & headerFlags.QR) !== 0) return queryVerdicts.drop;
  const answers = uint16At(packet, 6);
  const authorities = uint16At(packet, 8);
  const additionals = uint16At(packet, 10);
  if (uint16At(packet, 4) !== 1) return queryVerdicts.malformed;
  if (!readQuestion(packet, length, query)) return queryVerdicts.malformed;
  if (answers > 1 || authorities > 1 || additionals > 2) return queryVerdicts.malformed;
  let at = query.questionEnd;
  for (let index = answers + authorities + additionals; index > 0; index--) {
    at = readRecord(packet, length, at, index <= additionals, query);
    if (at < 0) return queryVerdicts.malformed;
  }
  return queryVerdicts.ok;
}

function readQuestion(packet: Uint8Array, length: number, query: Query): boolean {
  let at = headerBytes;
  let labels = 0;
  for (;;) {
    if (at >= length) return false;
    const octet = packet[at] as number;
    if (octet === 0) break;
    // A pointer has nothing to point at in a first name, and other label types are dead (RFC 6891 §5).
    if (octet > 63) return false;
    query.labelAt[labels++] = at;
    at += 1 + octet;
    if (at - headerBytes > 254) return false;
  }
  if (at + 5 > length) return false;
  query.labelCount = labels;
  query.qnameEnd = at;
  query.qtype = uint16At(packet, at + 1);
  query.qclass = uint16At(packet, at + 3);
  query.questionEnd = at + 5;
  return true;
}

/** Steps over one record, noting an OPT. Returns where the next one starts, or -1. */
function readRecord(packet: Uint8Array, length: number, start: number, isAdditional: boolean, query: Query): number {
  const nameEnd = skipName(packet, length, start);
  if (nameEnd < 0 || nameEnd + 10 > length) return -1;
  const end = nameEnd + 10 + uint16At(packet, nameEnd + 8);
  if (end > length) return -1;
  if (uint16At(packet, nameEnd) !== queryTypes.OPT) return end;
  // One OPT, of the root, among the additional records (RFC 6891 §6.1.1).
  if (query.hasOpt || !isAdditional || nameEnd !== start + 1) return -1;
  query.hasOpt = true;
  query.udpBytes = Math.max(plainUdpBytes, uint16At(packet, nameEnd + 2));
  query.ednsVersion = packet[nameEnd + 5] as number;
  query.isDnssecOk = ((packet[nameEnd + 6] as number) & 0x80) !== 0;
  // Options (cookies, NSID, …) mean nothing to us and are not echoed; they only must be well-formed.
  let at = nameEnd + 10;
  while (at + 4 <= end) at += 4 + uint16At(packet, at + 2);
  return at === end ? end : -1;
}

function skipName(packet: Uint8Array, length: number, start: number): number {
  let at = start;
  while (at < length) {
    const octet = packet[at] as number;
    if (octet === 0) return at + 1;
    if (octet >= 0xc0) return at + 2 <= length ? at + 2 : -1;
    if (octet > 63 || at - start > 254) return -1;
    at += 1 + octet;
  }
  return -1;
}

function uint16At(packet: Uint8Array, at: number): number {
  return ((packet[at] as number) << 8) | (packet[at + 1] as number);
}
