/**
 * Writes an answer behind the question in the packet that asked, straight from pre-encoded record data: no objects, no copies
 * of names. Owner names are pointers (RFC 1035 §4.1.4); names of our zone end in a pointer to the zone *in the question*, so
 * they are short and carry the letter case that the client used, which is what resolvers with 0x20 randomisation need.
 */
import type { RRset } from '../names/index.ts';
import { rrTypes } from '../names/index.ts';
import { classIn, headerFlags, optBytes } from './protocol.ts';
import type { Query } from './query.ts';

/** Chooses the order in which the records of an address set are written; see `shuffle.ts`. */
export interface Permutation {
  /** Index of the record that is written as `position`-th of `count`. Called with 0, 1, 2, … in turn. */
  pick(position: number, count: number): number;
}

/** One packet being answered. Made once, used for every query: `begin` … `finish`. */
export class AnswerWriter {
  packet: Uint8Array = new Uint8Array(0);
  /** Behind the last byte written. */
  end = 0;
  answers = 0;
  authorities = 0;
  additionals = 0;
  isTruncated = false;
  /** Where the last name-bearing item's name stands: the owner of the next link of a chain, or of glue. */
  lastNameAt = 0;

  readonly #zoneWire: string;
  readonly #permutation: Permutation;
  #limit = 0;
  /** Where the cluster domain stands in the packet; 0 while it does not. */
  #zoneAt = 0;

  constructor(zoneWire: string, permutation: Permutation) {
    this.#zoneWire = zoneWire;
    this.#permutation = permutation;
  }

  /** Starts behind the question. `zoneAt`: where the cluster domain stands in it, or 0. `maxBytes` is the whole message, OPT included. */
  begin(packet: Uint8Array, query: Query, zoneAt: number, maxBytes: number): void {
    this.packet = packet;
    this.end = query.questionEnd;
    this.answers = 0;
    this.authorities = 0;
    this.additionals = 0;
    this.isTruncated = false;
    this.lastNameAt = 0;
    this.#zoneAt = zoneAt;
    this.#limit = Math.min(maxBytes, packet.length) - (query.hasOpt ? optBytes : 0);
  }

  /** Writes records of a set until the packet is full; the rest is missing and `isTruncated` says so. Returns how many were written. */
  addAnswers(rrset: RRset, ownerAt: number): number {
    let written = 0;
    while (written < rrset.count && this.#addRecord(rrset, this.#order(rrset, written), ownerAt)) written++;
    this.answers += written;
    if (written < rrset.count) this.isTruncated = true;
    return written;
  }

  /** The one record at `index` of a set, into the answer section. False when it did not fit. */
  addAnswer(rrset: RRset, index: number, ownerAt: number): boolean {
    if (!this.#addRecord(rrset, index, ownerAt)) {
      this.isTruncated = true;
      return false;
    }
    this.answers++;
    return true;
  }

  /** One address record whose data is not in the index but in `address[0, length)`: a pod's name is its address. */
  addAddress(address: Uint8Array, length: number, ttlSeconds: number, ownerAt: number): void {
    if (this.end + 12 + length > this.#limit) {
      this.isTruncated = true;
      return;
    }
    const lengthAt = this.#head(ownerAt, length === 4 ? rrTypes.A : rrTypes.AAAA, ttlSeconds);
    for (let index = 0; index < length; index++) this.packet[this.end++] = address[index] as number;
    this.#setUint16(lengthAt, length);
    this.answers++;
  }

  /** One complete record from elsewhere, in uncompressed wire form. False when it did not fit; in the answer section TC is then set. */
  addRaw(record: Uint8Array, isAuthority: boolean): boolean {
    if (this.end + record.length > this.#limit) {
      if (!isAuthority) this.isTruncated = true;
      return false;
    }
    this.packet.set(record, this.end);
    this.end += record.length;
    if (isAuthority) this.authorities++;
    else this.answers++;
    return true;
  }

  /** Additional records: what does not fit is left out without a word, for TC would only cost the client a second query. */
  addGlue(rrset: RRset, ownerAt: number): boolean {
    for (let position = 0; position < rrset.count; position++) {
      if (!this.#addRecord(rrset, this.#order(rrset, position), ownerAt)) return false;
      this.additionals++;
    }
    return true;
  }

  /** The zone's SOA record, into the answer or authority section. `ownerAt`: where the zone's name stands in the question. */
  addSoa(ownerAt: number, serial: number, ttlSeconds: number, isAuthority: boolean): void {
    const nameBytes = soaNames[0].length + soaNames[1].length + 2 * this.#zoneBytes(true);
    if (this.end + 12 + nameBytes + 20 > this.#limit) {
      this.isTruncated = true;
      return;
    }
    // Negative answers live as long as the SOA record's own TTL says (RFC 2308 §5): at most 5 minutes.
    const lengthAt = this.#head(ownerAt, rrTypes.SOA, Math.min(ttlSeconds, 300));
    for (const name of soaNames) {
      this.#copy(name, 0);
      this.#zone(true);
    }
    this.#uint32(serial);
    this.#uint32(7200); // refresh
    this.#uint32(1800); // retry
    this.#uint32(86_400); // expire
    this.#uint32(ttlSeconds); // minimum
    this.#setUint16(lengthAt, this.end - lengthAt - 2);
    if (isAuthority) this.authorities++;
    else this.answers++;
  }

  /** Completes header and OPT and returns the length of the message. `rcode` may need the OPT's extra bits. */
  finish(query: Query, rcode: number, isAuthoritative: boolean, udpBytes: number): number {
    const copied = headerFlags.RD | headerFlags.CD;
    const flags =
      headerFlags.QR |
      (query.opcode << 11) |
      (query.flags & copied) |
      (isAuthoritative ? headerFlags.AA : 0) |
      (this.isTruncated ? headerFlags.TC : 0) |
      (rcode & 15);
    this.#setUint16(2, flags);
    this.#setUint16(4, query.questionEnd > 12 ? 1 : 0);
    this.#setUint16(6, this.answers);
    this.#setUint16(8, this.authorities);
    if (query.hasOpt) {
      this.packet[this.end++] = 0;
      this.#uint16(41);
      this.#uint16(udpBytes);
      this.packet[this.end++] = rcode >> 4;
      this.packet[this.end++] = 0; // version
      this.#uint16(query.isDnssecOk ? 0x8000 : 0);
      this.#uint16(0);
      this.additionals++;
    }
    this.#setUint16(10, this.additionals);
    return this.end;
  }

  #order(rrset: RRset, position: number): number {
    return rrset.itemBytes > 0 && rrset.count > 1 ? this.#permutation.pick(position, rrset.count) : position;
  }

  #addRecord(rrset: RRset, index: number, ownerAt: number): boolean {
    if (rrset.itemBytes > 0) {
      if (this.end + this.#ownerBytes(ownerAt) + 10 + rrset.itemBytes > this.#limit) return false;
      const { packet } = this;
      let at = this.#head(ownerAt, rrset.type, rrset.ttlSeconds);
      packet[at++] = 0;
      packet[at++] = rrset.itemBytes;
      for (let from = index * rrset.itemBytes, to = from + rrset.itemBytes; from < to; from++)
        packet[at++] = rrset.data.charCodeAt(from);
      this.end = at;
      return true;
    }
    const item = rrset.items[index] as string;
    // RFC 2782: the target of an SRV record is not compressed.
    const mayCompress = rrset.type !== rrTypes.SRV;
    const bytes = item.length + (rrset.nameAt < 0 ? 0 : this.#zoneBytes(mayCompress));
    if (this.end + this.#ownerBytes(ownerAt) + 10 + bytes > this.#limit) return false;
    const lengthAt = this.#head(ownerAt, rrset.type, rrset.ttlSeconds);
    this.lastNameAt = this.end + Math.max(0, rrset.nameAt);
    this.#copy(item, 0);
    if (rrset.nameAt >= 0) this.#zone(mayCompress);
    this.#setUint16(lengthAt, this.end - lengthAt - 2);
    return true;
  }

  /** Owner, type, class and TTL. Leaves room for the length and returns where it stands. */
  #head(ownerAt: number, type: number, ttlSeconds: number): number {
    if (ownerAt <= maxPointer) {
      this.#uint16(0xc000 | ownerAt);
    } else {
      const length = this.#ownerBytes(ownerAt);
      this.packet.copyWithin(this.end, ownerAt, ownerAt + length);
      this.end += length;
    }
    this.#uint16(type);
    this.#uint16(classIn);
    this.#uint32(ttlSeconds);
    this.end += 2;
    return this.end - 2;
  }

  /** A pointer, or beyond its reach a copy of the name: only SRV targets stand there, and those are uncompressed. */
  #ownerBytes(ownerAt: number): number {
    if (ownerAt <= maxPointer) return 2;
    let at = ownerAt;
    while (this.packet[at] !== 0) at += 1 + (this.packet[at] as number);
    return at + 1 - ownerAt;
  }

  #zoneBytes(mayCompress: boolean): number {
    return mayCompress && this.#zoneAt > 0 ? 2 : this.#zoneWire.length + 1;
  }

  /** Ends a name with the cluster domain. */
  #zone(mayCompress: boolean): void {
    if (this.#zoneAt > 0 && mayCompress) {
      this.#uint16(0xc000 | this.#zoneAt);
    } else if (this.#zoneAt > 0) {
      const length = this.#zoneWire.length + 1;
      this.packet.copyWithin(this.end, this.#zoneAt, this.#zoneAt + length);
      this.end += length;
    } else {
      // The question is in a reverse zone: from now on names can point at this copy.
      if (this.end <= maxPointer) this.#zoneAt = this.end;
      this.#copy(this.#zoneWire, 0);
      this.packet[this.end++] = 0;
    }
  }

  #copy(text: string, from: number): void {
    const { packet } = this;
    let { end } = this;
    for (let index = from; index < text.length; index++) packet[end++] = text.charCodeAt(index);
    this.end = end;
  }

  #uint16(value: number): void {
    this.packet[this.end++] = value >> 8;
    this.packet[this.end++] = value & 0xff;
  }

  #uint32(value: number): void {
    this.#uint16((value >>> 16) & 0xffff);
    this.#uint16(value & 0xffff);
  }

  #setUint16(at: number, value: number): void {
    this.packet[at] = value >> 8;
    this.packet[at + 1] = value & 0xff;
  }
}

/** The furthest byte that a compression pointer reaches. */
export const maxPointer = 0x3fff;

/** mname and rname of the SOA record, relative to the cluster domain. */
const soaNames = ['\x02ns\x03dns', '\x0ahostmaster'] as const;
