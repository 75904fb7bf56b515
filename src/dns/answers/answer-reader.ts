/** A UDP thread's side of `AnswerMemory`: answers a query in its packet, its time to live as it is now, without garbage. */
import type { Permutation } from './answer-writer.ts';
import {
  answerFlags,
  answerHashPrime,
  answerHashSeed,
  answerLayout,
  entryBytes,
  maxAnswerBytes,
  setOf,
} from './answer-memory.ts';
import { headerBytes, headerFlags, optBytes, plainUdpBytes } from '../wire/protocol.ts';
import type { Query } from '../wire/query.ts';

/** See the head of the file. Not reentrant; one for each thread. */
export class AnswerReader {
  /** The code answered last, and whether that was a denial. */
  rcode = 0;
  isDenial = false;

  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #fence = new Int32Array(1);
  readonly #permutation: Permutation;
  readonly #maxUdpBytes: number;
  /** An entry, copied out. */
  readonly #entry = new Uint8Array(entryBytes.name + 256 + 4 * maxAnswerBytes);
  readonly #view = new DataView(this.#entry.buffer);

  constructor(buffer: SharedArrayBuffer, permutation: Permutation, maxUdpBytes = 1232) {
    this.#maxUdpBytes = maxUdpBytes;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#permutation = permutation;
  }

  /** Answers a decoded query of class IN in place. The length of the answer; 0 when there is none or it does not fit, the packet then untouched. */
  answer(packet: Uint8Array, query: Query, nowMs: number): number {
    const flags = answerFlags(query.isDnssecOk, query.flags);
    if (!this.#find(packet, query, flags)) return 0;
    const view = this.#view;
    const age = Math.max(0, Math.floor((nowMs - view.getFloat64(entryBytes.stored, true)) / 1_000));
    const left = view.getInt32(entryBytes.life, true) - age;
    const length = view.getUint16(entryBytes.messageLength, true);
    const limit = Math.min(packet.length, this.#maxUdpBytes, query.hasOpt ? query.udpBytes : plainUdpBytes);
    if (left <= 0 || length + (query.hasOpt ? optBytes : 0) > limit) return 0;
    return this.#write(packet, query, length, left);
  }

  /** Copies the entry for a question out. False when there is none, or when it was being changed: the next query finds it. */
  #find(packet: Uint8Array, query: Query, flags: number): boolean {
    const version = Atomics.load(this.#words, answerLayout.version);
    if ((version & 1) !== 0) return false;
    let hash = answerHashSeed;
    for (let at = headerBytes; at < query.qnameEnd; at++) {
      let byte = packet[at] as number;
      if (byte >= 65 && byte <= 90) byte += 32;
      hash = Math.imul(hash ^ byte, answerHashPrime);
    }
    hash = Math.imul(hash ^ (query.qtype | (flags << 16)), answerHashPrime);
    const first = setOf(hash);
    for (let slot = first; slot < first + answerLayout.ways; slot++) {
      const at = this.#words[slot] as number;
      if (at === 0 || this.#words[(at + entryBytes.hash) >> 2] !== hash) continue;
      this.#copy(at);
      Atomics.store(this.#fence, 0, 0);
      if (Atomics.load(this.#words, answerLayout.version) !== version) return false;
      if (this.#isFor(packet, query, flags)) return true;
    }
    return false;
  }

  #copy(at: number): void {
    const bytes = this.#bytes;
    const entry = this.#entry;
    for (let index = 0; index < entryBytes.name; index++) entry[index] = bytes[at + index] as number;
    const view = this.#view;
    const rest =
      view.getUint16(entryBytes.nameLength, true) +
      2 * (view.getUint16(entryBytes.ttls, true) + view.getUint16(entryBytes.addresses, true)) +
      view.getUint16(entryBytes.messageLength, true);
    const end = Math.min(entryBytes.name + rest, entry.length);
    for (let index = entryBytes.name; index < end; index++) entry[index] = bytes[at + index] as number;
  }

  #isFor(packet: Uint8Array, query: Query, flags: number): boolean {
    const view = this.#view;
    const length = query.qnameEnd + 1 - headerBytes;
    if (view.getUint16(entryBytes.type, true) !== query.qtype || view.getUint16(entryBytes.flags, true) !== flags) return false;
    if (view.getUint16(entryBytes.nameLength, true) !== length) return false;
    for (let index = 0; index < length; index++) {
      let byte = packet[headerBytes + index] as number;
      if (byte >= 65 && byte <= 90) byte += 32;
      if (byte !== this.#entry[entryBytes.name + index]) return false;
    }
    return true;
  }

  #write(packet: Uint8Array, query: Query, length: number, ttlSeconds: number): number {
    const view = this.#view;
    const entry = this.#entry;
    const ttls = view.getUint16(entryBytes.ttls, true);
    const addresses = view.getUint16(entryBytes.addresses, true);
    const ttlPlaces = entryBytes.name + view.getUint16(entryBytes.nameLength, true);
    const addressPlaces = ttlPlaces + 2 * ttls;
    const message = addressPlaces + 2 * addresses;
    for (let at = query.questionEnd; at < length; at++) packet[at] = entry[message + at] as number;
    for (let index = 0; index < ttls; index++) {
      const at = view.getUint16(ttlPlaces + 2 * index, true);
      packet[at] = ttlSeconds >>> 24;
      packet[at + 1] = (ttlSeconds >>> 16) & 0xff;
      packet[at + 2] = (ttlSeconds >>> 8) & 0xff;
      packet[at + 3] = ttlSeconds & 0xff;
    }
    const size = entry[entryBytes.addressSize] as number;
    for (let index = 0; index < addresses; index++) {
      const chosen = addresses > 1 ? this.#permutation.pick(index, addresses) : 0;
      const from = message + view.getUint16(addressPlaces + 2 * chosen, true);
      const to = view.getUint16(addressPlaces + 2 * index, true);
      for (let byte = 0; byte < size; byte++) packet[to + byte] = entry[from + byte] as number;
    }
    const wantsAd = (query.flags & headerFlags.AD) !== 0 || query.isDnssecOk;
    const stored = ((entry[message + 2] as number) << 8) | (entry[message + 3] as number);
    const flags = (wantsAd ? stored : stored & ~headerFlags.AD) | (query.flags & (headerFlags.RD | headerFlags.CD));
    packet[2] = flags >> 8;
    packet[3] = flags & 0xff;
    for (let at = 4; at < headerBytes; at++) packet[at] = entry[message + at] as number;
    this.rcode = flags & 15;
    this.isDenial = entry[entryBytes.isDenial] === 1;
    return query.hasOpt ? appendOpt(packet, query, length, Math.min(query.udpBytes, this.#maxUdpBytes)) : length;
  }
}

/** The OPT record of an answer to a query that had one, at the end of the message. */
function appendOpt(packet: Uint8Array, query: Query, end: number, udpBytes: number): number {
  const count = ((packet[10] as number) << 8) + (packet[11] as number) + 1;
  packet[10] = count >> 8;
  packet[11] = count & 0xff;
  packet.fill(0, end, end + optBytes);
  packet[end + 2] = 41;
  packet[end + 3] = udpBytes >> 8;
  packet[end + 4] = udpBytes & 0xff;
  packet[end + 7] = query.isDnssecOk ? 0x80 : 0;
  return end + optBytes;
}
