/**
 * The names that exist below one root, and the one writer's side of them. Names that exist only because something exists below
 * them (empty non-terminals, RFC 8020 §2) are in the table too, so "does the name exist" and "what does it hold" are one
 * look-up. A name that a record points to stays in memory as long as that record, whether it exists or not.
 *
 * Readers use `NameReader`; what is read here makes objects, for explanations, transfers and tests.
 */
import { NameMemory, firstBlock, headerWords } from './name-memory.ts';
import { NameReader, bucketOf, hashPrime, hashSeed, nodeBytes, nodeWords, roots } from './name-reader.ts';
import type { PointerCell } from './rrset-cells.ts';
import { readPointers, readRRsets, targetsIn, writePointers, writeRRsets } from './rrset-cells.ts';
import type { RRset } from './rrset.ts';
import { latin1 } from './wire-name.ts';

/** A name that exists. `rrsets` is empty for an empty non-terminal and for a name without data of its own. */
export interface NameNode {
  /** The name relative to the zone: lower-case labels in wire form. */
  readonly key: string;
  readonly rrsets: readonly RRset[];
}

/** All tables of one memory: they share its buckets. */
export class NameTables {
  readonly memory: NameMemory;
  readonly reader: NameReader;
  /** Names below the cluster domain, relative to it. */
  readonly forward: NameTable;
  /** Names below `arpa`, relative to it. */
  readonly reverse: NameTable;
  /** See `PodAddresses`. */
  readonly pods: NameTable;
  /** One name, whose records are those of the apex. */
  readonly apex: NameTable;
  #nodes = 0;

  constructor(ttlSeconds: number) {
    this.memory = new NameMemory();
    this.reader = new NameReader(this.memory.buffer);
    this.memory.words[headerWords.ttlSeconds] = ttlSeconds;
    this.memory.change(() => this.#makeBuckets(64));
    this.forward = new NameTable(this, roots.forward);
    this.reverse = new NameTable(this, roots.reverse);
    this.pods = new NameTable(this, roots.pods);
    this.apex = new NameTable(this, roots.apex);
  }

  /** Nodes in memory, those that only records point to included. */
  get nodeCount(): number {
    return this.#nodes;
  }

  /** The node of a lower-case name, made when it is not there. Whoever calls holds it before the change ends. */
  ensure(root: number, key: string): number {
    if (key === '') return root;
    const known = this.held(root, key);
    if (known !== 0) return known;
    const labelLength = key.charCodeAt(0);
    const parent = this.ensure(root, key.slice(1 + labelLength));
    const { memory } = this;
    const buckets = memory.words[headerWords.bucketCount] as number;
    if (this.#nodes >= 2 * buckets) this.#makeBuckets(2 * buckets);
    const node = memory.allocate(nodeBytes.label + labelLength);
    const at = node >> 2;
    memory.words[at + nodeWords.hash] = hashText(root, key);
    memory.words[at + nodeWords.parent] = parent;
    memory.bytes[node + nodeBytes.labelLength] = labelLength;
    memory.bytes[node + nodeBytes.nameLength] = key.length;
    for (let index = 0; index < labelLength; index++) memory.bytes[node + nodeBytes.label + index] = key.charCodeAt(1 + index);
    this.#link(node);
    this.#nodes++;
    this.hold(parent);
    this.reader.follow();
    return node;
  }

  /** The node of a lower-case name, also when it does not exist but is pointed to; 0 for none. */
  held(root: number, key: string): number {
    return key === '' ? root : this.reader.findHeld(root, latin1(key), 0, key.length);
  }

  hold(node: number): void {
    if (node >= firstBlock) this.#add(node, nodeWords.holds, 1);
  }

  /** Ends a hold. What no one holds and does not exist is gone. */
  release(node: number): void {
    if (node < firstBlock) return;
    this.#add(node, nodeWords.holds, -1);
    this.#sweep(node);
  }

  /** Makes a node exist, or not, by itself. Returns by how many the number of existing names changes. */
  setOwn(node: number, isOwn: boolean): number {
    const { memory, reader } = this;
    const before = reader.exists(node);
    memory.bytes[node + nodeBytes.isOwn] = isOwn ? 1 : 0;
    let change = 0;
    let each = node;
    // The first name that existed before, or exists still, hides the change from those above it.
    for (let did = before; each >= firstBlock && reader.exists(each) !== did;) {
      change += did ? -1 : 1;
      each = reader.parentOf(each);
      if (each < firstBlock) break;
      const above = reader.exists(each);
      this.#add(each, nodeWords.children, did ? -1 : 1);
      did = above;
    }
    if (!isOwn) this.#sweep(node);
    return change;
  }

  /** Puts another block of record sets in the place of a node's; 0: none. Frees the old one and what only it held. */
  setRRsets(node: number, block: number): void {
    const { memory } = this;
    const at = (node >> 2) + nodeWords.rrsets;
    const before = memory.words[at] as number;
    memory.words[at] = block;
    if (before === 0) return;
    const targets = targetsIn(memory, before);
    memory.free(before, (memory.words[before >> 2] as number) >>> 8);
    for (const target of targets) this.release(target);
  }

  /** Every node of a root. */
  *nodes(root: number): Generator<number> {
    const { words } = this.memory;
    const buckets = (words[headerWords.buckets] as number) >> 2;
    for (let index = 0; index < (words[headerWords.bucketCount] as number); index++) {
      for (let node = words[buckets + index] as number; node !== 0; node = words[(node >> 2) + nodeWords.next] as number) {
        let above = node;
        while (above >= firstBlock) above = this.reader.parentOf(above);
        if (above === root) yield node;
      }
    }
  }

  #add(node: number, word: number, change: number): void {
    const { words } = this.memory;
    words[(node >> 2) + word] = (words[(node >> 2) + word] as number) + change;
  }

  #sweep(node: number): void {
    const { memory, reader } = this;
    if (reader.exists(node) || memory.words[(node >> 2) + nodeWords.holds] !== 0) return;
    this.#unlink(node);
    this.#nodes--;
    const parent = reader.parentOf(node);
    memory.free(node, nodeBytes.label + (memory.bytes[node + nodeBytes.labelLength] as number));
    this.release(parent);
  }

  #bucket(node: number): number {
    const { words } = this.memory;
    const hash = words[(node >> 2) + nodeWords.hash] as number;
    return ((words[headerWords.buckets] as number) >> 2) + bucketOf(hash, words[headerWords.bucketCount] as number);
  }

  #link(node: number): void {
    const { words } = this.memory;
    const at = this.#bucket(node);
    words[(node >> 2) + nodeWords.next] = words[at] as number;
    words[at] = node;
  }

  #unlink(node: number): void {
    const { words } = this.memory;
    let at = this.#bucket(node);
    while (words[at] !== node) at = ((words[at] as number) >> 2) + nodeWords.next;
    words[at] = words[(node >> 2) + nodeWords.next] as number;
  }

  #makeBuckets(count: number): void {
    const { memory } = this;
    const old = memory.words[headerWords.buckets] as number;
    const oldCount = memory.words[headerWords.bucketCount] as number;
    const buckets = memory.allocate(count * 4);
    memory.words[headerWords.buckets] = buckets;
    memory.words[headerWords.bucketCount] = count;
    for (let index = 0; index < oldCount; index++) {
      for (let node = memory.words[(old >> 2) + index] as number; node !== 0;) {
        const next = memory.words[(node >> 2) + nodeWords.next] as number;
        this.#link(node);
        node = next;
      }
    }
    if (old !== 0) memory.free(old, oldCount * 4);
    this.reader.follow();
  }
}

/** The names below one root. */
export class NameTable {
  readonly #tables: NameTables;
  readonly #root: number;
  #size = 0;

  constructor(tables = new NameTables(30), root: number = roots.forward) {
    this.#tables = tables;
    this.#root = root;
  }

  /** How many names exist, empty non-terminals included. */
  get size(): number {
    return this.#size;
  }

  /** The name in `bytes[start, end)`, compared without regard to case. The range holds whole labels, no terminator. */
  find(bytes: Uint8Array, start: number, end: number): NameNode | undefined {
    return this.#view(this.#tables.reader.find(this.#root, bytes, start, end));
  }

  /** The lower-case name that makes up `text` from `start` on. */
  findText(text: string, start = 0): NameNode | undefined {
    const bytes = latin1(text);
    return this.find(bytes, start, bytes.length);
  }

  /** Makes the name exist with these RRsets (none: it exists without data). Names that they hold are below `forward`. */
  put(key: string, rrsets: readonly RRset[]): void {
    this.#put(key, () => writeRRsets(this.#tables, rrsets));
  }

  /** Makes the name exist with pointers of which the first `visible` are its PTR records; the others are only kept. */
  putPointers(key: string, pointers: readonly PointerCell[], visible: number): void {
    this.#put(key, () => writePointers(this.#tables, pointers, visible));
  }

  /** What `putPointers` put. */
  pointers(key: string): PointerCell[] {
    const node = this.#tables.held(this.#root, key);
    return node === 0 ? [] : readPointers(this.#tables, node);
  }

  /** Takes back what `put` gave. The name goes on existing as long as something exists below it. */
  remove(key: string): void {
    const tables = this.#tables;
    const node = tables.held(this.#root, key);
    if (node === 0 || tables.memory.bytes[node + nodeBytes.isOwn] !== 1) return;
    tables.memory.change(() => {
      tables.setRRsets(node, 0);
      this.#size += tables.setOwn(node, false);
    });
  }

  /** Every name that was put, in no order. */
  *entries(): Generator<NameNode> {
    const { memory } = this.#tables;
    for (const node of this.#tables.nodes(this.#root)) {
      const view = memory.bytes[node + nodeBytes.isOwn] === 1 ? this.#view(node) : undefined;
      if (view !== undefined) yield view;
    }
  }

  #put(key: string, write: () => number): void {
    const tables = this.#tables;
    tables.memory.change(() => {
      const node = tables.ensure(this.#root, key);
      this.#size += tables.setOwn(node, true);
      tables.setRRsets(node, write());
      tables.reader.follow();
    });
  }

  #view(node: number): NameNode | undefined {
    if (node === 0) return undefined;
    return { key: this.#tables.reader.nameOf(node), rrsets: readRRsets(this.#tables, node) };
  }
}

function hashText(root: number, key: string): number {
  let hash = hashSeed ^ root;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), hashPrime);
  return hash;
}
