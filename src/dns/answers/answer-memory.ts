/**
 * Answers from elsewhere in wire form, in memory that threads share: the main thread's cache puts them there, and UDP threads
 * answer from it without asking the main thread. It holds what is asked for often; what it has forgotten the cache still knows.
 *
 *     | header | index: sets of 4 offsets | ring of entries, the oldest overwritten first |
 *
 *     0 stored (ms, f64)  8 hash  12 life (s)  16 type  18 flags that matter  20 name length  22 message length  24 times to live
 *     26 addresses  28 address size  29 denial?  30 name | where times to live stand | where addresses stand | message
 *
 * The same sequence lock as for names (`names/name-memory.ts`): a reader copies an entry out and looks whether it was whole.
 */
import { lowerCaseWire, rrTypes } from '../../names/index.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { encodeMessage } from '../wire/message.ts';
import { headerBytes, headerFlags } from '../wire/protocol.ts';

/** Milliseconds of one clock for all threads of the machine; never goes back. Makes no garbage. */
export const sharedNowMs: () => number = (() => {
  const offset = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();
  return () => performance.now() + offset;
})();

/** Which answers a query may get besides name and type: those for DNSSEC OK, for CD. */
export function answerFlags(isDnssecOk: boolean, flags: number): number {
  return (isDnssecOk ? 1 : 0) | ((flags & headerFlags.CD) === 0 ? 0 : 2);
}

/** Where the fields of an entry stand. */
export const entryBytes = {
  stored: 0,
  hash: 8,
  life: 12,
  type: 16,
  flags: 18,
  nameLength: 20,
  messageLength: 22,
  ttls: 24,
  addresses: 26,
  addressSize: 28,
  isDenial: 29,
  name: 30,
} as const;

export const answerLayout = {
  version: 0,
  sets: 4_096,
  ways: 4,
  index: 64,
  ring: 64 + 4_096 * 4 * 4,
} as const;
const defaultBytes = 4 * 2 ** 20;
/** Longer messages are rare, and rarely fit into a datagram. */
export const maxAnswerBytes = 1_400;

/** The main thread's side. */
export class AnswerMemory {
  readonly buffer: SharedArrayBuffer;
  readonly #nowMs: () => number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** What stands in the ring, oldest first. */
  #entries: { readonly at: number; readonly end: number; readonly slot: number }[] = [];
  #oldest = 0;
  #top: number = answerLayout.ring;

  /** `bytes`: of all of it, default 4 MB. `nowMs`: a clock that readers have too. */
  constructor({ bytes = defaultBytes, nowMs = sharedNowMs }: { readonly bytes?: number; readonly nowMs?: () => number } = {}) {
    this.buffer = new SharedArrayBuffer(bytes);
    this.#nowMs = nowMs;
    this.#words = new Int32Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
    this.#view = new DataView(this.buffer);
  }

  /** Puts the answer to a question of class IN, good for so long. What is too long is left to the cache. */
  put(answer: Message, flags: number, lifeSeconds: number, isDenial: boolean): void {
    const [question] = answer.questions;
    if (question === undefined) return;
    const name = lowerCaseWire(question.name);
    // owners that are the name asked for become pointers to the question, and so get the letter case of each client
    const own = (record: ResourceRecord): ResourceRecord =>
      lowerCaseWire(record.name) === name ? { ...record, name: question.name } : record;
    const { id, rcode, authorities, additionals } = answer;
    const message = encodeMessage({
      id,
      rcode,
      flags: answer.flags & ~(headerFlags.RD | headerFlags.CD),
      questions: answer.questions,
      answers: answer.answers.map(own),
      authorities: authorities.map(own),
      additionals: additionals.map(own),
    });
    const places = placesOf(message, headerBytes + name.length + 4);
    if (message.length > maxAnswerBytes || places === undefined) return;
    const { ttls, addresses, addressSize } = places;
    const length = entryBytes.name + name.length + 2 * (ttls.length + addresses.length) + message.length;
    const hash = hashOf(name, question.type, flags);
    Atomics.add(this.#words, answerLayout.version, 1);
    const at = this.#place(length);
    const view = this.#view;
    view.setFloat64(at + entryBytes.stored, this.#nowMs(), true);
    view.setInt32(at + entryBytes.hash, hash, true);
    view.setInt32(at + entryBytes.life, lifeSeconds, true);
    view.setUint16(at + entryBytes.type, question.type, true);
    view.setUint16(at + entryBytes.flags, flags, true);
    view.setUint16(at + entryBytes.nameLength, name.length, true);
    view.setUint16(at + entryBytes.messageLength, message.length, true);
    view.setUint16(at + entryBytes.ttls, ttls.length, true);
    view.setUint16(at + entryBytes.addresses, addresses.length, true);
    view.setUint8(at + entryBytes.addressSize, addressSize);
    view.setUint8(at + entryBytes.isDenial, isDenial ? 1 : 0);
    let end = at + entryBytes.name;
    for (let index = 0; index < name.length; index++) this.#bytes[end++] = name.charCodeAt(index);
    for (const place of [...ttls, ...addresses]) {
      view.setUint16(end, place, true);
      end += 2;
    }
    this.#bytes.set(message, end);
    const slot = this.#slotFor(hash, name, question.type, flags);
    this.#words[slot] = at;
    this.#entries.push({ at, end: at + length, slot });
    Atomics.add(this.#words, answerLayout.version, 1);
    Atomics.notify(this.#words, answerLayout.version);
  }

  /** Forgets everything. */
  clear(): void {
    Atomics.add(this.#words, answerLayout.version, 1);
    this.#words.fill(0, answerLayout.index >> 2, answerLayout.ring >> 2);
    Atomics.add(this.#words, answerLayout.version, 1);
  }

  /** Room in the ring; what it overwrites is taken out of the index. */
  #place(length: number): number {
    if (this.#top + length > this.buffer.byteLength) {
      this.#forget(this.#top, this.buffer.byteLength);
      this.#top = answerLayout.ring;
    }
    const at = this.#top;
    this.#top = (at + length + 7) & ~7;
    this.#forget(at, this.#top);
    return at;
  }

  #forget(from: number, to: number): void {
    for (; this.#oldest < this.#entries.length; this.#oldest++) {
      const entry = this.#entries[this.#oldest];
      if (entry === undefined || entry.at >= to || entry.end <= from) break;
      if (this.#words[entry.slot] === entry.at) this.#words[entry.slot] = 0;
    }
    if (this.#oldest < 1_000) return;
    this.#entries = this.#entries.slice(this.#oldest);
    this.#oldest = 0;
  }

  /** The place of the same question, else a free one, else that of the entry which ends first. */
  #slotFor(hash: number, name: string, type: number, flags: number): number {
    const first = setOf(hash);
    let best = first;
    let bestEnd = Infinity;
    for (let slot = first; slot < first + answerLayout.ways; slot++) {
      const at = this.#words[slot] as number;
      if (at !== 0 && this.#isFor(at, hash, name, type, flags)) return slot;
      const stored = at === 0 ? 0 : this.#view.getFloat64(at, true);
      const end = at === 0 ? -1 : stored + this.#view.getInt32(at + entryBytes.life, true) * 1_000;
      if (end < bestEnd) [best, bestEnd] = [slot, end];
    }
    return best;
  }

  #isFor(at: number, hash: number, name: string, type: number, flags: number): boolean {
    const view = this.#view;
    if (view.getInt32(at + entryBytes.hash, true) !== hash) return false;
    if (view.getUint16(at + entryBytes.type, true) !== type || view.getUint16(at + entryBytes.flags, true) !== flags)
      return false;
    if (view.getUint16(at + entryBytes.nameLength, true) !== name.length) return false;
    for (let index = 0; index < name.length; index++) {
      if (this.#bytes[at + entryBytes.name + index] !== name.charCodeAt(index)) return false;
    }
    return true;
  }
}

/** The first index word of the set that a hash belongs to. */
export function setOf(hash: number): number {
  return (answerLayout.index >> 2) + ((hash ^ (hash >>> 15)) & (answerLayout.sets - 1)) * answerLayout.ways;
}

// FNV-1a, 32 bits
export const answerHashSeed = 0x811c9dc5 | 0;
export const answerHashPrime = 0x01000193;

function hashOf(name: string, type: number, flags: number): number {
  let hash = answerHashSeed;
  // the terminator is not hashed: a question's name is read up to it
  for (let at = 0; at < name.length - 1; at++) hash = Math.imul(hash ^ name.charCodeAt(at), answerHashPrime);
  return Math.imul(hash ^ (type | (flags << 16)), answerHashPrime);
}

/** Where the times to live stand in a message, and the data of its addresses. Undefined when it has several sets of addresses, which cannot be put in another order by their data alone. */
function placesOf(
  message: Uint8Array,
  start: number,
): { readonly ttls: readonly number[]; readonly addresses: readonly number[]; readonly addressSize: number } | undefined {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const count = view.getUint16(6);
  const ttls: number[] = [];
  const addresses: number[] = [];
  let addressSize = 0;
  let owner = '';
  let at = start;
  for (let record = 0; at < message.length; record++) {
    const ownerAt = at;
    while ((message[at] ?? 0) !== 0 && (message[at] ?? 0) < 0xc0) at += 1 + (message[at] ?? 0);
    at += message[at] === 0 ? 1 : 2;
    const type = view.getUint16(at);
    ttls.push(at + 4);
    const length = view.getUint16(at + 8);
    if (record < count && (type === rrTypes.A || type === rrTypes.AAAA)) {
      const set = `${message.subarray(ownerAt, at).join()} ${type}`;
      if (addresses.length > 0 && set !== owner) return undefined;
      owner = set;
      addressSize = length;
      addresses.push(at + 10);
    }
    at += 10 + length;
  }
  return { ttls, addresses, addressSize };
}
