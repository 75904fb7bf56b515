/**
 * Reads names in place, from any thread, without garbage: nodes and record sets are numbers (offsets into the memory), 0 is none.
 *
 *     const version = reader.enter();
 *     … find, rrsetOf, what the record sets hold …
 *     if (!reader.isCurrent(version)) begin again: what was read may be of two states, or nonsense
 *
 * A node, the name relative to its root being its label and then those of its parents:
 *
 *     0 hash   4 next in bucket   8 parent   12 record sets   16 existing children   20 holds   24 label length, own?, name length   27 label
 *
 * The record sets of a node, one block: bytes and number (`bytes << 8 | number`), then each:
 *
 *     0 type, form   4 records   [8 ttl]   data: addresses | weight, port, target node | target node, kind | length, bytes
 */
import { firstBlock, headerWords } from './name-memory.ts';

/** Words and bytes of a node. */
export const nodeWords = { hash: 0, next: 1, parent: 2, rrsets: 3, children: 4, holds: 5 } as const;
export const nodeBytes = { labelLength: 24, isOwn: 25, nameLength: 26, label: 27 } as const;

/** How the data of a record set is laid out. */
export const rrsetForms = {
  /** Addresses, one after the other. */
  addresses: 0,
  /** Words: weight and port, node of the target. */
  services: 1,
  /** Words: node of the target, with a number below 8 for whoever wrote it. */
  names: 2,
  /** Length (two bytes, low first) and bytes of each record. */
  raw: 3,
} as const;
/** Set in the form when the time to live follows; else it is the memory's. */
export const ownTtl = 0x80;

/** Names that are roots of their own, each with its own tree. Smaller than any block. */
export const roots = { forward: 8, reverse: 16, pods: 24, apex: 32 } as const;

/** See the head of the file. */
export class NameReader {
  words: Int32Array;
  bytes: Uint8Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #fence = new Int32Array(1);
  readonly #scratch = new Uint8Array(256);

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    this.bytes = new Uint8Array(buffer, 0, buffer.byteLength);
  }

  /** Waits while a change is under way; the version that is then read. */
  enter(): number {
    let version = Atomics.load(this.words, headerWords.version);
    while ((version & 1) !== 0) {
      // the writer may need this very core to go on
      Atomics.wait(this.words, headerWords.version, version, 10);
      version = Atomics.load(this.words, headerWords.version);
    }
    if (this.words[headerWords.bytes] !== this.bytes.length) this.#look();
    return version;
  }

  /** Whether all that was read since `enter` is of that version. */
  isCurrent(version: number): boolean {
    // A load may pass a later one; it may not pass a store that is ordered, nor may that pass the load behind it.
    Atomics.store(this.#fence, 0, 0);
    return Atomics.load(this.words, headerWords.version) === version;
  }

  /** Follows memory that has grown. For the writer's own thread, which need not `enter`. */
  follow(): void {
    if (this.words[headerWords.bytes] !== this.bytes.length) this.#look();
  }

  get serial(): number {
    return (this.words[headerWords.serial] as number) >>> 0;
  }

  /** Whether every object was read once. */
  get isComplete(): boolean {
    return this.words[headerWords.isComplete] === 1;
  }

  /** The record set of the apex's name servers. */
  get nameServers(): number {
    return this.words[headerWords.nameServers] as number;
  }

  get ttlSeconds(): number {
    return this.words[headerWords.ttlSeconds] as number;
  }

  /** The existing name in `name[start, end)` below a root, compared without regard to case. The range holds whole labels, no terminator. */
  find(root: number, name: Uint8Array, start: number, end: number): number {
    const node = this.findHeld(root, name, start, end);
    return node !== 0 && this.exists(node) ? node : 0;
  }

  /** Like `find`, also names that only records point to. */
  findHeld(root: number, name: Uint8Array, start: number, end: number): number {
    let hash = hashSeed ^ root;
    for (let at = start; at < end; at++) {
      let byte = name[at] as number;
      if (byte >= 65 && byte <= 90) byte += 32;
      hash = Math.imul(hash ^ byte, hashPrime);
    }
    const { words } = this;
    const buckets = (words[headerWords.buckets] as number) >> 2;
    let node = (words[buckets + bucketOf(hash, words[headerWords.bucketCount] as number)] as number) | 0;
    for (let steps = 0; node !== 0 && steps < maxSteps; steps++) {
      const at = node >> 2;
      if (words[at + nodeWords.hash] === hash && this.#isName(node, root, name, start, end)) return node;
      node = (words[at + nodeWords.next] as number) | 0;
    }
    return 0;
  }

  /** The name that holds for every zone without endpoints of its own: `*.prefer._zone.<service>` for `<zone>.prefer._zone.<service>` in the range. */
  findPreferred(name: Uint8Array, start: number, end: number): number {
    const above = start + 1 + (name[start] as number);
    if (above + preferLabels.length > end) return 0;
    const { length } = preferLabels;
    for (let index = 0; index < length; index++) {
      let byte = name[above + index] as number;
      if (byte >= 65 && byte <= 90) byte += 32;
      if (byte !== preferLabels.charCodeAt(index)) return 0;
    }
    const key = this.#scratch;
    key[0] = 1;
    key[1] = 0x2a;
    let at = 2;
    for (let from = above; from < end; from++) key[at++] = name[from] as number;
    return this.find(roots.forward, key, 0, at);
  }

  /** Whether a node is a name that exists: put, or above one that was. */
  exists(node: number): boolean {
    return (
      node < firstBlock ||
      this.bytes[node + nodeBytes.isOwn] === 1 ||
      (this.words[(node >> 2) + nodeWords.children] as number) > 0
    );
  }

  /** The name directly above; a root in the end. */
  parentOf(node: number): number {
    return (this.words[(node >> 2) + nodeWords.parent] as number) | 0;
  }

  /** Bytes of the whole relative name. */
  nameLength(node: number): number {
    return node < firstBlock ? 0 : (this.bytes[node + nodeBytes.nameLength] as number) | 0;
  }

  /** Writes the relative name in wire form, without terminator, at `to[at]`, and returns where it ends. */
  copyName(node: number, to: Uint8Array, at: number): number {
    const { bytes, words } = this;
    const most = at + 255;
    let end = at;
    for (let each = node; each >= firstBlock && end < most; each = (words[(each >> 2) + nodeWords.parent] as number) | 0) {
      const length = bytes[each + nodeBytes.labelLength] as number;
      to[end++] = length;
      const label = each + nodeBytes.label;
      for (let index = 0; index < length; index++) to[end++] = bytes[label + index] as number;
    }
    return end;
  }

  /** The relative name as a string of one-byte characters: makes garbage. */
  nameOf(node: number): string {
    const bytes = new Uint8Array(512);
    return String.fromCharCode(...bytes.subarray(0, this.copyName(node, bytes, 0)));
  }

  /** Whether a name holds records of any type. */
  hasRecords(node: number): boolean {
    return this.words[(node >> 2) + nodeWords.rrsets] !== 0;
  }

  /** The record set of one type at a name. */
  rrsetOf(node: number, type: number): number {
    let rrset = this.firstRRset(node);
    for (let left = this.rrsetCount(node); left > 0; left--) {
      if (this.typeOf(rrset) === type) return rrset;
      rrset = this.nextRRset(rrset);
    }
    return 0;
  }

  /** How many record sets a name has. They stand one behind the other. */
  rrsetCount(node: number): number {
    const block = (this.words[(node >> 2) + nodeWords.rrsets] as number) | 0;
    return block === 0 ? 0 : (this.words[block >> 2] as number) & 0xff;
  }

  firstRRset(node: number): number {
    return (((this.words[(node >> 2) + nodeWords.rrsets] as number) | 0) + 4) | 0;
  }

  nextRRset(rrset: number): number {
    const data = this.dataOf(rrset);
    const count = this.countOf(rrset);
    switch (this.formOf(rrset)) {
      case rrsetForms.addresses:
        return data + count * addressBytes(this.typeOf(rrset));
      case rrsetForms.services:
        return data + 8 * count;
      case rrsetForms.names:
        return data + 4 * count;
      default:
        return (this.rawOf(rrset, Math.min(count, maxRawRecords)) + 1) & ~3;
    }
  }

  typeOf(rrset: number): number {
    return (this.words[rrset >> 2] as number) & 0xffff;
  }

  formOf(rrset: number): number {
    return ((this.words[rrset >> 2] as number) >>> 16) & 0x7f;
  }

  /** How many records; 0 where there is no such set. */
  countOf(rrset: number): number {
    return rrset === 0 ? 0 : (this.words[(rrset >> 2) + 1] as number) & maxRecords;
  }

  ttlOf(rrset: number): number {
    return this.#hasTtl(rrset) ? (this.words[(rrset >> 2) + 2] as number) : (this.words[headerWords.ttlSeconds] as number);
  }

  /** Where the data of a set begins. */
  dataOf(rrset: number): number {
    return rrset + (this.#hasTtl(rrset) ? 12 : 8);
  }

  /** The node that a record of a form with names leads to. */
  targetOf(rrset: number, index: number): number {
    const words = this.dataOf(rrset) >> 2;
    const isService = this.formOf(rrset) === rrsetForms.services;
    return (this.words[isService ? words + 2 * index + 1 : words + index] as number) & ~7;
  }

  /** Where the bytes of a raw record stand; its length is in the two before. */
  rawOf(rrset: number, index: number): number {
    let at = this.dataOf(rrset) + 2;
    for (let skipped = 0; skipped < index; skipped++) at += this.rawLength(at) + 2;
    return at;
  }

  rawLength(at: number): number {
    return (this.bytes[at - 2] as number) | ((this.bytes[at - 1] as number) << 8);
  }

  #hasTtl(rrset: number): boolean {
    return ((this.words[rrset >> 2] as number) & (ownTtl << 16)) !== 0;
  }

  #isName(node: number, root: number, name: Uint8Array, start: number, end: number): boolean {
    const { bytes, words } = this;
    let each = node;
    for (let at = start; at < end;) {
      if (each < firstBlock) return false;
      const length = name[at] as number;
      if (bytes[each + nodeBytes.labelLength] !== length) return false;
      const label = each + nodeBytes.label - 1;
      for (let index = 1; index <= length; index++) {
        let byte = name[at + index] as number;
        if (byte >= 65 && byte <= 90) byte += 32;
        if (byte !== bytes[label + index]) return false;
      }
      at += 1 + length;
      each = (words[(each >> 2) + nodeWords.parent] as number) | 0;
    }
    return each === root;
  }

  #look(): void {
    const length = this.words[headerWords.bytes] as number;
    this.words = new Int32Array(this.#buffer, 0, length >> 2);
    this.bytes = new Uint8Array(this.#buffer, 0, length);
  }
}

/** `prefer._zone`, in wire form. */
export const preferLabels = '\x06prefer\x05_zone';

/** 4 for A, 16 for AAAA. */
export function addressBytes(type: number): number {
  return type === 1 ? 4 : 16;
}

// FNV-1a, 32 bits. Names are put by the cluster's own users, so a keyed hash would protect from no one.
export const hashSeed = 0x811c9dc5 | 0;
export const hashPrime = 0x01000193;

/** The low bits of FNV-1a are its weakest; the high ones are folded in. `count` is a power of two. */
export function bucketOf(hash: number, count: number): number {
  return (hash ^ (hash >>> 15)) & (count - 1);
}

/** What no consistent state exceeds: a read across a change must end all the same. */
const maxSteps = 1_000;
const maxRecords = 0xf_ffff;
const maxRawRecords = 1_000;
