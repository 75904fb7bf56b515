/**
 * Writes an answer behind the question in the packet that asked, straight from pre-encoded record data: no objects, no copies
 * of names. Owner names are pointers (RFC 1035 §4.1.4); names of our zone end in a pointer to the zone *in the question*, so
 * they are short and carry the letter case that the client used, which is what resolvers with 0x20 randomisation need.
 */
import type { NameReader, ServedNames } from '../../names/index.ts';
import { addressBytes, rrsetForms, rrTypes } from '../../names/index.ts';
import { classIn, headerFlags, optBytes } from '../wire/protocol.ts';
import type { Query } from '../wire/query.ts';

/** Chooses the order in which the records of an address set are written; see `shuffle.ts`. */
export interface Permutation {
  /** Index of the record that is written as `position`-th of `count`. Called with 0, 1, 2, … in turn. */
  pick(position: number, count: number): number;
  /** The record that long sets begin with; the others follow as in a ring. */
  first(count: number): number;
}

/** Records from elsewhere that complete a chain, in uncompressed wire form, as many as `count` says. */
export interface ChainTail {
  /** The name that was asked for: `chaseTarget`. Should the chain lead elsewhere by now, the tail does not belong to it. */
  readonly target: string;
  readonly rcode: number;
  readonly isTruncated: boolean;
  readonly answers: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
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

  readonly #reader: NameReader;
  readonly #zoneWire: string;
  readonly #permutation: Permutation;
  #limit = 0;
  /** Where the cluster domain stands in the packet; 0 while it does not. */
  #zoneAt = 0;

  constructor(names: Pick<ServedNames, 'reader' | 'zoneWire'>, permutation: Permutation) {
    this.#reader = names.reader;
    this.#zoneWire = names.zoneWire;
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
  addAnswers(rrset: number, ownerAt: number): number {
    const reader = this.#reader;
    const count = reader.countOf(rrset);
    const isOfAddresses = reader.formOf(rrset) === rrsetForms.addresses;
    let written = 0;
    if (isOfAddresses && count > longSet && ownerAt <= maxPointer) written = this.#addRing(rrset, count, ownerAt);
    else while (written < count && this.#addRecord(rrset, this.#order(isOfAddresses, written, count), ownerAt)) written++;
    this.answers += written;
    if (written < count) this.isTruncated = true;
    return written;
  }

  /** The one record at `index` of a set, into the answer section. False when it did not fit. */
  addAnswer(rrset: number, index: number, ownerAt: number): boolean {
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
  addGlue(rrset: number, ownerAt: number): boolean {
    const count = this.#reader.countOf(rrset);
    for (let position = 0; position < count; position++) {
      if (!this.#addRecord(rrset, this.#order(true, position, count), ownerAt)) return false;
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

  #order(isOfAddresses: boolean, position: number, count: number): number {
    return isOfAddresses && count > 1 ? this.#permutation.pick(position, count) : position;
  }

  /** Many addresses: all records but their data are alike, so they are copied as one, doubled; then the addresses are put in. */
  #addRing(rrset: number, count: number, ownerAt: number): number {
    const { packet } = this;
    const reader = this.#reader;
    const size = addressBytes(reader.typeOf(rrset));
    const step = 12 + size;
    const total = Math.min(count, Math.floor((this.#limit - this.end) / step));
    if (total <= 0) return 0;
    const start = this.end;
    const lengthAt = this.#head(ownerAt, reader.typeOf(rrset), reader.ttlOf(rrset));
    this.#setUint16(lengthAt, size);
    for (let done = 1; done < total; done *= 2)
      packet.copyWithin(start + done * step, start, start + Math.min(done, total - done) * step);
    const { bytes } = reader;
    const data = reader.dataOf(rrset);
    const last = data + count * size;
    let from = data + this.#permutation.first(count) * size;
    let at = start + 12;
    for (let written = 0; written < total; written++, at += step) {
      for (let index = 0; index < size; index++) packet[at + index] = bytes[from + index] as number;
      from += size;
      if (from === last) from = data;
    }
    this.end = start + total * step;
    return total;
  }

  #addRecord(rrset: number, index: number, ownerAt: number): boolean {
    const reader = this.#reader;
    switch (reader.formOf(rrset)) {
      case rrsetForms.addresses:
        return this.#addAddressRecord(rrset, index, ownerAt);
      case rrsetForms.raw:
        return this.#addRawRecord(rrset, index, ownerAt);
      default:
        return this.#addNameRecord(rrset, index, ownerAt);
    }
  }

  #addAddressRecord(rrset: number, index: number, ownerAt: number): boolean {
    const { packet } = this;
    const reader = this.#reader;
    const { bytes } = reader;
    const type = reader.typeOf(rrset);
    const size = addressBytes(type);
    if (this.end + this.#ownerBytes(ownerAt) + 10 + size > this.#limit) return false;
    let at = this.#head(ownerAt, type, reader.ttlOf(rrset));
    packet[at++] = 0;
    packet[at++] = size;
    for (let from = reader.dataOf(rrset) + index * size, to = from + size; from < to; from++)
      packet[at++] = bytes[from] as number;
    this.end = at;
    return true;
  }

  #addNameRecord(rrset: number, index: number, ownerAt: number): boolean {
    const { packet } = this;
    const reader = this.#reader;
    const type = reader.typeOf(rrset);
    const isService = reader.formOf(rrset) === rrsetForms.services;
    const target = reader.targetOf(rrset, index);
    // RFC 2782: the target of an SRV record is not compressed.
    const bytes = (isService ? 6 : 0) + reader.nameLength(target) + this.#zoneBytes(!isService);
    if (this.end + this.#ownerBytes(ownerAt) + 10 + bytes > this.#limit) return false;
    const lengthAt = this.#head(ownerAt, type, reader.ttlOf(rrset));
    if (isService) {
      packet[this.end++] = 0;
      packet[this.end++] = 0;
      for (let from = reader.dataOf(rrset) + 8 * index, to = from + 4; from < to; from++)
        packet[this.end++] = reader.bytes[from] as number;
    }
    this.lastNameAt = this.end;
    this.end = reader.copyName(target, packet, this.end);
    this.#zone(!isService);
    this.#setUint16(lengthAt, this.end - lengthAt - 2);
    return true;
  }

  #addRawRecord(rrset: number, index: number, ownerAt: number): boolean {
    const { packet } = this;
    const reader = this.#reader;
    const from = reader.rawOf(rrset, index);
    const length = reader.rawLength(from);
    if (this.end + this.#ownerBytes(ownerAt) + 10 + length > this.#limit) return false;
    const lengthAt = this.#head(ownerAt, reader.typeOf(rrset), reader.ttlOf(rrset));
    this.lastNameAt = this.end;
    for (let at = 0; at < length; at++) packet[this.end++] = reader.bytes[from + at] as number;
    this.#setUint16(lengthAt, length);
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

/** Sets of more addresses than this are written in the order of the index from a random one on: shuffling thousands costs more than the whole answer. */
const longSet = 64;
/** The furthest byte that a compression pointer reaches. */
export const maxPointer = 0x3fff;

/** mname and rname of the SOA record, relative to the cluster domain. */
const soaNames = ['\x02ns\x03dns', '\x0ahostmaster'] as const;
