/**
 * The names that exist below one zone: a hash table from relative wire names to their RRsets, found straight from the bytes
 * of a packet, in any letter case, without making a string. Names that exist only because something exists below them
 * (empty non-terminals, RFC 8020 §2) are in the table too, so "does the name exist" and "what does it hold" are one look-up.
 */
import type { RRset } from './rrset.ts';

/** A name that exists. `rrsets` is empty for an empty non-terminal and for a name without data of its own. */
export interface NameNode {
  /** The name relative to the zone: lower-case labels in wire form. */
  readonly key: string;
  readonly rrsets: readonly RRset[];
  /** Free for whoever answers: marks the nodes seen during one query, so that glue and chains are de-duplicated in O(1). */
  mark: number;
}

interface TableNode extends NameNode {
  rrsets: readonly RRset[];
  readonly hash: number;
  /** Whether the name was put, and does not merely stand above another. */
  isOwn: boolean;
  /** How many names exist directly below this one. */
  children: number;
  next: TableNode | undefined;
}

/** See the head of the file. Not for more than one writer; readers on the same thread see whole updates. */
export class NameTable {
  #buckets: (TableNode | undefined)[] = new Array<TableNode | undefined>(64).fill(undefined);
  #size = 0;

  /** How many names exist, empty non-terminals included. */
  get size(): number {
    return this.#size;
  }

  /** The node of the name in `bytes[start, end)`, compared without regard to case. The range holds whole labels, no terminator. */
  find(bytes: Uint8Array, start: number, end: number): NameNode | undefined {
    let hash = hashSeed;
    for (let at = start; at < end; at++) {
      let byte = bytes[at] as number;
      if (byte >= 65 && byte <= 90) byte += 32;
      hash = Math.imul(hash ^ byte, hashPrime);
    }
    let node = this.#buckets[bucketOf(hash, this.#buckets.length)];
    while (node !== undefined && (node.hash !== hash || !isSameName(node.key, bytes, start, end))) node = node.next;
    return node;
  }

  /** The node of the lower-case name that makes up `text` from `start` on. */
  findText(text: string, start = 0): NameNode | undefined {
    return this.#find(text, start, hashText(text, start));
  }

  /** Makes the name exist with these RRsets (none: it exists without data). */
  put(key: string, rrsets: readonly RRset[]): void {
    const node = this.#ensure(key);
    node.rrsets = rrsets;
    node.isOwn = true;
  }

  /** Takes back what `put` gave. The name goes on existing as long as something exists below it. */
  remove(key: string): void {
    const node = this.#find(key, 0, hashText(key, 0));
    if (node === undefined || !node.isOwn) return;
    node.isOwn = false;
    node.rrsets = noRRsets;
    this.#prune(node);
  }

  /** Every name that was put, in no order. */
  *entries(): Generator<NameNode> {
    for (const first of this.#buckets) {
      for (let node = first; node !== undefined; node = node.next) if (node.isOwn) yield node;
    }
  }

  #find(text: string, start: number, hash: number): TableNode | undefined {
    let node = this.#buckets[bucketOf(hash, this.#buckets.length)];
    while (node !== undefined && (node.hash !== hash || !isSameText(node.key, text, start))) node = node.next;
    return node;
  }

  #ensure(key: string): TableNode {
    const hash = hashText(key, 0);
    const known = this.#find(key, 0, hash);
    if (known !== undefined) return known;
    const node: TableNode = { key, rrsets: noRRsets, mark: 0, hash, isOwn: false, children: 0, next: undefined };
    if (this.#size >= this.#buckets.length) this.#grow();
    this.#link(node, this.#buckets);
    this.#size++;
    const parent = parentOf(key);
    if (parent !== '') this.#ensure(parent).children++;
    return node;
  }

  #prune(node: TableNode): void {
    if (node.isOwn || node.children > 0) return;
    this.#unlink(node);
    const parentKey = parentOf(node.key);
    if (parentKey === '') return;
    const parent = this.#find(parentKey, 0, hashText(parentKey, 0));
    if (parent === undefined) return;
    parent.children--;
    this.#prune(parent);
  }

  #link(node: TableNode, buckets: (TableNode | undefined)[]): void {
    const at = bucketOf(node.hash, buckets.length);
    node.next = buckets[at];
    buckets[at] = node;
  }

  #unlink(node: TableNode): void {
    const at = bucketOf(node.hash, this.#buckets.length);
    let before: TableNode | undefined;
    for (let other = this.#buckets[at]; other !== undefined && other !== node; other = other.next) before = other;
    if (before === undefined) this.#buckets[at] = node.next;
    else before.next = node.next;
    this.#size--;
  }

  #grow(): void {
    const buckets = new Array<TableNode | undefined>(this.#buckets.length * 2).fill(undefined);
    for (const first of this.#buckets) {
      for (let node = first; node !== undefined;) {
        const { next } = node;
        this.#link(node, buckets);
        node = next;
      }
    }
    this.#buckets = buckets;
  }
}

const noRRsets: readonly RRset[] = [];

// FNV-1a, 32 bits. Names are put by the cluster's own users, so a keyed hash would protect from no one.
const hashSeed = 0x811c9dc5 | 0;
const hashPrime = 0x01000193;

function hashText(text: string, start: number): number {
  let hash = hashSeed;
  for (let at = start; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), hashPrime);
  return hash;
}

/** The low bits of FNV-1a are its weakest; the high ones are folded in. `length` is a power of two. */
function bucketOf(hash: number, length: number): number {
  return (hash ^ (hash >>> 15)) & (length - 1);
}

function parentOf(key: string): string {
  return key.slice(1 + key.charCodeAt(0));
}

function isSameName(key: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let at = start; at < end; at++) {
    let byte = bytes[at] as number;
    if (byte >= 65 && byte <= 90) byte += 32;
    if (byte !== key.charCodeAt(at - start)) return false;
  }
  return true;
}

function isSameText(key: string, text: string, start: number): boolean {
  if (key.length !== text.length - start) return false;
  for (let at = 0; at < key.length; at++) if (key.charCodeAt(at) !== text.charCodeAt(start + at)) return false;
  return true;
}
